"""refreshConnection of a speaker: a new socket replaces the old one, also within the grace period.

The old socket ends nothing when it closes.
"""

import uuid
from dataclasses import dataclass

import msgspec
from botocore.exceptions import BotoCoreError, ClientError

from live_sessions.aws.runtime import Clock, logger
from live_sessions.sessions.connections import Connection, ConnectionTable
from live_sessions.sessions.lifecycle import leave_dead_session
from live_sessions.sessions.misses import Misses
from live_sessions.sessions.rows import Session, SessionTable
from live_sessions.wire.frames import ConnectionRefreshComplete, Frame, StateRestored
from live_sessions.wire.messages import RefreshAsSpeaker
from live_sessions.wire.refusals import (
    connection_unknown,
    not_admitted,
    not_the_speaker,
    session_ended,
    session_not_found,
    try_again,
)
from live_sessions.wire.requests import Caller, Request
from live_sessions.wire.sockets import Delivery, Sockets

ATTEMPTS = 3


@dataclass(frozen=True, kw_only=True)
class SpeakerRefresh:
    """Moves sessions to new sockets of the user that created them."""

    sessions: SessionTable
    connections: ConnectionTable
    misses: Misses
    sockets: Sockets
    clock: Clock

    def refresh(self, request: Request[RefreshAsSpeaker]) -> Frame:
        """Make the caller the session's speaker.

        Only one frame can be returned: connectionRefreshComplete is posted, and stateRestored
        follows as the reply. Raises ProtocolError with ALREADY_IN_SESSION, CONNECTION_NOT_FOUND,
        SESSION_NOT_FOUND, UNAUTHORIZED_ACTION, SESSION_ENDED, or RATE_LIMITED as Misses does.
        """
        session = self._refresh(request.caller, request.message, request.at_ms)
        complete = ConnectionRefreshComplete(
            timestamp=self.clock.now_ms(),
            request_id=request.request_id,
            session_id=session.session_id,
            connection_id=request.caller.connection_id,
            broadcast_state=session.broadcast_state,
            source_language=session.source_language,
            sample_rate_hertz=session.sample_rate_hertz,
            access=session.access,
            passcode=session.passcode,
            expires_at=session.expires_at * 1000,
        )
        delivery = self.sockets.post(request.caller.connection_id, complete)
        if delivery is not Delivery.DELIVERED:
            return complete
        return StateRestored(timestamp=self.clock.now_ms(), broadcast_state=session.broadcast_state)

    def _refresh(self, caller: Caller, message: RefreshAsSpeaker, at_ms: int) -> Session:
        session_id = message.session_id
        row = self.connections.sender(caller.connection_id, at_ms=at_ms)
        if row is None:
            raise connection_unknown()
        session = self._own_session(caller, row, session_id, at_ms)
        if not session.is_live(at_ms):
            raise session_ended(session_id)
        if row.session_id != session_id:
            self._enter(row, session_id, at_ms)
        return self._take_over(caller, session, message, at_ms)

    def _own_session(self, caller: Caller, row: Connection, session_id: str, at_ms: int) -> Session:
        """The session if the caller's user created it; their socket leaves a dead one before."""
        session = self.sessions.get(session_id)
        is_own = (
            session is not None
            and caller.user_id is not None
            and session.speaker_user_id == caller.user_id
        )
        refusal = session_not_found(session_id) if session is None else not_the_speaker(session_id)
        if not is_own:
            self.misses.judge_speaker(caller, refusal, at_ms=at_ms)
        if row.session_id != session_id:
            leave_dead_session(row, self.sessions, self.connections, at_ms)
        if session is None or not is_own:
            raise refusal
        return session

    def _enter(self, row: Connection, session_id: str, at_ms: int) -> None:
        entered = self.connections.enter_session(
            msgspec.structs.replace(row, session_id=session_id, membership_id=uuid.uuid4().hex)
        )
        if not entered.done:
            raise not_admitted(self.connections.session_of(row.connection_id, at_ms=at_ms))

    def _take_over(
        self,
        caller: Caller,
        session: Session,
        message: RefreshAsSpeaker,
        at_ms: int,
    ) -> Session:
        """If several sockets refresh at once, the last one is the speaker's."""
        for _ in range(ATTEMPTS):
            is_speaker = session.is_of(caller.connection_id)
            rate, captions = message.sample_rate_hertz, message.receive_captions
            rate = session.sample_rate_hertz if rate is msgspec.UNSET else rate
            captions = session.receive_captions if captions is msgspec.UNSET else captions
            is_unchanged = (rate, captions) == (session.sample_rate_hertz, session.receive_captions)
            if is_speaker and is_unchanged:
                return session
            update = self.sessions.take_over(
                session,
                user_id=caller.user_id or "",
                connection_id=caller.connection_id,
                sample_rate_hertz=rate,
                receive_captions=captions,
                at_ms=at_ms,
            )
            current = update.session
            if update.done and current is not None:
                if not is_speaker:
                    self._release(session.speaker_connection_id, session.session_id)
                return current
            if current is None or not current.is_live(at_ms):
                self.connections.release_speaker(caller.connection_id, session.session_id)
                raise session_ended(session.session_id)
            session = current
        raise try_again()

    def _release(self, connection_id: str, session_id: str) -> None:
        """Release the old socket's row; the session's row already names the new socket."""
        try:
            self.connections.release_replaced_speaker(connection_id, session_id)
        except (ClientError, BotoCoreError):
            logger.exception("The old connection was not released", extra={"session": session_id})
