"""A speaker's new socket takes his place, also within the grace period of a lost one.

The old socket, whenever it closes, ends nothing.
"""

import uuid
from dataclasses import dataclass

import msgspec
from botocore.exceptions import BotoCoreError, ClientError

from live_sessions.caller import Caller
from live_sessions.lifecycle import leave_dead_session
from live_sessions.protocol.refusals import (
    connection_unknown,
    not_admitted,
    not_the_speaker,
    session_ended,
    session_not_found,
    try_again,
)
from live_sessions.sessions import Session
from live_sessions.tables.connection_table import Connection, ConnectionTable
from live_sessions.tables.session_table import SessionTable
from live_sessions.telemetry import logger

ATTEMPTS = 3


@dataclass(frozen=True)
class SpeakerRefresh:
    sessions: SessionTable
    connections: ConnectionTable

    def refresh(self, caller: Caller, session_id: str, *, at_ms: int) -> Session:
        """Make the caller the session's speaker, if he is the user that created it.

        Raises ProtocolError with ALREADY_IN_SESSION, CONNECTION_NOT_FOUND, SESSION_NOT_FOUND,
        UNAUTHORIZED_ACTION or SESSION_ENDED.
        """
        row = self.connections.get(caller.connection_id, at_ms=at_ms)
        if row is None:
            raise connection_unknown()
        if row.session_id not in (None, session_id):
            leave_dead_session(
                row.connection_id, row.session_id, self.sessions, self.connections, at_ms
            )
        session = self.sessions.get(session_id)
        if session is None:
            raise session_not_found(session_id)
        if caller.user_id is None or session.speaker_user_id != caller.user_id:
            raise not_the_speaker(session_id)
        if not session.is_live(at_ms):
            raise session_ended(session_id)
        if row.session_id != session_id:
            self._enter(row, session_id, at_ms)
        return self._take_over(caller, caller.user_id, session, at_ms)

    def _enter(self, row: Connection, session_id: str, at_ms: int) -> None:
        entered = self.connections.enter_session(
            msgspec.structs.replace(row, session_id=session_id, membership_id=uuid.uuid4().hex)
        )
        if not entered.done:
            raise not_admitted(self.connections.session_of(row.connection_id, at_ms=at_ms))

    def _take_over(self, caller: Caller, user_id: str, session: Session, at_ms: int) -> Session:
        """The last of several sockets that refresh at once is the speaker's."""
        for _ in range(ATTEMPTS):
            if session.is_of(caller.connection_id):
                return session
            attempt = self.sessions.take_over(
                session, user_id=user_id, connection_id=caller.connection_id, at_ms=at_ms
            )
            current = attempt.session
            if attempt.done and current is not None:
                self._release(session.speaker_connection_id, session.session_id)
                return current
            if current is None or not current.is_live(at_ms):
                self.connections.release_speaker(caller.connection_id, session.session_id)
                raise session_ended(session.session_id)
            session = current
        raise try_again()

    def _release(self, connection_id: str, session_id: str) -> None:
        """The old socket's row: the session's own row says already that it is nobody's."""
        try:
            self.connections.release_speaker(connection_id, session_id)
        except (ClientError, BotoCoreError):
            logger.exception("The old connection was not released", extra={"session": session_id})
