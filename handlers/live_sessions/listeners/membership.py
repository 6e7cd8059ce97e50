"""A listener's membership: its row makes it a member, and the session's row counts it.

A listener leaves by the deletion of its row, after which its place is released. Reconcile heals
what fails in between.
"""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import msgspec
from botocore.exceptions import BotoCoreError, ClientError

from contract import metrics
from contract.actions import Role
from live_sessions.aws.runtime import Clock, emit, logger
from live_sessions.listeners import counts
from live_sessions.listeners.end_notices import EndNotices
from live_sessions.sessions.connections import (
    Connection,
    ConnectionTable,
    NoticeClaim,
    Removal,
    Written,
)
from live_sessions.sessions.misses import Misses
from live_sessions.sessions.rows import Session, SessionTable, require_live
from live_sessions.wire.frames import EndReason, SessionEnded
from live_sessions.wire.refusals import (
    ProtocolError,
    already_in_session,
    connection_not_found,
    connection_unknown,
    try_again,
)
from live_sessions.wire.requests import Caller
from live_sessions.wire.sockets import Sockets

LANGUAGE_CHANGE_ATTEMPTS = 5
REFRESH_ATTEMPTS = 3


@dataclass(frozen=True)
class Membership:
    """Leaving, changing language and moving to another socket, with the counts that follow."""

    sessions: SessionTable
    connections: ConnectionTable
    clock: Clock

    def member(self, caller: Caller, at_ms: int) -> Connection:
        """The listener's row; raises ProtocolError with CONNECTION_NOT_FOUND outside sessions."""
        row = self.connections.sender(caller.connection_id, at_ms=at_ms)
        if row is None or row.session_id is None:
            raise connection_not_found()
        return row

    def live_session(self, session_id: str, at_ms: int) -> Session:
        """The session as it is now.

        Raises ProtocolError with SESSION_NOT_FOUND or SESSION_ENDED.
        """
        return require_live(self.sessions.get(session_id), session_id, at_ms)

    def leave(self, connection_id: str, session_id: str) -> Session | None:
        """Remove a listener's row and release its place; returns the session after that.

        None if the row was removed before, or the session is missing or has ended.
        """
        removed = self.connections.remove(connection_id, session_id=session_id).row
        return None if removed is None else self.release(removed)

    def leave_as(self, member: Connection) -> tuple[Removal, Session | None]:
        """The same for a membership that was read before, with the removal of its row."""
        removal = self.connections.remove(member.connection_id, membership_id=member.membership_id)
        return removal, None if removal.row is None else self.release(removal.row)

    def release(self, removed: Connection) -> Session | None:
        """Release the place of a row that the caller deleted or could not write.

        The listener has left even if this fails: then reconcile corrects the count.
        """
        if removed.session_id is None or removed.target_language is None:
            return None
        try:
            return counts.release_place(
                self.sessions,
                removed.session_id,
                removed.target_language,
                move_id=f"leave {removed.membership_id}",
                now_ms=self.clock.now_ms(),
            )
        except (ClientError, BotoCoreError):
            emit({metrics.PLACES_NOT_RELEASED: 1})
            logger.exception("A place is left to reconcile", extra={"session": removed.session_id})
            return None

    def leave_dead_session(
        self, row: Connection, session_id: str, sockets: Sockets, *, at_ms: int
    ) -> None:
        """Send sessionEnded to a listener whose session is over, and delete its row.

        Raises ProtocolError with ALREADY_IN_SESSION if the session is live.
        """
        session = self.sessions.get(session_id)
        if session is not None and session.is_live(at_ms):
            raise already_in_session(session_id)
        reason = session.end_reason if session is not None else None
        frame = SessionEnded(
            timestamp=self.clock.now_ms(),
            session_id=session_id,
            reason=reason or EndReason.EXPIRED,
        )
        notices = EndNotices(self.connections, sockets, self.clock)
        if notices.claim(row.connection_id, session_id) is NoticeClaim.MINE:
            sockets.post(row.connection_id, frame)
        self.connections.remove(row.connection_id, session_id=session_id)

    def change_language(self, caller: Caller, language: str, *, at_ms: int) -> Session | None:
        """Change the listener's language; returns the session after that, None if it had it.

        Raises ProtocolError with CONNECTION_NOT_FOUND, SESSION_NOT_FOUND or SESSION_ENDED, and
        nothing has changed; or SERVICE_UNAVAILABLE if other changes keep getting in between.
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
            session = self._move(
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
            if session is not None:
                return session
        raise try_again()

    def take_over(
        self,
        caller: Caller,
        *,
        session_id: str,
        old_connection_id: str,
        language: str,
        sockets: Sockets,
        misses: Misses,
        at_ms: int,
    ) -> tuple[Session, Session | None]:
        """Move the old connection's membership to the caller's socket, in the given language.

        A socket that is a member of that session already only changes its language.

        Returns the session as it is now, and, if the language changed, the session just after the
        counts changed. No count changes otherwise; the old socket removes nothing when it closes.

        Raises ProtocolError with ALREADY_IN_SESSION, CONNECTION_NOT_FOUND, SESSION_NOT_FOUND or
        SESSION_ENDED; with RATE_LIMITED or SERVICE_UNAVAILABLE as Misses does, or the latter if
        other changes keep getting in between.
        """
        for _ in range(REFRESH_ATTEMPTS):
            row = self.connections.sender(caller.connection_id, at_ms=at_ms)
            if row is None:
                raise connection_unknown()
            if row.session_id == session_id:
                # An earlier refresh of this socket did it, or it joined: nothing moves.
                counted = self.change_language(caller, language, at_ms=at_ms)
                return counted or self.live_session(session_id, at_ms), counted
            if row.session_id is not None:
                self.leave_dead_session(row, row.session_id, sockets, at_ms=at_ms)
                raise connection_unknown()
            old = self._old_membership(caller, session_id, old_connection_id, misses, at_ms)
            taken = self._try_take_over(caller, old, language, at_ms)
            if taken is not None:
                return taken
        raise try_again()

    def _old_membership(
        self,
        caller: Caller,
        session_id: str,
        old_connection_id: str,
        misses: Misses,
        at_ms: int,
    ) -> Connection:
        """The row of the old connection; raises ProtocolError with CONNECTION_NOT_FOUND."""
        session = self.sessions.get(session_id)
        old = self.connections.get(old_connection_id, at_ms=at_ms)
        if old is not None and old.role is Role.LISTENER and old.session_id == session_id:
            misses.judge_listener(caller, session, None, at_ms=at_ms)
            return old
        refusal = connection_not_found()
        misses.judge_listener(caller, session, refusal, at_ms=at_ms)
        raise refusal

    def _try_take_over(
        self, caller: Caller, old: Connection, language: str, at_ms: int
    ) -> tuple[Session, Session | None] | None:
        """None, with everything undone, if one of the rows has changed meanwhile."""
        session_id = old.session_id or ""
        old_language = old.target_language or language
        member = msgspec.structs.replace(
            old,
            connection_id=caller.connection_id,
            connected_at=caller.connected_at,
            membership_id=uuid.uuid4().hex,
            target_language=language,
        )
        counted = self._move(
            session_id,
            old_language,
            language,
            connection_id=member.connection_id,
            move_id=f"refresh {member.membership_id}",
            write=lambda: self.connections.hand_over(old, member),
            is_written=lambda row: row.membership_id == member.membership_id,
            at_ms=at_ms,
        )
        if counted is None:
            return None
        try:
            # The session may have ended meanwhile, and its fan-out missed the new row.
            session = self.live_session(session_id, at_ms)
        except ProtocolError:
            self.connections.remove(member.connection_id, membership_id=member.membership_id)
            raise
        return session, counted if language != old_language else None

    def correct(self, session: Session, listeners_by_language: Mapping[str, int]) -> bool:
        """Write counted listeners, unless the membership has changed since `session` was read."""
        return counts.correct(
            self.sessions, session, listeners_by_language, now_ms=self.clock.now_ms()
        )

    def _move(
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
        """Move the counts from one language to another, then write the connection's row.

        Returns the session just after the counts moved; None, with everything undone, if the row
        was not written. Raises ProtocolError with SESSION_NOT_FOUND or SESSION_ENDED; then nothing
        has changed.
        """
        now_ms = self.clock.now_ms()
        counted = counts.change_language(
            self.sessions,
            session_id,
            old=old,
            new=new,
            move_id=move_id,
            at_ms=at_ms,
            now_ms=now_ms,
        )

        def undo() -> None:
            counts.take_language_back(
                self.sessions,
                session_id,
                old=old,
                new=new,
                move_id=move_id,
                at_ms=at_ms,
                now_ms=self.clock.now_ms(),
            )

        try:
            done = write().done
        except Exception:
            # It may have been written in spite of the failure: then the counts are right.
            row = self.connections.get(connection_id, at_ms=at_ms)
            if row is not None and is_written(row):
                return counted
            undo()
            raise
        if done:
            return counted
        undo()
        return None
