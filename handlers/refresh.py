"""refreshConnection: a new socket takes the place of one that is near the end of its life."""

from collections.abc import Mapping
from typing import Any

from live_sessions import environment
from live_sessions.answers.gateway import Request, answer_message
from live_sessions.aws import clients
from live_sessions.environment import RefreshEnvironment
from live_sessions.listener_refresh import ListenerRefresh
from live_sessions.membership import Membership
from live_sessions.posts.sockets import Delivery, Sockets
from live_sessions.protocol import (
    ConnectionRefreshComplete,
    Frame,
    RefreshAsListener,
    RefreshAsSpeaker,
    StateRestored,
)
from live_sessions.sessions import Session, now_ms
from live_sessions.speaker_refresh import SpeakerRefresh
from live_sessions.status.event_status import EventStatus
from live_sessions.tables.connection_table import ConnectionTable
from live_sessions.tables.session_table import SessionTable

ENVIRONMENT = environment.read(RefreshEnvironment)
DYNAMODB = clients.dynamodb()
SESSIONS = SessionTable(DYNAMODB, ENVIRONMENT.sessions_table)
CONNECTIONS = ConnectionTable(DYNAMODB, ENVIRONMENT.connections_table)
SOCKETS = Sockets.at(ENVIRONMENT.api_gateway_endpoint)
LISTENERS = ListenerRefresh(Membership(SESSIONS, CONNECTIONS), SOCKETS)
SPEAKERS = SpeakerRefresh(SESSIONS, CONNECTIONS)
EVENT_STATUS = EventStatus(SESSIONS, SOCKETS, ENVIRONMENT.listener_count_change_threshold_percent)


def handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    return answer_message(event, {"refreshConnection": refresh_connection})


def refresh_connection(request: Request) -> Frame:
    message = request.message
    if isinstance(message, RefreshAsSpeaker):
        return refresh_speaker(request, message)
    if isinstance(message, RefreshAsListener):
        return refresh_listener(request, message)
    raise TypeError(f"refreshConnection does not take a {type(message).__name__}")


def refresh_speaker(request: Request, message: RefreshAsSpeaker) -> Frame:
    """Post the answer and return what follows it, since only one frame can be returned."""
    session = SPEAKERS.refresh(request.caller, message.session_id, at_ms=request.at_ms)
    complete = _complete(request, session)
    delivery = SOCKETS.post(request.caller.connection_id, complete.encode())
    if delivery is not Delivery.DELIVERED:
        return complete
    return StateRestored(timestamp=now_ms(), broadcast_state=session.broadcast_state)


def refresh_listener(request: Request, message: RefreshAsListener) -> Frame:
    session, arrival = LISTENERS.refresh(request.caller, message, at_ms=request.at_ms)
    if arrival is not None:
        EVENT_STATUS.tell_arrival(arrival)
    return _complete(request, session)


def _complete(request: Request, session: Session) -> ConnectionRefreshComplete:
    return ConnectionRefreshComplete(
        timestamp=now_ms(),
        request_id=request.request_id,
        session_id=session.session_id,
        connection_id=request.caller.connection_id,
        broadcast_state=session.broadcast_state,
    )
