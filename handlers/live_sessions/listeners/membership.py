"""A listener in a session: its row is the membership, and the session's row counts it.

It leaves by the row's deletion, after which the place is released; what fails between is healed by
reconcile.
"""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from botocore.exceptions import BotoCoreError, ClientError

from live_sessions.caller import Caller
from live_sessions.posts.sockets import Sockets
from live_sessions.protocol import EndReason, SessionEnded
from live_sessions.protocol.refusals import (
    already_in_session,
    connection_not_found,
    try_again,
)
from live_sessions.sessions import Session, now_ms, require_live
from live_sessions.tables import listener_counts
from live_sessions.tables.connection_table import Connection, ConnectionTable, Written
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
        return require_live(self.sessions.get(session_id), session_id, at_ms)

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
            change_id = f"language {uuid.uuid4().hex}"
            counted = self.move(
                member.session_id,
                old,
                language,
                connection_id=member.connection_id,
                move_id=change_id,
                write=partial(
                    self.connections.change_language, member, language, change_id=change_id
                ),
                is_written=lambda row, mine=change_id: row.language_change_id == mine,
                at_ms=at_ms,
            )
            if counted is not None:
                return Arrival(language, counted)
        raise try_again()

    def move(
        self,
        session_id: str,
        old: str,
        new: str,
        *,
        connection_id: str,
        move_id: str,
        write: Callable[[], Written],
        is_written: Callable[[Connection], bool],
        at_ms: int,
    ) -> Session | None:
        """The counts move from a language to another, then the connection's row is written; returns
        the session just after the counts moved. None, and all taken back, when it was not written.

        Raises ProtocolError with SESSION_NOT_FOUND or SESSION_ENDED; then nothing has changed.
        """
        move = {"old": old, "new": new, "move_id": move_id}
        counted = listener_counts.change_language(self.sessions, session_id, **move, at_ms=at_ms)
        try:
            done = write().done
        except Exception:
            # It may have been written all the same: then the counts are right.
            row = self.connections.get(connection_id, at_ms=at_ms)
            if row is not None and is_written(row):
                return counted
            listener_counts.take_language_back(self.sessions, session_id, **move, at_ms=at_ms)
            raise
        if done:
            return counted
        listener_counts.take_language_back(self.sessions, session_id, **move, at_ms=at_ms)
        return None

    def outside_sessions(
        self, row: Connection | None, sockets: Sockets, at_ms: int
    ) -> Connection | None:
        """A listener's row, as it was read, if it is in no session; one that is in a session that
        is over is deleted, and the listener told so, first.

        Raises ProtocolError with ALREADY_IN_SESSION.
        """
        if row is None or row.session_id is None:
            return row
        session = self.sessions.get(row.session_id)
        if session is not None and session.is_live(at_ms):
            raise already_in_session(row.session_id)
        removed = self.connections.remove(row.connection_id, session_id=row.session_id).row
        if removed is not None:
            # Whoever deletes the row tells the listener.
            reason = session.end_reason if session is not None else None
            frame = SessionEnded(
                timestamp=now_ms(),
                session_id=row.session_id,
                reason=reason or EndReason.EXPIRED,
            )
            sockets.post(row.connection_id, frame.encode())
        return None
