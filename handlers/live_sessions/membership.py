"""Listeners come and go: a place is counted, then the row written; the row deleted, then the
place released. Whatever fails between is taken back here or healed by reconcile.
"""

import uuid
from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from live_sessions.caller import Caller
from live_sessions.connection_table import Connection, ConnectionTable, new_connection
from live_sessions.protocol import ErrorCode, ProtocolError
from live_sessions.refusals import (
    already_in_session,
    connection_unknown,
    not_admitted,
    session_ended,
    session_not_found,
)
from live_sessions.session_table import (
    SessionHasEnded,
    SessionIsFull,
    SessionIsGone,
    SessionTable,
)
from live_sessions.sessions import Session
from live_sessions.sockets import Sockets


@dataclass(frozen=True)
class Membership:
    sessions: SessionTable
    connections: ConnectionTable

    def join(
        self,
        caller: Caller,
        session_id: str,
        language: str,
        *,
        listeners_limit: int,
        sockets: Callable[[], Sockets],
        at_ms: int,
    ) -> Session:
        """Make the listener a member and return the session it joined.

        `sockets` is asked for only when the listener's row has to be written anew.

        Raises ProtocolError with ALREADY_IN_SESSION, SESSION_NOT_FOUND, SESSION_ENDED,
        SESSION_FULL or CONNECTION_NOT_FOUND; then nothing has changed.
        """
        row = self._row_outside_sessions(caller, at_ms)
        member = msgspec.structs.replace(
            new_connection(caller.connection_id, caller.role, caller.connected_at, caller.user_id),
            session_id=session_id,
            target_language=language,
            membership_id=uuid.uuid4().hex,
        )
        self._reserve(
            session_id,
            language,
            listeners_limit,
            move_id=f"join {member.membership_id}",
            at_ms=at_ms,
        )
        # A listener that left, or whose session ended, has no row.
        write = self.connections.add if row is None else self.connections.enter_session
        try:
            admitted = write(member)
        except Exception:
            # The row may have been written all the same.
            self.connections.remove(member.connection_id, membership_id=member.membership_id)
            self.release(member)
            raise
        if not admitted:
            self.release(member)
            raise not_admitted(self.connections.get(caller.connection_id, at_ms=at_ms))
        try:
            if row is None and not sockets().is_open(caller.connection_id):
                # Its `$disconnect` found no row to remove, and comes only once.
                raise connection_unknown()
            return self._live_session(session_id, at_ms)
        except Exception:
            self._take_back(member)
            raise

    def leave(self, connection_id: str, session_id: str) -> bool:
        """Remove a listener's row and release its place; False when it was removed before."""
        removed = self.connections.remove(connection_id, session_id=session_id)
        if removed is None:
            return False
        self.release(removed)
        return True

    def release(self, removed: Connection) -> None:
        """Release the place of a row that the caller has just deleted, or not come to write."""
        if removed.session_id is not None and removed.target_language is not None:
            self.sessions.release_place(
                removed.session_id, removed.target_language, move_id=f"leave {uuid.uuid4().hex}"
            )

    def _row_outside_sessions(self, caller: Caller, at_ms: int) -> Connection | None:
        """The listener's row; a session that is over, but has not told it yet, is left first."""
        row = self.connections.get(caller.connection_id, at_ms=at_ms)
        if row is None or row.session_id is None:
            return row
        session = self.sessions.get(row.session_id)
        if session is not None and session.is_live(at_ms):
            raise already_in_session(row.session_id)
        self.leave(caller.connection_id, row.session_id)
        return None

    def _reserve(
        self, session_id: str, language: str, listeners_limit: int, *, move_id: str, at_ms: int
    ) -> None:
        try:
            self.sessions.reserve_place(
                session_id, language, limit=listeners_limit, move_id=move_id, at_ms=at_ms
            )
        except SessionIsGone:
            raise session_not_found(session_id) from None
        except SessionHasEnded:
            raise session_ended(session_id) from None
        except SessionIsFull:
            raise ProtocolError(
                ErrorCode.SESSION_FULL,
                f"{session_id} has all of its {listeners_limit} listeners; try again later.",
                {"maxListeners": listeners_limit},
            ) from None

    def _live_session(self, session_id: str, at_ms: int) -> Session:
        """The session as it is now: it may have ended between the count and the row."""
        session = self.sessions.get(session_id)
        if session is None:
            raise session_not_found(session_id)
        if not session.is_live(at_ms):
            raise session_ended(session_id)
        return session

    def _take_back(self, member: Connection) -> None:
        removed = self.connections.remove(member.connection_id, membership_id=member.membership_id)
        if removed is not None:
            self.release(removed)
