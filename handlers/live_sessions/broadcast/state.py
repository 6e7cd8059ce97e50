"""Changes of a session's broadcast state: each is one conditional update of the session's row."""

import uuid
from dataclasses import dataclass
from functools import partial
from typing import Any

from live_sessions.sessions.rows import ConditionalUpdate, SessionTable

ATTEMPTS = 3
"""Another control may change the state in between."""

_SILENT = (
    "(broadcastState.isPaused = :true OR broadcastState.isMuted = :true "
    "OR broadcastState.volume = :zero)"
)


@dataclass(frozen=True, kw_only=True)
class BroadcastChange:
    """The switches that a speaker's control sets; None leaves a switch as it is."""

    is_paused: bool | None = None
    is_muted: bool | None = None
    volume: float | None = None

    @property
    def may_begin_silence(self) -> bool:
        """Whether the broadcast may be silent after it."""
        return bool(self.is_paused) or bool(self.is_muted) or self.volume == 0

    @property
    def may_end_silence(self) -> bool:
        """Whether it sets a switch that may have made the broadcast silent."""
        return self.is_paused is False or self.is_muted is False or bool(self.volume)

    @property
    def is_likely_from_silence(self) -> bool:
        """Whether the broadcast is probably silent now; the volume is rarely raised from 0."""
        return self.may_end_silence and self.volume is None

    def assignments(self) -> dict[str, bool | float]:
        """The attributes of `broadcastState` to set, with their values."""
        switches = {"isPaused": self.is_paused, "isMuted": self.is_muted, "volume": self.volume}
        return {name: value for name, value in switches.items() if value is not None}


def change(
    sessions: SessionTable,
    session_id: str,
    wanted: BroadcastChange,
    *,
    speaker_connection_id: str,
    at_ms: int,
) -> ConditionalUpdate:
    """Change the state, and raise `version` by one.

    Only if the session is live, the connection is its speaker's, and a switch would change. The
    start of a silence also sets `silentSince`; its end sets `audibleSince` and raises
    `streamEpoch`.
    """
    update_once = partial(
        _update,
        sessions,
        session_id,
        wanted,
        control_id=uuid.uuid4().hex,
        speaker_connection_id=speaker_connection_id,
        at_ms=at_ms,
    )
    from_silence = wanted.is_likely_from_silence
    update = update_once(from_silence=from_silence)
    for _ in range(1, ATTEMPTS):
        session = update.session
        if update.done or session is None or session.broadcast_state.is_silent is from_silence:
            break
        from_silence = not from_silence
        update = update_once(from_silence=from_silence)
    return update


def _update(
    sessions: SessionTable,
    session_id: str,
    wanted: BroadcastChange,
    *,
    control_id: str,
    speaker_connection_id: str,
    at_ms: int,
    from_silence: bool,
) -> ConditionalUpdate:
    """One update, on condition that the state before it is silent (`from_silence`) or is not."""
    assignments = [
        "broadcastState.version = broadcastState.version + :one",
        "broadcastState.lastStateChange = :now",
        # Until the fan-out has begun; if it does not, reconcile starts it.
        "unannouncedVersion = broadcastState.version + :one",
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
    update = sessions.update_if(
        session_id,
        f"SET {', '.join(assignments)}{removal}",
        condition=condition,
        values=values,
    )
    after = update.session
    made_before = after is not None and after.last_control_id == control_id
    return ConditionalUpdate(done=update.done or made_before, session=after)
