"""The listener's other actions: leave, change language, own playback, refresh."""

from dataclasses import dataclass
from typing import Any, cast

from live_sessions.aws.runtime import Clock
from live_sessions.listeners.membership import Membership
from live_sessions.sessions.misses import Misses
from live_sessions.status.pushes import EventPushes
from live_sessions.wire.frames import (
    ConnectionRefreshComplete,
    Frame,
    LanguageChanged,
    PlaybackPaused,
    PlaybackResumed,
    SessionLeft,
)
from live_sessions.wire.messages import ChangeLanguage, ClientMessage, RefreshAsListener
from live_sessions.wire.refusals import connection_not_found
from live_sessions.wire.requests import Request
from live_sessions.wire.sockets import Sockets


@dataclass(frozen=True, kw_only=True)
class ListenerActions:
    """Actions of a listener that is a member of a session."""

    membership: Membership
    misses: Misses
    sockets: Sockets
    pushes: EventPushes
    clock: Clock

    def leave_session(self, request: Request[ClientMessage]) -> Frame:
        """Leave the session; raises ProtocolError with CONNECTION_NOT_FOUND outside sessions."""
        member = self.membership.member(request.caller, request.at_ms)
        removal, session = self.membership.leave_as(member)
        if removal.row is None and not removal.is_doubtful:
            raise connection_not_found()
        if session is not None:
            self.pushes.push_count(session)
        return SessionLeft(timestamp=self.clock.now_ms(), request_id=request.request_id)

    def change_language(self, request: Request[ChangeLanguage]) -> Frame:
        """Change the language; raises the errors of Membership.change_language."""
        language = request.message.target_language
        session = self.membership.change_language(request.caller, language, at_ms=request.at_ms)
        if session is not None:
            self.pushes.push_arrival(session, language)
        return LanguageChanged(
            timestamp=self.clock.now_ms(),
            request_id=request.request_id,
            target_language=language,
        )

    def pause_playback(self, request: Request[Any]) -> Frame:
        """Acknowledge that this listener pauses; the broadcast does not change."""
        self._require_membership(request)
        return PlaybackPaused(timestamp=self.clock.now_ms(), request_id=request.request_id)

    def resume_playback(self, request: Request[Any]) -> Frame:
        """Acknowledge that this listener resumes; the broadcast does not change."""
        self._require_membership(request)
        return PlaybackResumed(timestamp=self.clock.now_ms(), request_id=request.request_id)

    def refresh(self, request: Request[RefreshAsListener]) -> Frame:
        """Continue on this socket; raises the errors of Membership.take_over."""
        message = request.message
        session, counted = self.membership.take_over(
            request.caller,
            session_id=message.session_id,
            old_connection_id=message.connection_id,
            language=message.target_language,
            sockets=self.sockets,
            misses=self.misses,
            at_ms=request.at_ms,
        )
        if counted is not None:
            self.pushes.push_arrival(counted, message.target_language)
        return ConnectionRefreshComplete(
            timestamp=self.clock.now_ms(),
            request_id=request.request_id,
            session_id=session.session_id,
            connection_id=request.caller.connection_id,
            broadcast_state=session.broadcast_state,
        )

    def _require_membership(self, request: Request[Any]) -> None:
        member = self.membership.member(request.caller, request.at_ms)
        self.membership.live_session(cast(str, member.session_id), request.at_ms)
