"""Chunks and rows as the tests of ingest and claims want them."""

from __future__ import annotations

import itertools

import msgspec

from contract.actions import Role
from live_sessions.audio.chunks import Chunk
from live_sessions.sessions.connections import new_connection
from live_sessions.sessions.rows import Session
from live_sessions.wire.frames import BroadcastState
from live_sessions.wire.messages import DEFAULT_SAMPLE_RATE_HERTZ
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


def broadcasting(
    stage: Stage,
    user_id: str | None = None,
    *,
    quality_tier: str = "standard",
    sample_rate_hertz: int = DEFAULT_SAMPLE_RATE_HERTZ,
) -> tuple[str, str]:
    """A speaker's socket and its session, with the rows that connect and createSession write."""
    number = next(_numbers)
    connection_id, session_id = f"broadcaster-{number}=", f"loud-river-{number}"
    user_id = user_id or f"user-{number}"
    at_ms = stage.connected_at
    connection = msgspec.structs.replace(
        new_connection(connection_id, Role.SPEAKER, at_ms, user_id),
        session_id=session_id,
        membership_id=f"membership of {connection_id}",
    )
    session = Session(
        session_id=session_id,
        speaker_connection_id=connection_id,
        source_language="en",
        quality_tier=quality_tier,
        sample_rate_hertz=sample_rate_hertz,
        created_at=at_ms,
        expires_at=at_ms // 1000 + 8 * 3600,
        broadcast_state=BroadcastState(last_state_change=at_ms),
        listener_count=0,
        listeners_by_language={},
        membership_version=0,
        membership_changed_at=at_ms,
        speaker_user_id=user_id,
        active_shard=0,
    )
    stage.replace("connections", msgspec.to_builtins(connection))
    stage.replace("sessions", msgspec.to_builtins(session))
    stage.open_socket(connection_id, {"role": "speaker", "userId": user_id})
    return connection_id, session_id


def queued_sequences(stage: Stage) -> dict[int, list[int]]:
    """What waits in each slot's queue that is not empty, taken out."""
    found = {
        slot: sorted(body["sequence"] for body in stage.queued(f"audio-{slot}"))
        for slot in range(3)
    }
    return {slot: sequences for slot, sequences in found.items() if sequences}
