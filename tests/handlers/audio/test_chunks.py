"""What a chunk may be: base64 text of whole samples, neither too short nor too long."""

from __future__ import annotations

import base64
import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from live_sessions.audio.chunks import Chunk
from live_sessions.audio.ingest import decoded
from live_sessions.wire.refusals import ErrorCode, ProtocolError


def text_of(size: int) -> str:
    return base64.b64encode(bytes(number % 251 for number in range(size))).decode()


def refusal_of(audio_data: str) -> ProtocolError:
    with pytest.raises(ProtocolError) as refusal:
        decoded(audio_data)
    return refusal.value


@pytest.mark.parametrize("size", [100, 102, 23_998, 24_000])
def test_audio_of_a_size_that_is_allowed_comes_out_as_it_was(size: int) -> None:
    assert decoded(text_of(size)) == base64.b64decode(text_of(size))


@pytest.mark.parametrize(
    ("size", "code"),
    [
        (1, ErrorCode.INVALID_AUDIO),
        (98, ErrorCode.INVALID_AUDIO),
        (99, ErrorCode.INVALID_AUDIO),
        (101, ErrorCode.INVALID_AUDIO),
        (23_999, ErrorCode.INVALID_AUDIO),
        (24_001, ErrorCode.AUDIO_TOO_LARGE),
        (24_002, ErrorCode.AUDIO_TOO_LARGE),
    ],
)
def test_any_other_size_is_refused_with_its_number(size: int, code: ErrorCode) -> None:
    refusal = refusal_of(text_of(size))
    assert refusal.code == code
    assert str(size) in refusal.message


def test_the_refusal_of_too_much_audio_has_the_limit_in_numbers() -> None:
    assert refusal_of(text_of(24_002)).details == {"bytes": 24_002, "maxBytes": 24_000}


SOUND = text_of(100)
"""Padded, since a hundred bytes are no multiple of three."""


@pytest.mark.parametrize(
    "audio_data",
    [
        "",
        "=",
        "====",
        SOUND.rstrip("="),
        SOUND[:-1],
        SOUND + "=",
        SOUND + "==",
        SOUND + "====",
        text_of(102) + "=",
        text_of(102) + "==",
        text_of(102) + "====",
        text_of(101) + "===",
        SOUND + "AAAA",
        "=" + SOUND,
        SOUND[:40] + "==" + SOUND[40:],
        SOUND[:76] + "\n" + SOUND[76:],
        SOUND + "\n",
        " " + SOUND,
        base64.urlsafe_b64encode(bytes([0xFB, 0xFF] * 60)).decode(),
        "data:audio/wav;base64," + SOUND,
        SOUND[:-4] + "é===",
        "\ud800" * 200,
        "\x00" * 200,
    ],
)
def test_text_that_is_not_base64_throughout_is_refused(audio_data: str) -> None:
    refusal = refusal_of(audio_data)
    assert refusal.code == ErrorCode.INVALID_AUDIO
    refusal.message.encode()


@given(st.text(max_size=300))
def test_whatever_the_text_it_is_read_as_it_is_or_refused(audio_data: str) -> None:
    with contextlib.suppress(ProtocolError):
        assert decoded(audio_data) == base64.b64decode(audio_data, validate=True)


@pytest.mark.parametrize(("rate", "seconds"), [(8_000, 1), (16_000, 0.5), (32_000, 0.25)])
def test_a_chunk_lasts_as_long_as_its_samples_at_their_rate(rate: int, seconds: float) -> None:
    chunk = Chunk(
        session_id="golden-river-482",
        stream_epoch=0,
        connection_id="speaker-1=",
        sequence=0,
        arrived_at=0,
        sample_rate_hertz=rate,
        audio=bytes(16_000),
    )
    assert chunk.seconds == seconds
