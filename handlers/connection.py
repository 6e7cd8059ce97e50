"""The session's life from the client's side: connect, create, join, leave, end."""

from collections.abc import Mapping
from typing import Any, cast

from live_sessions import clients, environment, lifecycle
from live_sessions.caller import Caller
from live_sessions.connection_table import ConnectionTable, new_connection
from live_sessions.environment import ConnectionEnvironment
from live_sessions.follow_ups import FanOut, SessionChecks
from live_sessions.gateway import Request, answer_message
from live_sessions.lifecycle import Ending
from live_sessions.membership import Membership
from live_sessions.protocol import (
    CreateSession,
    EndReason,
    Frame,
    JoinSession,
    SessionCreated,
    SessionEnded,
    SessionJoined,
    SessionLeft,
)
from live_sessions.refusals import connection_not_found, session_ended
from live_sessions.session_table import SessionTable
from live_sessions.sessions import now_ms
from live_sessions.sockets import Sockets
from live_sessions.telemetry import hashed, logger

ENVIRONMENT = environment.read(ConnectionEnvironment)
DYNAMODB = clients.dynamodb()
SESSIONS = SessionTable(DYNAMODB, ENVIRONMENT.sessions_table)
CONNECTIONS = ConnectionTable(DYNAMODB, ENVIRONMENT.connections_table)
MEMBERSHIP = Membership(SESSIONS, CONNECTIONS)


def handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    """`$connect` and every message of this function's routes."""
    if event["requestContext"]["eventType"] == "CONNECT":
        return connect(event)
    return answer_message(
        event,
        {
            "createSession": create_session,
            "joinSession": join_session,
            "leaveSession": leave_session,
            "endSession": end_session,
        },
    )


def connect(event: Mapping[str, Any]) -> dict[str, Any]:
    """Write the socket's row; the handshake fails if that does."""
    caller = Caller.of(event)
    CONNECTIONS.add(
        new_connection(caller.connection_id, caller.role, caller.connected_at, caller.user_id)
    )
    logger.info(
        "connected", extra={"connection": hashed(caller.connection_id), "role": caller.role}
    )
    return {"statusCode": 200}


def create_session(request: Request) -> Frame:
    message = cast(CreateSession, request.message)
    session = lifecycle.create(
        request.caller,
        source_language=message.source_language,
        quality_tier=message.quality_tier,
        max_duration_hours=ENVIRONMENT.session_max_duration_hours,
        status_shards=ENVIRONMENT.status_shards,
        sessions=SESSIONS,
        connections=CONNECTIONS,
        at_ms=request.at_ms,
    )
    return SessionCreated(
        timestamp=now_ms(),
        request_id=request.request_id,
        session_id=session.session_id,
        source_language=session.source_language,
        quality_tier=message.quality_tier,
        connection_id=request.caller.connection_id,
        expires_at=session.expires_at * 1000,
    )


def join_session(request: Request) -> Frame:
    message = cast(JoinSession, request.message)
    session = MEMBERSHIP.join(
        request.caller,
        message.session_id,
        message.target_language,
        listeners_limit=ENVIRONMENT.max_listeners_per_session,
        sockets=lambda: Sockets.at(ENVIRONMENT.api_gateway_endpoint),
        at_ms=request.at_ms,
    )
    return SessionJoined(
        timestamp=now_ms(),
        request_id=request.request_id,
        session_id=session.session_id,
        target_language=message.target_language,
        source_language=session.source_language,
        connection_id=request.caller.connection_id,
        broadcast_state=session.broadcast_state,
    )


def leave_session(request: Request) -> Frame:
    session_id = _session_of(request)
    if not MEMBERSHIP.leave(request.caller.connection_id, session_id):
        raise connection_not_found()
    return SessionLeft(timestamp=now_ms(), request_id=request.request_id)


def end_session(request: Request) -> Frame:
    session_id = _session_of(request)
    ending = Ending(
        SESSIONS,
        CONNECTIONS,
        FanOut(clients.lambda_(), ENVIRONMENT.fan_out_function),
        SessionChecks(clients.sqs(), ENVIRONMENT.session_checks_queue_url),
    )
    ended = ending.end(
        session_id,
        EndReason.SPEAKER_ENDED,
        at_ms=request.at_ms,
        speaker_connection_id=request.caller.connection_id,
    )
    if ended is None:
        raise session_ended(session_id)
    return SessionEnded(
        timestamp=now_ms(),
        request_id=request.request_id,
        session_id=session_id,
        reason=EndReason.SPEAKER_ENDED,
    )


def _session_of(request: Request) -> str:
    connection = CONNECTIONS.get(request.caller.connection_id, at_ms=request.at_ms)
    if connection is None or connection.session_id is None:
        raise connection_not_found()
    return connection.session_id
