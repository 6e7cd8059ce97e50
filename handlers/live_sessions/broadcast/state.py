"""Changes of a session's broadcast state: each one conditional update of the session's row."""

import uuid
from dataclasses import dataclass
from functools import partial
from typing import Any

from live_sessions.tables.session_table import Attempt, SessionTable

ATTEMPTS = 3
"""Another control may come in between."""

_SILENT = (
    "(broadcastState.isPaused = :true OR broadcastState.isMuted = :true "
    "OR broadcastState.volume = :zero)"
)


@dataclass(frozen=True, kw_only=True)
class BroadcastChange:
    """What a speaker's control asks for; None leaves a switch as it is."""

    is_paused: bool | None = None
    is_muted: bool | None = None
    volume: float | None = None

    @property
    def may_begin_silence(self) -> bool:
        return bool(self.is_paused) or bool(self.is_muted) or self.volume == 0

    @property
    def may_end_silence(self) -> bool:
        return self.is_paused is False or self.is_muted is False or bool(self.volume)

    @property
    def is_likely_from_silence(self) -> bool:
        """What to try first: a volume is changed in mid-speech more often than from 0."""
        return self.may_end_silence and self.volume is None

    def assignments(self) -> dict[str, bool | float]:
        """The attributes of `broadcastState` that are to change, with their values."""
        switches = {"isPaused": self.is_paused, "isMuted": self.is_muted, "volume": self.volume}
        return {name: value for name, value in switches.items() if value is not None}


def change(
    sessions: SessionTable,
    session_id: str,
    wanted: BroadcastChange,
    *,
    speaker_connection_id: str,
    at_ms: int,
) -> Attempt:
    """Change the state, if the session is live, the connection its speaker's, and anything would
    differ; `version` rises by one with it.

    Where that begins a silence, `silentSince` is set with it; where it ends one, `audibleSince`,
    and `streamEpoch` rises.
    """
    update = partial(
        _update,
        sessions,
        session_id,
        wanted,
        control_id=uuid.uuid4().hex,
        speaker_connection_id=speaker_connection_id,
        at_ms=at_ms,
    )
    from_silence = wanted.is_likely_from_silence
    attempt = update(from_silence=from_silence)
    for _ in range(1, ATTEMPTS):
        session = attempt.session
        if attempt.done or session is None or session.broadcast_state.is_silent is from_silence:
            break
        from_silence = not from_silence
        attempt = update(from_silence=from_silence)
    return attempt


def _update(
    sessions: SessionTable,
    session_id: str,
    wanted: BroadcastChange,
    *,
    control_id: str,
    speaker_connection_id: str,
    at_ms: int,
    from_silence: bool,
) -> Attempt:
    """One update, if the state is `from_silence`, or is not, before it."""
    assignments = [
        "broadcastState.version = broadcastState.version + :one",
        "broadcastState.lastStateChange = :now",
        "lastControlId = :control",
    ]
    values: dict[str, Any] = {
        ":one": 1,
        ":now": at_ms,
        ":now_seconds": at_ms / 1000,
        ":control": control_id,
        ":speaker": speaker_connection_id,
        ":true": True,
        ":zero": 0,
    }
    differences: list[str] = []
    for name, value in wanted.assignments().items():
        assignments.append(f"broadcastState.{name} = :{name}")
        differences.append(f"broadcastState.{name} <> :{name}")
        values[f":{name}"] = value
    condition = (
        "attribute_exists(sessionId) AND attribute_not_exists(endedAt) "
        "AND expiresAt > :now_seconds AND speakerConnectionId = :speaker "
        f"AND ({' OR '.join(differences)}) AND {_SILENT if from_silence else f'NOT {_SILENT}'}"
    )
    if not from_silence and wanted.may_begin_silence:
        assignments.append("silentSince = :now")
    if from_silence and wanted.may_end_silence:
        assignments.append("streamEpoch = if_not_exists(streamEpoch, :zero) + :one")
        assignments.append("audibleSince = :now")
    removal = ""
    if wanted.is_paused:
        assignments.append("pausedAt = if_not_exists(pausedAt, :now)")
    elif wanted.is_paused is False:
        assignments.append("lastPausedAt = if_not_exists(pausedAt, :now)")
        removal = " REMOVE pausedAt"
    outcome = sessions.attempt(
        session_id,
        f"SET {', '.join(assignments)}{removal}",
        condition=condition,
        values=values,
    )
    after = outcome.session
    made_before = after is not None and after.last_control_id == control_id
    return Attempt(done=outcome.done or made_before, session=after)
