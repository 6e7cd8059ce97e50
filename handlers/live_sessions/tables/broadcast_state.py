"""Changes of a session's broadcast state: each one conditional update of the session's row."""

import uuid
from dataclasses import dataclass
from typing import Any

from live_sessions.tables.session_table import Attempt, SessionTable


@dataclass(frozen=True, kw_only=True)
class BroadcastChange:
    """What a speaker's control asks for; None leaves a switch as it is."""

    is_paused: bool | None = None
    is_muted: bool | None = None
    volume: float | None = None

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
    """
    assignments = [
        "broadcastState.version = broadcastState.version + :one",
        "broadcastState.lastStateChange = :now",
        "lastControlId = :control",
    ]
    control_id = uuid.uuid4().hex
    values: dict[str, Any] = {
        ":one": 1,
        ":now": at_ms,
        ":now_seconds": at_ms / 1000,
        ":control": control_id,
        ":speaker": speaker_connection_id,
    }
    differences: list[str] = []
    for name, value in wanted.assignments().items():
        assignments.append(f"broadcastState.{name} = :{name}")
        differences.append(f"broadcastState.{name} <> :{name}")
        values[f":{name}"] = value
    removal = ""
    if wanted.is_paused:
        assignments.append("pausedAt = if_not_exists(pausedAt, :now)")
    elif wanted.is_paused is False:
        assignments.append("lastPausedAt = if_not_exists(pausedAt, :now)")
        removal = " REMOVE pausedAt"
    outcome = sessions.attempt(
        session_id,
        f"SET {', '.join(assignments)}{removal}",
        condition=(
            "attribute_exists(sessionId) AND attribute_not_exists(endedAt) "
            "AND expiresAt > :now_seconds AND speakerConnectionId = :speaker "
            f"AND ({' OR '.join(differences)})"
        ),
        values=values,
    )
    after = outcome.session
    made_before = after is not None and after.last_control_id == control_id
    return Attempt(done=outcome.done or made_before, session=after)
