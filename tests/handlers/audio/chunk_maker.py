"""Chunks and rows as the tests of ingest and claims want them."""

from __future__ import annotations

import itertools

from live_sessions.audio.chunks import Chunk
from tests.handlers.conftest import Stage

AUDIO = bytes(range(200))
_numbers = itertools.count(1)


def chunk(session_id: str = "golden-river-482", sequence: int = 0, audio: bytes = AUDIO) -> Chunk:
    return Chunk(
        session_id=session_id,
        stream_epoch=0,
        connection_id="speaker-1=",
        sequence=sequence,
        arrived_at=1_800_000_000_000,
        audio=audio,
    )


def broadcasting(stage: Stage, user_id: str | None = None) -> tuple[str, str]:
    """A speaker's socket and its session."""
    speaker = stage.connect_speaker(user_id or f"user-{next(_numbers)}")
    return speaker, stage.create_session(speaker)


def queued_sequences(stage: Stage) -> dict[int, list[int]]:
    """What waits in each slot's queue that is not empty, taken out."""
    found = {
        slot: sorted(body["sequence"] for body in stage.queued(f"audio-{slot}"))
        for slot in range(3)
    }
    return {slot: sequences for slot, sequences in found.items() if sequences}
