"""A listener's new socket takes the place of its old one.

No count moves, unless it asks for another language; the old socket, whenever it closes, removes
nothing that is alive.
"""

import uuid
from dataclasses import dataclass

import msgspec

from live_sessions.caller import Caller
from live_sessions.membership import Arrival, Membership
from live_sessions.posts.sockets import Sockets
from live_sessions.protocol import ProtocolError, RefreshAsListener, Role
from live_sessions.protocol.refusals import connection_not_found, connection_unknown, try_again
from live_sessions.sessions import Session

ATTEMPTS = 3


@dataclass(frozen=True)
class ListenerRefresh:
    membership: Membership
    sockets: Sockets

    def refresh(
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

    def _is_member_already(self, caller: Caller, session_id: str, at_ms: int) -> bool:
        """Whether an earlier refresh of this socket did it; its answer may have been lost."""
        row = self.membership.connections.get(caller.connection_id, at_ms=at_ms)
        if row is not None and row.session_id == session_id:
            return True
        if self.membership.outside_sessions(row, self.sockets, at_ms) is None:
            raise connection_unknown()
        return False

    def _hand_over(
        self, caller: Caller, message: RefreshAsListener, at_ms: int
    ) -> tuple[Session, Arrival | None] | None:
        """The counts move, if the language does, then the rows; None, and all taken back, when one
        of the rows has changed meanwhile.
        """
        old = self.membership.connections.get(message.connection_id, at_ms=at_ms)
        if old is None or old.role is not Role.LISTENER or old.session_id != message.session_id:
            raise connection_not_found()
        language = message.target_language
        old_language = old.target_language or language
        member = msgspec.structs.replace(
            old,
            connection_id=caller.connection_id,
            connected_at=caller.connected_at,
            membership_id=uuid.uuid4().hex,
            target_language=language,
        )
        counted = self.membership.move(
            message.session_id,
            old_language,
            language,
            connection_id=member.connection_id,
            move_id=f"refresh {member.membership_id}",
            write=lambda: self.membership.connections.hand_over(old, member),
            is_written=lambda row: row.membership_id == member.membership_id,
            at_ms=at_ms,
        )
        if counted is None:
            return None
        arrival = Arrival(language, counted) if language != old_language else None
        try:
            # An end that came between may have asked the index before the new row was in it.
            return self.membership.live_session(message.session_id, at_ms), arrival
        except ProtocolError:
            self.membership.connections.remove(
                member.connection_id, membership_id=member.membership_id
            )
            raise
