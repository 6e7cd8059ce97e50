"""A session's beginning, by createSession, and its one end, whatever ends it."""

import math
import uuid
from collections.abc import Callable
from dataclasses import dataclass

import msgspec
from botocore.exceptions import BotoCoreError, ClientError

from live_sessions.aws.runtime import Clock, logger
from live_sessions.sessions.connections import Connection, ConnectionTable
from live_sessions.sessions.follow_ups import (
    CLOSING_DELAY_SECONDS,
    CLOSING_MARGIN_SECONDS,
    SECOND_PASS_DELAY_SECONDS,
    FanOut,
    SecondPassCheck,
    SessionChecks,
    SessionEndedFanOut,
)
from live_sessions.sessions.passcodes import random_passcode
from live_sessions.sessions.rows import Session, SessionTable, shard_of
from live_sessions.sessions.session_ids import random_session_id
from live_sessions.wire.frames import (
    BroadcastState,
    EndReason,
    Frame,
    SessionCreated,
    SessionEnded,
)
from live_sessions.wire.language_tags import spoken_language
from live_sessions.wire.messages import PASSCODE, ClientMessage, CreateSession
from live_sessions.wire.refusals import (
    already_in_session,
    connection_not_found,
    connection_unknown,
    keeps_no_transcripts,
    not_admitted,
    session_ended,
)
from live_sessions.wire.requests import Request

SESSION_ID_ATTEMPTS = 8


class NoFreeSessionId(Exception):
    """Every id tried was taken: far more sessions are live than the ids were made for."""


@dataclass(frozen=True, kw_only=True)
class SessionCreation:
    """Creates sessions that expire after `max_duration_hours`.

    `keeps_transcripts` is whether the stack does, for sessions that ask for it.
    """

    sessions: SessionTable
    connections: ConnectionTable
    clock: Clock
    max_duration_hours: int
    status_shards: int
    keeps_transcripts: bool
    new_session_id: Callable[[], str] = random_session_id
    new_passcode: Callable[[], str] = random_passcode

    def create_session(self, request: Request[CreateSession]) -> Frame:
        """Create a session and make the caller its speaker.

        Raises ProtocolError with INVALID_PARAMETER, ALREADY_IN_SESSION or CONNECTION_NOT_FOUND,
        and NoFreeSessionId.
        """
        if request.message.keep_transcript and not self.keeps_transcripts:
            raise keeps_no_transcripts()
        connection_id, at_ms = request.caller.connection_id, request.at_ms
        row = self.connections.sender(connection_id, at_ms=at_ms)
        if row is None:
            raise connection_unknown()
        leave_dead_session(row, self.sessions, self.connections, at_ms)
        session = self._write_new_session(request)
        self._enter(row, session, at_ms)
        return SessionCreated(
            timestamp=self.clock.now_ms(),
            request_id=request.request_id,
            session_id=session.session_id,
            source_language=session.source_language,
            source_locale=session.transcribed_locale,
            quality_tier=session.quality_tier,
            sample_rate_hertz=session.sample_rate_hertz,
            access=session.access,
            passcode=session.passcode,
            connection_id=connection_id,
            expires_at=session.expires_at * 1000,
        )

    def _write_new_session(self, request: Request[CreateSession]) -> Session:
        at_ms = request.at_ms
        spoken = spoken_language(request.message.source_language)
        access = request.message.access
        for _ in range(SESSION_ID_ATTEMPTS):
            session_id = self.new_session_id()
            session = Session(
                session_id=session_id,
                speaker_connection_id=request.caller.connection_id,
                source_language=spoken.code,
                source_locale=spoken.locale,
                created_at=at_ms,
                expires_at=at_ms // 1000 + self.max_duration_hours * 3600,
                broadcast_state=BroadcastState(last_state_change=at_ms),
                listener_count=0,
                listeners_by_language={},
                membership_version=0,
                membership_changed_at=at_ms,
                speaker_user_id=request.caller.user_id,
                quality_tier=request.message.quality_tier,
                sample_rate_hertz=request.message.sample_rate_hertz,
                receive_captions=request.message.receive_captions,
                keep_transcript=request.message.keep_transcript,
                access=access,
                passcode=self.new_passcode() if access == PASSCODE else None,
                active_shard=shard_of(session_id, self.status_shards),
            )
            if self.sessions.create(session):
                return session
        raise NoFreeSessionId(f"{SESSION_ID_ATTEMPTS} random session ids were all taken")

    def _enter(self, row: Connection, session: Session, at_ms: int) -> None:
        """Make the socket the session's member, or delete the session."""
        member = msgspec.structs.replace(
            row, session_id=session.session_id, membership_id=uuid.uuid4().hex
        )
        try:
            entered = self.connections.enter_session(member)
        except Exception:
            try:
                self.sessions.delete(session.session_id)
            finally:
                self.connections.release_speaker(row.connection_id, session.session_id)
            raise
        if not entered.done:
            self.sessions.delete(session.session_id)
            raise not_admitted(self.connections.session_of(row.connection_id, at_ms=at_ms))


