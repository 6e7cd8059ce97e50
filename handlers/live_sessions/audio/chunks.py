"""A chunk of audio: what a speaker may send, and what a slot's queue carries."""

import binascii

import msgspec

from live_sessions.pcm import BYTES_PER_SECOND
from live_sessions.protocol import ErrorCode, ProtocolError

SHORTEST_BYTES = 100
LONGEST_BYTES = 24_000
"""As base64 text it fits, with its message, into the one frame that API Gateway takes."""


class Chunk(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A message of a slot's queue. `arrived_at` is epoch milliseconds."""

    session_id: str
    stream_epoch: int
    connection_id: str
    sequence: int
    arrived_at: int
    audio: bytes

    @property
    def seconds(self) -> float:
        return len(self.audio) / BYTES_PER_SECOND


def decoded(audio_data: str) -> bytes:
    """The audio in a message; raises ProtocolError with INVALID_AUDIO or AUDIO_TOO_LARGE."""
    try:
        audio = binascii.a2b_base64(audio_data, strict_mode=True)
    except ValueError as error:
        raise _invalid(f"audioData is not base64 text: {error}") from None
    if len(audio) > LONGEST_BYTES:
        raise ProtocolError(
            ErrorCode.AUDIO_TOO_LARGE,
            f"audioData has {len(audio)} bytes of audio; a chunk has at most {LONGEST_BYTES}: "
            "send shorter chunks.",
            {"bytes": len(audio), "maxBytes": LONGEST_BYTES},
        )
    if len(audio) < SHORTEST_BYTES:
        raise _invalid(
            f"audioData has {len(audio)} bytes of audio; a chunk has at least {SHORTEST_BYTES}: "
            "send longer chunks"
        )
    if len(audio) % 2:
        raise _invalid(
            f"audioData has {len(audio)} bytes of audio; samples have two bytes each: "
            "send 16-bit little-endian PCM"
        )
    return audio


def _invalid(message: str) -> ProtocolError:
    return ProtocolError(ErrorCode.INVALID_AUDIO, f"{message}.")
