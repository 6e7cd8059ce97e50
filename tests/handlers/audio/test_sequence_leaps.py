"""A sequence number far ahead of the last one is refused, unless chunks may have been dropped."""

from __future__ import annotations

import pytest

from live_sessions.audio.chunks import LARGEST_LEAP, Chunk, SequenceLeaps
from tests.handlers.audio.recogniser import chunk

AUDIO = bytes(3_200)
CREATED_AT = 1_000_000
PER_SECOND = 50


def leaps(**position: str | int) -> SequenceLeaps:
    return SequenceLeaps(PER_SECOND, session_created_at=CREATED_AT, **position)  # pyright: ignore[reportArgumentType]


def at(sequence: int, seconds: float = 0, **fields: str | int) -> Chunk:
    return chunk(sequence, AUDIO, CREATED_AT + round(seconds * 1000), **fields)


@pytest.mark.parametrize("connection_id", ["", "speaker="])
def test_within_an_epoch_the_limit_is_exact(connection_id: str) -> None:
    position = leaps(connection_id=connection_id, stream_epoch=0, next_sequence=0)
    assert position.admits(at(LARGEST_LEAP - 1))
    assert not position.admits(at(2 * LARGEST_LEAP, 3600))
    assert position.last_sequence == LARGEST_LEAP - 1
    assert position.admits(at(2 * LARGEST_LEAP - 1, 3600))


def test_a_refused_chunk_changes_nothing_for_those_behind_it() -> None:
    position = leaps()
    assert position.admits(at(0))
    assert not position.admits(at(2**53 - 1, 0.1))
    for sequence in range(1, 50):
        assert position.admits(at(sequence, sequence / 10))


def test_late_and_repeated_chunks_are_not_its_concern() -> None:
    position = leaps()
    for sequence in (0, 5, 3, 3, 4):
        assert position.admits(at(sequence))
    assert position.last_sequence == 5


def test_after_a_pause_it_may_have_risen_as_fast_as_chunks_may_be_sent() -> None:
    position = leaps()
    assert position.admits(at(10, 1))
    allowed = 10 + LARGEST_LEAP + 600 * PER_SECOND
    assert not position.admits(at(allowed + 1, 601, stream_epoch=1))
    assert position.admits(at(allowed, 601, stream_epoch=1))


def test_a_new_socket_counts_from_the_sessions_beginning_at_most() -> None:
    position = leaps()
    assert position.admits(at(900, 90))
    new = {"connection_id": "new=", "stream_epoch": 1}
    assert not position.admits(at(LARGEST_LEAP + 100 * PER_SECOND, 100, **new))
    assert position.admits(at(0, 100, **new))
    assert position.admits(at(901, 90)), "a late chunk of the old socket"
    assert position.last_sequence == 0
    assert not position.admits(at(LARGEST_LEAP + 1, 101, **new))


def test_a_processor_that_knows_no_position_goes_on_in_the_middle() -> None:
    assert leaps().admits(at(9_000, 900))


def test_a_successor_goes_on_from_where_the_other_has_stopped() -> None:
    position = leaps(connection_id="speaker=", stream_epoch=3, next_sequence=50_000)
    assert position.admits(at(50_999, 1, stream_epoch=3))
    assert not position.admits(at(52_000, 1, stream_epoch=3))
