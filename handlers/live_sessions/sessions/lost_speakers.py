"""A speaker's socket is lost: the session lives on for the grace period."""

from dataclasses import dataclass

from live_sessions.sessions.connections import Connection
from live_sessions.sessions.follow_ups import SessionChecks, SpeakerLostCheck
from live_sessions.sessions.rows import SessionTable


@dataclass(frozen=True)
class LostSpeakers:
    """Starts grace periods of `grace_seconds`; a check ends the session after that."""

    sessions: SessionTable
    checks: SessionChecks
    grace_seconds: int

    def start_grace(self, removed: Connection, *, at_ms: int) -> None:
        """Start the grace period of a speaker whose row was deleted, if it was their session's.

        Raises botocore's errors; if this fails, reconcile finds that the speaker has no row.
        """
        session_id = removed.session_id
        if session_id is None:
            return
        if self.sessions.mark_speaker_lost(session_id, removed.connection_id, at_ms=at_ms):
            self.checks.send(
                SpeakerLostCheck(session_id=session_id, connection_id=removed.connection_id),
                delay_seconds=self.grace_seconds,
            )
