"""getSessionStatus: the status that a speaker asks for."""

import math
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError, ConnectTimeoutError, ReadTimeoutError

from contract import metrics
from live_sessions.aws.runtime import Clock, emit, logger
from live_sessions.sessions.connections import ConnectionTable
from live_sessions.sessions.rows import Session, SessionTable, require_live
from live_sessions.status.pushes import status_frame
from live_sessions.wire.frames import Frame, UpdateReason
from live_sessions.wire.refusals import ErrorCode, ProtocolError, connection_not_found
from live_sessions.wire.requests import Request


@dataclass(frozen=True, kw_only=True)
class StatusQueries:
    """Answers getSessionStatus; both tables' clients have to give up after `timeout_ms`."""

    sessions: SessionTable
    connections: ConnectionTable
    clock: Clock
    timeout_ms: int

    def get_session_status(self, request: Request[Any]) -> Frame:
        """The caller's status, by two reads and one write, however many listeners there are.

        Raises ProtocolError with STATUS_TIMEOUT, CONNECTION_NOT_FOUND, SESSION_NOT_FOUND or
        SESSION_ENDED.
        """
        try:
            session = self._session_in_time(request)
        except (ConnectTimeoutError, ReadTimeoutError):
            raise self._timeout() from None
        try:
            self.sessions.note_status_request(session.session_id, at_ms=request.at_ms)
        except (ClientError, BotoCoreError):
            logger.exception("The periodic timer was not reset")
        return status_frame(
            session, UpdateReason.REQUESTED, self.clock.now_ms(), request.request_id
        )

    def _session_in_time(self, request: Request[Any]) -> Session:
        connection_id, at_ms = request.caller.connection_id, request.at_ms
        began_seconds = self.clock.monotonic()
        try:
            session_id = self.connections.session_of(connection_id, at_ms=at_ms)
            if session_id is None:
                raise connection_not_found()
            found = self.sessions.get(session_id)
        finally:
            query_seconds = self.clock.monotonic() - began_seconds
            emit({metrics.STATUS_QUERY_MILLISECONDS: math.ceil(query_seconds * 1000)})
        if query_seconds * 1000 > self.timeout_ms:
            raise self._timeout()
        session = require_live(found, session_id, at_ms)
        if not session.is_of(connection_id):
            raise connection_not_found()
        return session

    def _timeout(self) -> ProtocolError:
        return ProtocolError(
            ErrorCode.STATUS_TIMEOUT,
            f"The status took longer than {self.timeout_ms} ms; ask again.",
        )
