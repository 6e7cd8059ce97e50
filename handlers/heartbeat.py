"""Heartbeats: the socket is alive and its row is known."""

from collections.abc import Mapping
from typing import Any

from live_sessions import clients, environment
from live_sessions.connection_table import ConnectionTable
from live_sessions.environment import HeartbeatEnvironment
from live_sessions.gateway import Request, answer_message
from live_sessions.protocol import Frame, HeartbeatAck
from live_sessions.refusals import connection_unknown
from live_sessions.sessions import now_ms

ENVIRONMENT = environment.read(HeartbeatEnvironment)
CONNECTIONS = ConnectionTable(clients.dynamodb(), ENVIRONMENT.connections_table)


def handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    return answer_message(event, {"heartbeat": heartbeat})


def heartbeat(request: Request) -> Frame:
    """A listener whose row is gone learns here that it must join again."""
    if CONNECTIONS.get(request.caller.connection_id, at_ms=request.at_ms) is None:
        raise connection_unknown()
    return HeartbeatAck(timestamp=now_ms(), request_id=request.request_id)
