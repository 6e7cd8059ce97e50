"""A new socket takes the place of an old one: a listener's membership, or the speaker's place.

No count moves; the old socket, whenever it closes, ends and removes nothing that is alive.
"""

import uuid
from dataclasses import dataclass

import msgspec
from botocore.exceptions import BotoCoreError, ClientError

from live_sessions import listener_counts
from live_sessions.caller import Caller
from live_sessions.connection_table import Connection, ConnectionTable
from live_sessions.membership import Arrival, Membership
from live_sessions.protocol import ProtocolError, RefreshAsListener, Role
from live_sessions.refusals import (
    already_in_session,
    connection_not_found,
    connection_unknown,
    not_admitted,
    not_the_speaker,
    session_ended,
    session_not_found,
    try_again,
)
from live_sessions.session_table import SessionTable
from live_sessions.sessions import Session
from live_sessions.sockets import Sockets
from live_sessions.telemetry import logger

ATTEMPTS = 3


@dataclass(frozen=True)
class ConnectionRefresh:
    sessions: SessionTable
    connections: ConnectionTable
    membership: Membership
    sockets: Sockets

    def of_listener(
        self, caller: Caller, message: RefreshAsListener, *, at_ms: int
    ) -> tuple[Session, Arrival | None]:
        """Hand the old connection's membership to the caller, in the language that it asks for;
        returns the session as it is now, and the arrival at another language.

        Raises ProtocolError with ALREADY_IN_SESSION, CONNECTION_NOT_FOUND, SESSION_NOT_FOUND or
        SESSION_ENDED; with SERVICE_UNAVAILABLE when other changes keep coming in between.
        """
        for _ in range(ATTEMPTS):
            if self._is_member_already(caller, message.session_id, at_ms):
                return self.membership.live_session(message.session_id, at_ms), None
            handed_over = self._hand_over(caller, message, at_ms)
            if handed_over is not None:
                return handed_over
        raise try_again()

    def of_speaker(self, caller: Caller, session_id: str, *, at_ms: int) -> Session:
        """Make the caller the session's speaker, if he is the user that created it.

        Raises ProtocolError with ALREADY_IN_SESSION, CONNECTION_NOT_FOUND, SESSION_NOT_FOUND,
        UNAUTHORIZED_ACTION or SESSION_ENDED.
        """
        row = self.connections.get(caller.connection_id, at_ms=at_ms)
        if row is None:
            raise connection_unknown()
        if row.session_id not in (None, session_id):
            self._leave_dead_session(row, row.session_id, at_ms)
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

    def _is_member_already(self, caller: Caller, session_id: str, at_ms: int) -> bool:
        """Whether an earlier refresh of this socket did it; its answer may have been lost."""
        row = self.connections.get(caller.connection_id, at_ms=at_ms)
        if row is not None and row.session_id == session_id:
            return True
        if self.membership.row_outside_sessions(caller, self.sockets, at_ms) is None:
            raise connection_unknown()
        return False

    def _hand_over(
        self, caller: Caller, message: RefreshAsListener, at_ms: int
    ) -> tuple[Session, Arrival | None] | None:
        """The counts move, if the language does, then the rows; None, and all taken back, when one
        of the rows has changed meanwhile.
        """
        old = self.connections.get(message.connection_id, at_ms=at_ms)
        if old is None or old.role is not Role.LISTENER or old.session_id != message.session_id:
            raise connection_not_found()
        member = msgspec.structs.replace(
            old,
            connection_id=caller.connection_id,
            connected_at=caller.connected_at,
            membership_id=uuid.uuid4().hex,
            target_language=message.target_language,
        )
        arrival = self._count_hand_over(old, member, message.session_id, at_ms)
        if not self._hand_over_rows(old, member, at_ms):
            return None
        try:
            # An end that came between may have asked the index before the new row was in it.
            return self.membership.live_session(message.session_id, at_ms), arrival
        except ProtocolError:
            self.connections.remove(member.connection_id, membership_id=member.membership_id)
            raise

    def _count_hand_over(
        self, old: Connection, member: Connection, session_id: str, at_ms: int
    ) -> Arrival | None:
        """An arrival, if the listener asks for another language."""
        move_id = f"refresh {member.membership_id}"
        from_language, to_language = _languages(old, member)
        if from_language == to_language:
            listener_counts.announce_refresh(
                self.sessions, session_id, move_id=move_id, at_ms=at_ms
            )
            return None
        counted = listener_counts.change_language(
            self.sessions,
            session_id,
            old=from_language,
            new=to_language,
            move_id=move_id,
            at_ms=at_ms,
        )
        return Arrival(to_language, counted)

    def _hand_over_rows(self, old: Connection, member: Connection, at_ms: int) -> bool:
        try:
            done = self.connections.hand_over(old, member).done
        except Exception:
            # It may have been done all the same: then the counts are right.
            row = self.connections.get(member.connection_id, at_ms=at_ms)
            if row is not None and row.membership_id == member.membership_id:
                return True
            self._take_back(old, member, at_ms)
            raise
        if not done:
            self._take_back(old, member, at_ms)
        return done

    def _take_back(self, old: Connection, member: Connection, at_ms: int) -> None:
        from_language, to_language = _languages(old, member)
        if from_language != to_language and member.session_id is not None:
            listener_counts.take_language_back(
                self.sessions,
                member.session_id,
                old=from_language,
                new=to_language,
                move_id=f"refresh {member.membership_id}",
                at_ms=at_ms,
            )

    def _enter(self, row: Connection, session_id: str, at_ms: int) -> None:
        entered = self.connections.enter_session(
            msgspec.structs.replace(row, session_id=session_id, membership_id=uuid.uuid4().hex)
        )
        if not entered.done:
            raise not_admitted(self.connections.get(row.connection_id, at_ms=at_ms))

    def _leave_dead_session(self, row: Connection, session_id: str, at_ms: int) -> None:
        current = self.sessions.get(session_id)
        if current is not None and current.is_live(at_ms) and current.is_of(row.connection_id):
            raise already_in_session(session_id)
        self.connections.release_speaker(row.connection_id, session_id)

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


def _languages(old: Connection, member: Connection) -> tuple[str, str]:
    """Before and after; every listener's row that is a membership has one."""
    return old.target_language or "", member.target_language or ""