def leave_dead_session(
    row: Connection, sessions: SessionTable, connections: ConnectionTable, at_ms: int
) -> None:
    """Remove a speaker's socket from a session that is over or has another speaker connection.

    Raises ProtocolError with ALREADY_IN_SESSION.
    """
    if row.session_id is None:
        return
    current = sessions.get(row.session_id)
    if current is not None and current.is_live(at_ms) and current.is_of(row.connection_id):
        raise already_in_session(row.session_id)
    connections.release_speaker(row.connection_id, row.session_id)


@dataclass(frozen=True, kw_only=True)
class SessionEnder:
    """Ends sessions, and has the passes made that come after an end."""

    sessions: SessionTable
    connections: ConnectionTable
    fan_out: FanOut
    checks: SessionChecks
    clock: Clock

    def end_session(self, request: Request[ClientMessage]) -> Frame:
        """End the caller's session.

        Raises ProtocolError with CONNECTION_NOT_FOUND or SESSION_ENDED.
        """
        connection_id = request.caller.connection_id
        session_id = self.connections.session_of(connection_id, at_ms=request.at_ms)
        if session_id is None:
            raise connection_not_found()
        ended = self.end(
            session_id,
            EndReason.SPEAKER_ENDED,
            at_ms=request.at_ms,
            speaker_connection_id=connection_id,
        )
        if ended is None:
            current = self.sessions.get(session_id)
            if current is not None and current.ended_at is None:
                # Another socket of the same user is the speaker's now.
                raise connection_not_found()
            raise session_ended(session_id)
        return SessionEnded(
            timestamp=self.clock.now_ms(),
            request_id=request.request_id,
            session_id=session_id,
            reason=EndReason.SPEAKER_ENDED,
        )

    def end(
        self,
        session_id: str,
        reason: EndReason,
        *,
        at_ms: int,
        speaker_connection_id: str | None = None,
    ) -> Session | None:
        """End the session; None if it is missing, has ended, or is not that connection's.

        A speaker who ends their session is removed from it before the fan-out starts: they get a
        reply and no post.
        """
        try:
            session = self.sessions.end(
                session_id, reason, at_ms=at_ms, speaker_connection_id=speaker_connection_id
            )
        except (ClientError, BotoCoreError):
            # It may have ended in spite of the failure; then the second pass is the first.
            self._try(self._start_second_pass, session_id)
            raise
        if reason is EndReason.SPEAKER_ENDED and speaker_connection_id is not None:
            # If this fails, the fan-out posts to the speaker too.
            self._try(self.connections.release_speaker, speaker_connection_id, session_id)
        if session is not None:
            # The session has ended even if these fail: then reconcile starts the fan-out.
            self._try(self._start_second_pass, session.session_id)
            self._try(self.start_fan_out, session)
        return session

    def start_fan_out(self, session: Session) -> None:
        """Start notifying the listeners of an ended session; raises botocore's errors."""
        reason = session.end_reason
        if reason is None:
            raise ValueError(f"{session.session_id} has not ended")
        self.fan_out.start(
            SessionEndedFanOut(
                session_id=session.session_id,
                reason=reason,
                speaker_connection_id=session.speaker_connection_id,
                ended_at=session.ended_at,
            )
        )

    def start_closing_pass(self, session: Session) -> None:
        """Have a pass made once the session may be closed; raises botocore's errors."""
        closing_at = session.over_at + (CLOSING_DELAY_SECONDS + CLOSING_MARGIN_SECONDS) * 1000
        self.checks.send(
            SecondPassCheck(session_id=session.session_id, is_closing=True),
            delay_seconds=max(0, math.ceil((closing_at - self.clock.now_ms()) / 1000)),
        )

    def _start_second_pass(self, session_id: str) -> None:
        self.checks.send(
            SecondPassCheck(session_id=session_id), delay_seconds=SECOND_PASS_DELAY_SECONDS
        )

    def _try(self, step: Callable[..., object], *arguments: object) -> None:
        """Carry out a step; if it fails, the fan-out or reconcile makes up for it."""
        try:
            step(*arguments)
        except (ClientError, BotoCoreError):
            logger.exception("Left to a later pass", extra={"step": step.__name__})
