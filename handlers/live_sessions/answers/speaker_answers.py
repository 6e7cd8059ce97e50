"""What a speaker is answered: create and end a session, and control its broadcast."""

from dataclasses import dataclass
from typing import cast

from live_sessions import lifecycle
from live_sessions.answers.gateway import Answer, Request
from live_sessions.broadcast import Broadcast, Control, with_request_id
from live_sessions.lifecycle import Ending
from live_sessions.protocol import CreateSession, EndReason, Frame, SessionCreated, SessionEnded
from live_sessions.protocol.refusals import connection_not_found, session_ended
from live_sessions.sessions import now_ms
from live_sessions.tables.connection_table import ConnectionTable
from live_sessions.tables.rate_limits import RateLimit, RateLimits
from live_sessions.tables.session_table import SessionTable


@dataclass(frozen=True, kw_only=True)
class SpeakerAnswers:
    """`session_rate` is per user, `control_rate` per connection."""

    sessions: SessionTable
    connections: ConnectionTable
    ending: Ending
    broadcast: Broadcast
    rate_limits: RateLimits
    session_rate: RateLimit
    control_rate: RateLimit
    session_max_duration_hours: int
    status_shards: int

    def create_session(self, request: Request) -> Frame:
        message = cast(CreateSession, request.message)
        caller = request.caller
        self.rate_limits.require(self.session_rate, caller.user_id or "", at_ms=request.at_ms)
        session = lifecycle.create(
            caller,
            source_language=message.source_language,
            quality_tier=message.quality_tier,
            max_duration_hours=self.session_max_duration_hours,
            status_shards=self.status_shards,
            sessions=self.sessions,
            connections=self.connections,
            at_ms=request.at_ms,
        )
        return SessionCreated(
            timestamp=now_ms(),
            request_id=request.request_id,
            session_id=session.session_id,
            source_language=session.source_language,
            quality_tier=message.quality_tier,
            connection_id=caller.connection_id,
            expires_at=session.expires_at * 1000,
        )

    def end_session(self, request: Request) -> Frame:
        connection_id = request.caller.connection_id
        session_id = self.connections.session_of(connection_id, at_ms=request.at_ms)
        if session_id is None:
            raise connection_not_found()
        ended = self.ending.end(
            session_id,
            EndReason.SPEAKER_ENDED,
            at_ms=request.at_ms,
            speaker_connection_id=connection_id,
        )
        if ended is None:
            current = self.sessions.get(session_id)
            if current is not None and current.ended_at is None:
                # Another socket of his has taken the speaker's place.
                raise connection_not_found()
            raise session_ended(session_id)
        return SessionEnded(
            timestamp=now_ms(),
            request_id=request.request_id,
            session_id=session_id,
            reason=EndReason.SPEAKER_ENDED,
        )

    def controlling(self, control: Control) -> Answer:
        """The answer to one of the controls; the listeners are told in another invocation."""

        def answer(request: Request) -> Frame:
            caller = request.caller
            self.rate_limits.require(self.control_rate, caller.connection_id, at_ms=request.at_ms)
            frame = self.broadcast.carry_out(control, caller, request.message, at_ms=request.at_ms)
            return with_request_id(frame, request.request_id)

        return answer
