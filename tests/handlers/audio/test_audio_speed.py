"""As much audio as time passes is let through; more of it names another sample rate than it has."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from live_sessions.audio.chunks import BACKLOG_SECONDS, AudioSpeed, Chunk
from tests.handlers.audio.recogniser import chunk

CHUNK_MS = 100


def spoken(
    seconds: float, *, rate: int, named: int = 16_000, first: int = 0, begins_at: int = 0
) -> Iterator[Chunk]:
    """Chunks of a microphone at `rate`, named as if they were at another one."""
    audio = bytes(2 * rate * CHUNK_MS // 1000)
    for number in range(round(seconds * 1000 / CHUNK_MS)):
        arrived_at = begins_at + (number + 1) * CHUNK_MS
        yield chunk(first + number, audio, arrived_at, sample_rate_hertz=named)


@pytest.mark.parametrize("rate", [8_000, 16_000, 48_000])
def test_a_microphone_at_the_rate_that_was_named_is_heard_for_hours(rate: int) -> None:
    speed = AudioSpeed()
    assert all(speed.admits(each) for each in spoken(3600, rate=rate, named=rate))


def test_a_clock_that_runs_fast_is_heard_for_hours() -> None:
    speed = AudioSpeed()
    assert all(speed.admits(each) for each in spoken(3600, rate=16_160))


@pytest.mark.parametrize(("rate", "named"), [(48_000, 16_000), (44_100, 16_000), (22_050, 16_000)])
def test_a_faster_microphone_is_found_and_its_bytes_are_counted(rate: int, named: int) -> None:
    speed = AudioSpeed()
    admitted = 0.0
    for each in spoken(60, rate=rate, named=named):
        admitted += each.seconds if speed.admits(each) else 0
    assert 60 <= admitted <= 60 * 1.25 + BACKLOG_SECONDS
    assert speed.received_bytes_per_second == pytest.approx(2 * rate, rel=0.01)


def test_a_slower_microphone_is_not_refused() -> None:
    speed = AudioSpeed()
    assert all(speed.admits(each) for each in spoken(60, rate=8_000))


def test_the_backlog_of_a_stall_is_heard_and_what_is_more_is_not() -> None:
    speed = AudioSpeed()
    assert all(speed.admits(each) for each in spoken(10, rate=16_000))
    at_once = [chunk(number, bytes(3_200), 60_000) for number in range(100, 160)]
    assert [speed.admits(each) for each in at_once] == [True] * 50 + [False] * 10
    assert speed.admits(chunk(160, bytes(3_200), 60_100))


def test_another_sample_rate_begins_anew() -> None:
    speed = AudioSpeed()
    refused = sum(not speed.admits(each) for each in spoken(20, rate=48_000))
    assert refused
    for each in spoken(20, rate=48_000, named=48_000, first=200, begins_at=20_000):
        assert speed.admits(each)
    assert speed.received_bytes_per_second == 96_000


def test_chunks_whose_arrivals_are_out_of_order_count_as_they_come() -> None:
    speed = AudioSpeed()
    chunks = list(spoken(60, rate=16_000))
    for first, second in zip(chunks[::2], chunks[1::2], strict=True):
        assert speed.admits(second)
        assert speed.admits(first)
