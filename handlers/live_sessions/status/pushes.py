"""The status that is pushed at once: the listeners' number has moved, or a language has appeared.

Of movers at the same time one wins the push, by one conditional update of the baseline, which is
the listener count of the last event push. Without news it costs no call.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from live_sessions.membership import Arrival
from live_sessions.posts.sockets import Delivery, Sockets
from live_sessions.protocol import UpdateReason
from live_sessions.sessions import CountBounds, Session, now_ms, status_frame
from live_sessions.tables.session_table import SessionTable
from live_sessions.telemetry import count, logger

CLAIM_ATTEMPTS = 5


@dataclass(frozen=True)
class EventStatus:
    """A push that fails is counted; it never costs the mover anything."""

    sessions: SessionTable
    sockets: Sockets
    threshold_percent: int

    def tell_arrival(self, arrival: Arrival) -> None:
        """Push what a listener's arrival at a language makes due."""
        self._tell(arrival.counted, arrival.language if arrival.is_first_of_its_language else None)

    def tell_count(self, session: Session) -> None:
        """Push the listener count if `session`, the row after a move, shows that it is news."""
        self._tell(session, None)

    def _tell(self, session: Session, new_language: str | None) -> None:
        try:
            if new_language is not None and (news := self._claim_language(session, new_language)):
                self._push(news, UpdateReason.NEW_LANGUAGE)
            elif news := self._claim_count(session):
                self._push(news, UpdateReason.LISTENER_COUNT_CHANGE)
        except (ClientError, BotoCoreError):
            count(EventPushesFailed=1)
            logger.exception("An event push failed", extra={"session": session.session_id})

    def _claim_language(self, session: Session, language: str) -> Session | None:
        """The session as it is to be pushed; None when the language has gone again."""
        return self._claim(
            session.session_id,
            "listenersByLanguage.#language >= :one",
            {":one": 1},
            {"#language": language},
        )[0]

    def _claim_count(self, session: Session) -> Session | None:
        """The session as it is to be pushed; None when its count is no news, or another's push."""
        for _ in range(CLAIM_ATTEMPTS):
            bounds = CountBounds.around(session.status_baseline, self.threshold_percent)
            if session.ended_at is not None or bounds.hold(session.listener_count):
                return None
            claimed, current = self._claim(
                session.session_id,
                "statusBaseline = :baseline "
                "AND (listenerCount < :lowest OR listenerCount > :highest)",
                {
                    ":baseline": session.status_baseline,
                    ":lowest": bounds.lowest,
                    ":highest": bounds.highest,
                },
            )
            if claimed is not None or current is None:
                return claimed
            session = current
        return None

    def _claim(
        self,
        session_id: str,
        condition: str,
        values: Mapping[str, Any],
        names: Mapping[str, str] | None = None,
    ) -> tuple[Session | None, Session | None]:
        """The session if this call took the push, and the session as it stands."""
        push_id = uuid.uuid4().hex
        outcome = self.sessions.attempt(
            session_id,
            "SET statusBaseline = listenerCount, lastPushId = :push",
            condition=f"attribute_not_exists(endedAt) AND {condition}",
            values={**values, ":push": push_id},
            names=names,
        )
        current = outcome.session
        taken = outcome.done or (current is not None and current.last_push_id == push_id)
        return (current if taken else None), current

    def _push(self, session: Session, reason: UpdateReason) -> None:
        frame = status_frame(session, reason, now_ms())
        delivery = self.sockets.post(session.speaker_connection_id, frame.encode())
        delivered = delivery is Delivery.DELIVERED
        count(EventPushes=delivered, EventPushesFailed=not delivered)
