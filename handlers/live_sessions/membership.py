"""Listeners come and go: a place is counted, then the row written; the row deleted, then the
place released. Whatever fails between is taken back here or healed by reconcile.
"""

from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from live_sessions.caller import Caller
from live_sessions.connection_table import Connection, ConnectionTable, new_connection
from live_sessions.protocol import ErrorCode, ProtocolError
from live_sessions.refusals import (
    already_in_session,
    connection_not_found,
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
        row = self.connections.get(caller.connection_id, at_ms=at_ms)
        if row is not None and row.session_id is not None:
            raise already_in_session(row.session_id)
        self._reserve(session_id, language, listeners_limit, at_ms)
        try:
            self._admit(caller, row, session_id, language)
        except ProtocolError:
            self.sessions.release_place(session_id, language, at_ms=at_ms)
            raise
        except Exception:
            # The row may have been written all the same.
            self.connections.remove(caller.connection_id, session_id=session_id)
            self.sessions.release_place(session_id, language, at_ms=at_ms)
            raise
        if row is None:
            self._require_open_socket(caller, session_id, sockets, at_ms)
        return self._require_live_session(caller, session_id, at_ms)

    def leave(self, connection_id: str, session_id: str, *, at_ms: int) -> bool:
        """Remove a listener's row and release its place; False when it was removed before."""
        removed = self.connections.remove(connection_id, session_id=session_id)
        if removed is None:
            return False
        self.release(removed, at_ms=at_ms)
        return True

    def release(self, removed: Connection, *, at_ms: int) -> None:
        """Release the place of a row that the caller has just deleted."""
        if removed.session_id is not None and removed.target_language is not None:
            self.sessions.release_place(removed.session_id, removed.target_language, at_ms=at_ms)

    def _reserve(self, session_id: str, language: str, listeners_limit: int, at_ms: int) -> None:
        try:
            self.sessions.reserve_place(session_id, language, limit=listeners_limit, at_ms=at_ms)
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

    def _admit(
        self, caller: Caller, row: Connection | None, session_id: str, language: str
    ) -> None:
        if row is not None:
            if not self.connections.enter_session(caller.connection_id, session_id, language):
                raise already_in_session(session_id)
            return
        # The listener left, or its session ended, and its row went with that.
        member = msgspec.structs.replace(
            new_connection(caller.connection_id, caller.role, caller.connected_at, caller.user_id),
            session_id=session_id,
            target_language=language,
        )
        if not self.connections.add(member):
            raise already_in_session(session_id)

    def _require_open_socket(
        self, caller: Caller, session_id: str, sockets: Callable[[], Sockets], at_ms: int
    ) -> None:
        """The `$disconnect` of a socket without a row finds nothing to remove and comes once:
        a row written after it would stay for ever.
        """
        try:
            is_open = sockets().is_open(caller.connection_id)
        except Exception:
            self.leave(caller.connection_id, session_id, at_ms=at_ms)
            raise
        if not is_open:
            self.leave(caller.connection_id, session_id, at_ms=at_ms)
            raise connection_not_found()

    def _require_live_session(self, caller: Caller, session_id: str, at_ms: int) -> Session:
        """A session that ended between the count and the row is left again."""
        session = self.sessions.get(session_id)
        if session is not None and session.is_live(at_ms):
            return session
        self.leave(caller.connection_id, session_id, at_ms=at_ms)
        raise session_not_found(session_id) if session is None else session_ended(session_id)
