"""The status frame, and its immediate pushes: a moved listener count, a new language.

If several listeners move at once, one of them wins the push, by a conditional update of the
baseline: the listener count of the last event push. Without a reason to push there is no AWS call.
"""

import math
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from contract import metrics
from live_sessions.aws.runtime import Clock, emit, logger
from live_sessions.sessions.rows import Session, SessionTable
from live_sessions.wire.frames import SessionStatus, UpdateReason
from live_sessions.wire.sockets import Delivery, Sockets

PUSH_ATTEMPTS = 5


@dataclass(frozen=True)
class CountBounds:
    """Listener counts from `lowest` to `highest` do not differ enough for an event push."""

    lowest: int
    highest: int

    @classmethod
    def around(cls, baseline: int, threshold_percent: int) -> "CountBounds":
        """A count more than `threshold_percent` from the baseline is pushed; from 0, any is."""
        margin = baseline * threshold_percent / 100
        return cls(math.ceil(baseline - margin), math.floor(baseline + margin))

    def contain(self, listener_count: int) -> bool:
        """Whether the count is within the bounds, both included."""
        return self.lowest <= listener_count <= self.highest


def status_frame(
    session: Session, reason: UpdateReason, at_ms: int, request_id: str | None = None
) -> SessionStatus:
    """The session's status at `at_ms`, without the languages that have no listener."""
    present = {
        code: count for code, count in sorted(session.listeners_by_language.items()) if count > 0
    }
    return SessionStatus(
        timestamp=at_ms,
        request_id=request_id,
        session_id=session.session_id,
        listener_count=session.listener_count,
        language_distribution=present,
        session_duration=max(0, at_ms - session.created_at) // 1000,
        broadcast_state=session.broadcast_state,
        update_reason=reason,
    )


@dataclass(frozen=True)
class EventPushes:
    """Pushes the status when a change makes it due.

    A failed push is counted and does not affect the listener that caused it.
    """

    sessions: SessionTable
    sockets: Sockets
    clock: Clock
    threshold_percent: int

    def push_arrival(self, session: Session, language: str) -> None:
        """Push what is due after a listener was counted in `language`; `session` is that row."""
        is_first = session.listeners_by_language.get(language) == 1
        self._push_if_due(session, language if is_first else None)

    def push_count(self, session: Session) -> None:
        """Push the listener count of `session`, the row after a change, if it moved enough."""
        self._push_if_due(session, None)

    def _push_if_due(self, session: Session, new_language: str | None) -> None:
        try:
            if new_language is not None and (won := self._win_language(session, new_language)):
                self._push(won, UpdateReason.NEW_LANGUAGE)
            elif won := self._win_count(session):
                self._push(won, UpdateReason.LISTENER_COUNT_CHANGE)
        except (ClientError, BotoCoreError):
            emit({metrics.EVENT_PUSHES_FAILED: 1})
            logger.exception("An event push failed", extra={"session": session.session_id})

    def _win_language(self, session: Session, language: str) -> Session | None:
        """The session to push; None if the language has no listener any more."""
        return self._win(
            session.session_id,
            "listenersByLanguage.#language >= :one",
            {":one": 1},
            {"#language": language},
        )[0]

    def _win_count(self, session: Session) -> Session | None:
        """The session to push; None if its count has not moved enough or another call pushes it."""
        for _ in range(PUSH_ATTEMPTS):
            bounds = CountBounds.around(session.status_baseline, self.threshold_percent)
            if session.ended_at is not None or bounds.contain(session.listener_count):
                return None
            won, current = self._win(
                session.session_id,
                "statusBaseline = :baseline "
                "AND (listenerCount < :lowest OR listenerCount > :highest)",
                {
                    ":baseline": session.status_baseline,
                    ":lowest": bounds.lowest,
                    ":highest": bounds.highest,
                },
            )
            if won is not None or current is None:
                return won
            session = current
        return None

    def _win(
        self,
        session_id: str,
        condition: str,
        values: Mapping[str, Any],
        names: Mapping[str, str] | None = None,
    ) -> tuple[Session | None, Session | None]:
        """The session if this call won the push, and the session as it is now."""
        push_id = uuid.uuid4().hex
        update = self.sessions.update_if(
            session_id,
            "SET statusBaseline = listenerCount, lastPushId = :push",
            condition=f"attribute_not_exists(endedAt) AND {condition}",
            values={**values, ":push": push_id},
            names=names,
        )
        current = update.session
        won = update.done or (current is not None and current.last_push_id == push_id)
        return (current if won else None), current

    def _push(self, session: Session, reason: UpdateReason) -> None:
        frame = status_frame(session, reason, self.clock.now_ms())
        delivered = self.sockets.post(session.speaker_connection_id, frame) is Delivery.DELIVERED
        emit({metrics.EVENT_PUSHES: delivered, metrics.EVENT_PUSHES_FAILED: not delivered})
