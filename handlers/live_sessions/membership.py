"""A listener in a session: its row is the membership, and the session's row counts it.

It leaves by the row's deletion, after which the place is released; what fails between is healed by
reconcile.
"""

import uuid
from dataclasses import dataclass
from functools import partial

from botocore.exceptions import BotoCoreError, ClientError

from live_sessions.caller import Caller
from live_sessions.posts.sockets import Sockets
from live_sessions.protocol import EndReason, SessionEnded
from live_sessions.protocol.refusals import (
    already_in_session,
    connection_not_found,
    session_ended,
    session_not_found,
    try_again,
)
from live_sessions.sessions import Session, now_ms
from live_sessions.tables import listener_counts
from live_sessions.tables.connection_table import Connection, ConnectionTable
from live_sessions.tables.session_table import SessionTable
from live_sessions.telemetry import count, logger

LANGUAGE_CHANGE_ATTEMPTS = 5


@dataclass(frozen=True)
class Arrival:
    """A listener counted for a language; `counted` is the session's row just after that."""

    language: str
    counted: Session

    @property
    def is_first_of_its_language(self) -> bool:
        return self.counted.listeners_by_language.get(self.language) == 1


@dataclass(frozen=True)
class Membership:
    sessions: SessionTable
    connections: ConnectionTable

    def member(self, caller: Caller, at_ms: int) -> Connection:
        """The listener's row; raises ProtocolError with CONNECTION_NOT_FOUND outside sessions."""
        row = self.connections.get(caller.connection_id, at_ms=at_ms)
        if row is None or row.session_id is None:
            raise connection_not_found()
        return row

    def live_session(self, session_id: str, at_ms: int) -> Session:
        """The session as it is now.

        Raises ProtocolError with SESSION_NOT_FOUND or SESSION_ENDED.
        """
        session = self.sessions.get(session_id)
        if session is None:
            raise session_not_found(session_id)
        if not session.is_live(at_ms):
            raise session_ended(session_id)
        return session

    def leave(self, connection_id: str, session_id: str) -> Session | None:
        """Remove a listener's row and release its place; returns the session after it.

        None when the row was removed before, or the session is gone or has ended.
        """
        removed = self.connections.remove(connection_id, session_id=session_id).row
        return None if removed is None else self.release(removed)

    def release(self, removed: Connection) -> Session | None:
        """Release the place of a row that the caller has just deleted, or not come to write.

        It is out of the session whatever becomes of this: a failure leaves the count to reconcile.
        """
        if removed.session_id is None or removed.target_language is None:
            return None
        try:
            return listener_counts.release_place(
                self.sessions,
                removed.session_id,
                removed.target_language,
                move_id=f"leave {removed.membership_id}",
            )
        except (ClientError, BotoCoreError):
            count(PlacesNotReleased=1)
            logger.exception("A place is left to reconcile", extra={"session": removed.session_id})
            return None

    def change_language(self, caller: Caller, language: str, *, at_ms: int) -> Arrival | None:
        """Give the listener another language; None when it has that language already.

        Raises ProtocolError with CONNECTION_NOT_FOUND, SESSION_NOT_FOUND or SESSION_ENDED; then
        nothing has changed. With SERVICE_UNAVAILABLE when other changes keep coming in between.
        """
        for _ in range(LANGUAGE_CHANGE_ATTEMPTS):
            member = self.member(caller, at_ms)
            old = member.target_language
            if member.session_id is None or old is None:
                raise connection_not_found()
            if old == language:
                self.live_session(member.session_id, at_ms)
                return None
            arrival = self._move_language(member, member.session_id, old, language, at_ms)
            if arrival is not None:
                return arrival
        raise try_again()

    def _move_language(
        self, member: Connection, session_id: str, old: str, new: str, at_ms: int
    ) -> Arrival | None:
        """The counts move, then the row; None, and all taken back, when the row has changed."""
        change_id = f"language {uuid.uuid4().hex}"
        counted = listener_counts.change_language(
            self.sessions, session_id, old=old, new=new, move_id=change_id, at_ms=at_ms
        )
        take_back = partial(
            listener_counts.take_language_back,
            self.sessions,
            session_id,
            old=old,
            new=new,
            move_id=change_id,
            at_ms=at_ms,
        )
        try:
            changed = self.connections.change_language(member, new, change_id=change_id).done
        except Exception:
            # The row may have changed all the same: then the counts are right.
            row = self.connections.get(member.connection_id, at_ms=at_ms)
            if row is not None and row.language_change_id == change_id:
                return Arrival(new, counted)
            take_back()
            raise
        if changed:
            return Arrival(new, counted)
        take_back()
        return None

    def row_outside_sessions(
        self, caller: Caller, sockets: Sockets, at_ms: int
    ) -> Connection | None:
        """The listener's row; from a session that is over it is taken, and told so, first.

        Raises ProtocolError with ALREADY_IN_SESSION.
        """
        row = self.connections.get(caller.connection_id, at_ms=at_ms)
        if row is None or row.session_id is None:
            return row
        session = self.sessions.get(row.session_id)
        if session is not None and session.is_live(at_ms):
            raise already_in_session(row.session_id)
        removed = self.connections.remove(caller.connection_id, session_id=row.session_id).row
        if removed is not None:
            # Whoever deletes the row tells the listener.
            reason = session.end_reason if session is not None else None
            frame = SessionEnded(
                timestamp=now_ms(),
                session_id=row.session_id,
                reason=reason or EndReason.EXPIRED,
            )
            sockets.post(caller.connection_id, frame.encode())
        return None
