"""joinSession: a place is counted, then the listener's row is written.

A failure in between is undone, but a place that somebody else may already have released is not
released again: reconcile corrects a count that is too high, while one that is too low would admit
too many listeners.
"""

import uuid
from dataclasses import dataclass

import msgspec

from contract import metrics
from live_sessions.aws.http import CallFailed, NoAnswer
from live_sessions.aws.runtime import Clock, emit
from live_sessions.listeners.counts import MOVES, NOT_ENDED, NOT_MOVED_YET, ONE_MORE
from live_sessions.listeners.membership import Membership
from live_sessions.sessions.connections import (
    Connection,
    ConnectionTable,
    Written,
    new_connection,
)
from live_sessions.sessions.misses import Misses
from live_sessions.sessions.rows import Session, SessionTable, require_live
from live_sessions.status.pushes import EventPushes
from live_sessions.wire.frames import Frame, SessionJoined
from live_sessions.wire.messages import JoinSession
from live_sessions.wire.refusals import (
    ProtocolError,
    connection_unknown,
    invalid_passcode,
    not_admitted,
    session_ended,
    session_full,
    session_not_found,
)
from live_sessions.wire.requests import Request
from live_sessions.wire.sockets import Sockets


@dataclass(frozen=True, kw_only=True)
class Joining:
    """Admits listeners; a session has at most `listeners_limit` of them under any concurrency.

    `keeps_transcripts`: whether the stack does, which may have changed since a session was created.
    """

    sessions: SessionTable
    connections: ConnectionTable
    membership: Membership
    misses: Misses
    sockets: Sockets
    pushes: EventPushes
    clock: Clock
    listeners_limit: int
    keeps_transcripts: bool

    def join_session(self, request: Request[JoinSession]) -> Frame:
        """Make the caller a member of the session.

        Raises ProtocolError with RATE_LIMITED or SERVICE_UNAVAILABLE as Misses does, with
        ALREADY_IN_SESSION, SESSION_NOT_FOUND, SESSION_ENDED, INVALID_PASSCODE, SESSION_FULL or
        CONNECTION_NOT_FOUND; then the caller is a member of no session.
        """
        message, caller, at_ms = request.message, request.caller, request.at_ms
        wanted = self.sessions.get(message.session_id)
        refusal = _why_not_admitted(wanted, message, at_ms)
        self.misses.judge_listener(caller, wanted, refusal, at_ms=at_ms)
        # A listener that left, or whose session ended, has no row.
        row = self.connections.sender(caller.connection_id, at_ms=at_ms)
        if row is not None and row.session_id is not None:
            self.membership.leave_dead_session(row, row.session_id, self.sockets, at_ms=at_ms)
            row = None
        if refusal is not None:
            raise refusal
        member = msgspec.structs.replace(
            new_connection(caller.connection_id, caller.role, caller.connected_at, caller.user_id),
            session_id=message.session_id,
            target_language=message.target_language,
            membership_id=uuid.uuid4().hex,
        )
        counted = self._reserve_place(message, member, at_ms)
        session = self._enter(member, had_row=row is not None, at_ms=at_ms)
        self.pushes.push_arrival(counted, message.target_language)
        return SessionJoined(
            timestamp=self.clock.now_ms(),
            request_id=request.request_id,
            session_id=session.session_id,
            target_language=message.target_language,
            source_language=session.source_language,
            connection_id=caller.connection_id,
            broadcast_state=session.broadcast_state,
            is_transcript_kept=session.keep_transcript and self.keeps_transcripts,
        )

    def _reserve_place(self, message: JoinSession, member: Connection, at_ms: int) -> Session:
        """Count one listener more, if the session is live and not full; returns its row."""
        session_id, limit = message.session_id, self.listeners_limit
        move_id = f"join {member.membership_id}"
        update = self.sessions.update_if(
            session_id,
            f"{MOVES}, listenerCount = listenerCount + :one, {ONE_MORE}",
            condition=(
                f"{NOT_ENDED} AND expiresAt > :now_seconds AND listenerCount < :limit "
                f"AND {NOT_MOVED_YET}"
            ),
            names={"#language": message.target_language},
            values={
                ":one": 1,
                ":zero": 0,
                ":now": self.clock.now_ms(),
                ":now_seconds": at_ms / 1000,
                ":move": move_id,
                ":limit": limit,
            },
        )
        session = update.session
        if session is None:
            raise session_not_found(session_id)
        if update.done or session.last_move_id == move_id:
            return session
        if session.is_live(at_ms):
            raise session_full(session_id, limit)
        raise session_ended(session_id)

    def _enter(self, member: Connection, *, had_row: bool, at_ms: int) -> Session:
        """Write the row, and return the session as it is after that."""
        written = self._write(member, had_row, at_ms)
        session_id = member.session_id or ""
        try:
            if not had_row and not self.sockets.is_open(member.connection_id):
                # Its `$disconnect` found no row to remove, or the row of an earlier attempt.
                raise connection_unknown()
            # The session may have ended between the count and the row.
            return require_live(self.sessions.get(session_id), session_id, at_ms)
        except Exception:
            removed = self._remove(member)
            if removed is not None and (had_row or not written.was_repeated):
                self.membership.release(member)
            raise

    def _write(self, member: Connection, had_row: bool, at_ms: int) -> Written:
        """Write the member's row; raises ProtocolError if it is not admitted."""
        write = self.connections.enter_session if had_row else self.connections.add
        try:
            written = write(member)
        except Exception:
            self._release_unless_written(member, had_row, at_ms)
            raise
        if written.done:
            return written
        if written.was_refused:
            self.membership.release(member)
        else:
            self._release_unless_written(member, had_row, at_ms)
        raise not_admitted(self.connections.session_of(member.connection_id, at_ms=at_ms))

    def _release_unless_written(self, member: Connection, had_row: bool, at_ms: int) -> None:
        """Release the place of a row that may have been written in spite of a failure."""
        if self._remove(member) is not None or self._was_never_written(member, had_row, at_ms):
            self.membership.release(member)
        else:
            emit({metrics.PLACES_NOT_RELEASED: 1})

    def _was_never_written(self, member: Connection, had_row: bool, at_ms: int) -> bool:
        row = self.connections.get(member.connection_id, at_ms=at_ms)
        if row is not None or had_row:
            return row is not None
        try:
            # While the socket is open, nobody has deleted a row of it.
            return self.sockets.is_open(member.connection_id)
        except (NoAnswer, CallFailed):
            return False

    def _remove(self, member: Connection) -> Connection | None:
        return self.connections.remove(member.connection_id, membership_id=member.membership_id).row


def _why_not_admitted(
    session: Session | None, message: JoinSession, at_ms: int
) -> ProtocolError | None:
    """The refusal of a session that is missing or has ended, or of a passcode; else None."""
    try:
        live = require_live(session, message.session_id, at_ms)
    except ProtocolError as refusal:
        return refusal
    if live.admits(message.passcode):
        return None
    return invalid_passcode(message.session_id)
