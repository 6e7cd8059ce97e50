"""A listener joins: a place is counted, then its row written.

What fails between is taken back, but never a place that somebody else may have released already:
a count that is too high is healed by reconcile, one that is too low would let too many in.
"""

import uuid
from dataclasses import dataclass

import msgspec

from live_sessions.aws.http import CallFailed, NoAnswer
from live_sessions.caller import Caller
from live_sessions.membership import Arrival, Membership
from live_sessions.posts.sockets import Sockets
from live_sessions.protocol.refusals import connection_unknown, not_admitted
from live_sessions.sessions import Session
from live_sessions.tables import listener_counts
from live_sessions.tables.connection_table import Connection, Written, new_connection
from live_sessions.telemetry import count


@dataclass(frozen=True)
class Joining:
    membership: Membership
    sockets: Sockets
    listeners_limit: int

    def join(
        self, caller: Caller, session_id: str, language: str, *, at_ms: int
    ) -> tuple[Session, Arrival]:
        """Make the listener a member; returns the session it joined, as it is now.

        Raises ProtocolError with ALREADY_IN_SESSION, SESSION_NOT_FOUND, SESSION_ENDED,
        SESSION_FULL or CONNECTION_NOT_FOUND; then it is a member of none.
        """
        # A listener that left, or whose session ended, has no row.
        row = self.membership.connections.get(caller.connection_id, at_ms=at_ms)
        had_row = self.membership.outside_sessions(row, self.sockets, at_ms) is not None
        member = msgspec.structs.replace(
            new_connection(caller.connection_id, caller.role, caller.connected_at, caller.user_id),
            session_id=session_id,
            target_language=language,
            membership_id=uuid.uuid4().hex,
        )
        counted = listener_counts.reserve_place(
            self.membership.sessions,
            session_id,
            language,
            limit=self.listeners_limit,
            move_id=f"join {member.membership_id}",
            at_ms=at_ms,
        )
        written = self._write(member, had_row, at_ms)
        try:
            if not had_row and not self.sockets.is_open(caller.connection_id):
                # Its `$disconnect` found no row to remove, or that of an earlier attempt.
                raise connection_unknown()
            # The session may have ended between the count and the row.
            return self.membership.live_session(session_id, at_ms), Arrival(language, counted)
        except Exception:
            removal = self._remove(member)
            if removal is not None and (had_row or not written.was_repeated):
                self.membership.release(member)
            raise

    def _write(self, member: Connection, had_row: bool, at_ms: int) -> Written:
        """Write the member's row; raises ProtocolError if it is not admitted."""
        connections = self.membership.connections
        try:
            written = (connections.enter_session if had_row else connections.add)(member)
        except Exception:
            self._give_back(member, had_row, at_ms)
            raise
        if written.done:
            return written
        if written.was_refused:
            self.membership.release(member)
        else:
            self._give_back(member, had_row, at_ms)
        raise not_admitted(connections.session_of(member.connection_id, at_ms=at_ms))

    def _give_back(self, member: Connection, had_row: bool, at_ms: int) -> None:
        """Release the place of a row that may have been written all the same."""
        if self._remove(member) is not None or self._never_written(member, had_row, at_ms):
            self.membership.release(member)
        else:
            count(PlacesNotReleased=1)

    def _never_written(self, member: Connection, had_row: bool, at_ms: int) -> bool:
        row = self.membership.connections.get(member.connection_id, at_ms=at_ms)
        if row is not None or had_row:
            return row is not None
        try:
            # While it is open nobody has deleted a row of it.
            return self.sockets.is_open(member.connection_id)
        except (NoAnswer, CallFailed):
            return False

    def _remove(self, member: Connection) -> Connection | None:
        connections = self.membership.connections
        return connections.remove(member.connection_id, membership_id=member.membership_id).row
