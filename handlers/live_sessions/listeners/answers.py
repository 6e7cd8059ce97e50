"""What a listener is answered: join and leave a session, its own playback and language."""

from dataclasses import dataclass
from typing import cast

from live_sessions.answers.gateway import Answer, Request
from live_sessions.joining import Joining
from live_sessions.membership import Membership
from live_sessions.protocol import (
    ChangeLanguage,
    Frame,
    JoinSession,
    LanguageChanged,
    PlaybackPaused,
    PlaybackResumed,
    SessionJoined,
    SessionLeft,
)
from live_sessions.protocol.refusals import connection_not_found
from live_sessions.sessions import now_ms
from live_sessions.status.event_status import EventStatus
from live_sessions.tables.rate_limits import RateLimit, RateLimits, site_of


@dataclass(frozen=True, kw_only=True)
class ListenerAnswers:
    """`join_rate` is per address, `control_rate` per connection."""

    membership: Membership
    joining: Joining
    event_status: EventStatus
    rate_limits: RateLimits
    join_rate: RateLimit
    control_rate: RateLimit

    def join_session(self, request: Request) -> Frame:
        message = cast(JoinSession, request.message)
        caller = request.caller
        self.rate_limits.require(self.join_rate, site_of(caller.address), at_ms=request.at_ms)
        session, arrival = self.joining.join(
            caller, message.session_id, message.target_language, at_ms=request.at_ms
        )
        self.event_status.tell_arrival(arrival)
        return SessionJoined(
            timestamp=now_ms(),
            request_id=request.request_id,
            session_id=session.session_id,
            target_language=message.target_language,
            source_language=session.source_language,
            connection_id=caller.connection_id,
            broadcast_state=session.broadcast_state,
        )

    def leave_session(self, request: Request) -> Frame:
        member = self.membership.member(request.caller, request.at_ms)
        removal = self.membership.connections.remove(
            member.connection_id, membership_id=member.membership_id
        )
        if removal.row is None and not removal.is_doubtful:
            raise connection_not_found()
        session = self.membership.release(removal.row) if removal.row is not None else None
        if session is not None:
            self.event_status.tell_count(session)
        return SessionLeft(timestamp=now_ms(), request_id=request.request_id)

    def change_language(self, request: Request) -> Frame:
        message = cast(ChangeLanguage, request.message)
        self._require_control_rate(request)
        arrival = self.membership.change_language(
            request.caller, message.target_language, at_ms=request.at_ms
        )
        if arrival is not None:
            self.event_status.tell_arrival(arrival)
        return LanguageChanged(
            timestamp=now_ms(),
            request_id=request.request_id,
            target_language=message.target_language,
        )

    def controlling_playback(self, frame: type[PlaybackPaused] | type[PlaybackResumed]) -> Answer:
        """The answer to a listener that pauses or resumes its own playback, and nobody else's."""

        def answer(request: Request) -> Frame:
            self._require_control_rate(request)
            member = self.membership.member(request.caller, request.at_ms)
            self.membership.live_session(cast(str, member.session_id), request.at_ms)
            return frame(timestamp=now_ms(), request_id=request.request_id)

        return answer

    def _require_control_rate(self, request: Request) -> None:
        connection_id = request.caller.connection_id
        self.rate_limits.require(self.control_rate, connection_id, at_ms=request.at_ms)
