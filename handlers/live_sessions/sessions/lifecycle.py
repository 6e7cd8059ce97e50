"""A session's beginning and its one end, whoever ends it."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass

import msgspec
from botocore.exceptions import BotoCoreError, ClientError

from live_sessions.caller import Caller
from live_sessions.follow_ups import (
    SECOND_PASS_DELAY_SECONDS,
    FanOut,
    SecondPassCheck,
    SessionChecks,
    SessionEndedFanOut,
    SpeakerLostCheck,
)
from live_sessions.protocol import BroadcastState, EndReason
from live_sessions.protocol.refusals import already_in_session, connection_unknown, not_admitted
from live_sessions.session_ids import random_session_id
from live_sessions.sessions import Session, shard_of
from live_sessions.tables.connection_table import Connection, ConnectionTable
from live_sessions.tables.session_table import SessionTable
from live_sessions.telemetry import logger

SESSION_ID_ATTEMPTS = 8


class NoFreeSessionId(Exception):
    """Every id tried was taken: far more sessions live than the ids were made for."""


def create(
    caller: Caller,
    *,
    source_language: str,
    quality_tier: str,
    max_duration_hours: int,
    status_shards: int,
    sessions: SessionTable,
    connections: ConnectionTable,
    at_ms: int,
) -> Session:
    """Create a session and make the caller its speaker.

    Raises ProtocolError with ALREADY_IN_SESSION or CONNECTION_NOT_FOUND, NoFreeSessionId.
    """
    row = connections.get(caller.connection_id, at_ms=at_ms)
    if row is None:
        raise connection_unknown()
    if row.session_id is not None:
        leave_dead_session(row.connection_id, row.session_id, sessions, connections, at_ms)
    session = _write_new_session(
        caller, source_language, quality_tier, max_duration_hours, status_shards, sessions, at_ms
    )
    try:
        entered = connections.enter_session(
            msgspec.structs.replace(
                row, session_id=session.session_id, membership_id=uuid.uuid4().hex
            )
        )
    except Exception:
        try:
            sessions.delete(session.session_id)
        finally:
            connections.release_speaker(caller.connection_id, session.session_id)
        raise
    if not entered.done:
        sessions.delete(session.session_id)
        raise not_admitted(connections.session_of(caller.connection_id, at_ms=at_ms))
    return session


def leave_dead_session(
    connection_id: str,
    session_id: str,
    sessions: SessionTable,
    connections: ConnectionTable,
    at_ms: int,
) -> None:
    """Take a speaker's socket out of a session that is over, or another socket's by now.

    Raises ProtocolError with ALREADY_IN_SESSION.
    """
    current = sessions.get(session_id)
    if current is not None and current.is_live(at_ms) and current.is_of(connection_id):
        raise already_in_session(session_id)
    connections.release_speaker(connection_id, session_id)


def _write_new_session(
    caller: Caller,
    source_language: str,
    quality_tier: str,
    max_duration_hours: int,
    status_shards: int,
    sessions: SessionTable,
    at_ms: int,
) -> Session:
    for _ in range(SESSION_ID_ATTEMPTS):
        session_id = random_session_id()
        session = Session(
            session_id=session_id,
            speaker_connection_id=caller.connection_id,
            source_language=source_language,
            created_at=at_ms,
            expires_at=at_ms // 1000 + max_duration_hours * 3600,
            broadcast_state=BroadcastState(last_state_change=at_ms),
            listener_count=0,
            listeners_by_language={},
            membership_version=0,
            membership_changed_at=at_ms,
            speaker_user_id=caller.user_id,
            quality_tier=quality_tier,
            active_shard=shard_of(session_id, status_shards),
        )
        if sessions.create(session):
            return session
    raise NoFreeSessionId(f"{SESSION_ID_ATTEMPTS} random session ids were all taken")


@dataclass(frozen=True)
class Ending:
    """Ends sessions; `checks` is None where reconcile itself is the second pass."""

    sessions: SessionTable
    connections: ConnectionTable
    fan_out: FanOut
    checks: SessionChecks | None

    def end(
        self,
        session_id: str,
        reason: EndReason,
        *,
        at_ms: int,
        speaker_connection_id: str | None = None,
    ) -> Session | None:
        """End the session; None when it is gone, has ended, or is not that connection's.

        A speaker who ends his session is taken out of it before the fan-out starts: he gets an
        answer and no post.
        """
        try:
            session = self.sessions.end(
                session_id, reason, at_ms=at_ms, speaker_connection_id=speaker_connection_id
            )
        except (ClientError, BotoCoreError):
            # It may have ended all the same; then the second pass is the first.
            self._try(self._start_second_pass, session_id)
            raise
        if reason is EndReason.SPEAKER_ENDED and speaker_connection_id is not None:
            # Should it fail, the fan-out tells the speaker too.
            self._try(self.connections.release_speaker, speaker_connection_id, session_id)
        if session is not None:
            self.tell_everybody(session)
        return session

    def _try(self, step: Callable[..., object], *arguments: object) -> None:
        """Carry out a step that the fan-out or reconcile makes up for if it fails."""
        try:
            step(*arguments)
        except (ClientError, BotoCoreError):
            logger.exception("Left to a later pass", extra={"step": step.__name__})

    def tell_everybody(self, session: Session) -> None:
        """Start the fan-out and a second pass.

        The session has ended whatever becomes of this: a failure is logged and left to
        reconcile, which starts the fan-out of every session that is ended but not closed.
        """
        self._try(self._start_second_pass, session.session_id)
        self._try(self.start_fan_out, session)

    def _start_second_pass(self, session_id: str) -> None:
        if self.checks is not None:
            self.checks.send(
                SecondPassCheck(session_id=session_id),
                delay_seconds=SECOND_PASS_DELAY_SECONDS,
            )

    def start_fan_out(self, session: Session) -> None:
        """Start telling the listeners of a session that has ended."""
        reason = session.end_reason
        if reason is None:
            raise ValueError(f"{session.session_id} has not ended")
        self.fan_out.start(
            SessionEndedFanOut(
                session_id=session.session_id,
                reason=reason,
                speaker_connection_id=session.speaker_connection_id,
            )
        )


def lose_speaker(
    removed: Connection,
    *,
    sessions: SessionTable,
    checks: SessionChecks,
    grace_seconds: int,
    at_ms: int,
) -> None:
    """The speaker's socket closed: the session lives on until the grace period is over."""
    session_id = removed.session_id
    if session_id is None:
        return
    if sessions.mark_speaker_lost(session_id, removed.connection_id, at_ms=at_ms):
        checks.send(
            SpeakerLostCheck(session_id=session_id, connection_id=removed.connection_id),
            delay_seconds=grace_seconds,
        )
