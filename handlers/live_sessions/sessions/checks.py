"""Carrying out the delayed checks on sessions: a lost speaker, expiry, a second pass."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from live_sessions.aws.runtime import Clock, logger
from live_sessions.sessions.follow_ups import (
    AnyCheck,
    BroadcastCheck,
    ExpiryCheck,
    OperatorEndCheck,
    SecondPassCheck,
    SpeakerLostCheck,
)
from live_sessions.sessions.lifecycle import SessionEnder
from live_sessions.sessions.rows import Session, SessionTable
from live_sessions.wire.frames import EndReason


@dataclass(frozen=True, kw_only=True)
class CheckHandler:
    """Handles records of the session-checks queue.

    `send_broadcast_state` sends a session's broadcast state to its listeners.
    """

    sessions: SessionTable
    ender: SessionEnder
    send_broadcast_state: Callable[[Session], None]
    clock: Clock

    def __call__(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """Carry out the check of each record; raises what fails, so that SQS delivers it again."""
        for record in event["Records"]:
            self._carry_out(msgspec.json.decode(record["body"], type=AnyCheck))
        return {"statusCode": 200}

    def _carry_out(self, check: AnyCheck) -> None:
        """A check that is delivered twice changes nothing the second time."""
        at_ms = self.clock.now_ms()
        ended = None
        match check:
            case SpeakerLostCheck():
                ended = self.ender.end(
                    check.session_id,
                    EndReason.SPEAKER_LOST,
                    at_ms=at_ms,
                    speaker_connection_id=check.connection_id,
                )
            case OperatorEndCheck():
                ended = self.ender.end(check.session_id, EndReason.OPERATOR, at_ms=at_ms)
            case ExpiryCheck():
                ended = self._end_if_expired(check.session_id, at_ms)
            case BroadcastCheck():
                self._send_state_again(check, at_ms)
            case SecondPassCheck():
                pass
        if ended is None and not isinstance(check, BroadcastCheck):
            # The second pass; or an end that was interrupted, and whose check is delivered again.
            self._notify_again(check)
        logger.info(
            "checked",
            extra={
                "check": type(check).__name__,
                "session": check.session_id,
                "ended": ended is not None,
            },
        )

    def _end_if_expired(self, session_id: str, at_ms: int) -> Session | None:
        session = self.sessions.get(session_id)
        if session is None or not session.has_expired(at_ms):
            return None
        return self.ender.end(session_id, EndReason.EXPIRED, at_ms=at_ms)

    def _notify_again(self, check: AnyCheck) -> None:
        """Notify the listeners that the first pass after a session's end missed.

        A session that keeps a transcript is closed as soon as it may be, any other by reconcile.
        """
        session = self.sessions.get(check.session_id)
        if session is None or session.ended_at is None or session.active_shard is None:
            return
        self.ender.start_fan_out(session)
        is_closing = isinstance(check, SecondPassCheck) and check.is_closing
        if session.keep_transcript and not is_closing:
            self.ender.start_closing_pass(session)

    def _send_state_again(self, check: BroadcastCheck, at_ms: int) -> None:
        """Send the broadcast state, unless a later control has sent a newer one."""
        session = self.sessions.get(check.session_id)
        if (
            session is not None
            and session.is_live(at_ms)
            and session.broadcast_state.version == check.version
        ):
            self.send_broadcast_state(session)
