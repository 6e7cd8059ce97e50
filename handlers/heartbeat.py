"""Heartbeats: the socket is alive, its row is known, and when it is time to refresh it.

They are the most frequent messages by far and do without boto3.
"""

from collections.abc import Mapping
from typing import Any

from live_sessions import environment
from live_sessions.answers.gateway import Request, answer_message
from live_sessions.environment import HeartbeatEnvironment
from live_sessions.posts.sockets import Sockets
from live_sessions.protocol import (
    ConnectionRefreshRequired,
    ConnectionWarning,
    Frame,
    HeartbeatAck,
)
from live_sessions.protocol.refusals import connection_unknown
from live_sessions.sessions import now_ms
from live_sessions.tables.connection_presence import ConnectionPresence

LIFETIME_MINUTES = 120
"""https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html"""

REFRESH_FROM_MINUTES = 100
WARN_FROM_MINUTES = 105

ENVIRONMENT = environment.read(HeartbeatEnvironment)
CONNECTIONS = ConnectionPresence.in_table(ENVIRONMENT.connections_table)
SOCKETS = Sockets.at(ENVIRONMENT.api_gateway_endpoint)


def handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    return answer_message(event, {"heartbeat": heartbeat})


def heartbeat(request: Request) -> Frame:
    """A listener whose row is gone learns here that it must join again."""
    caller = request.caller
    if not CONNECTIONS.is_known(caller.connection_id, at_ms=request.at_ms):
        raise connection_unknown()
    advice = advice_for(caller.connected_at, request.at_ms)
    if advice is not None:
        # Lost, it comes again with the next heartbeat.
        SOCKETS.post(caller.connection_id, advice.encode())
    return HeartbeatAck(timestamp=now_ms(), request_id=request.request_id)


def advice_for(connected_at: int, at_ms: int) -> Frame | None:
    """What a socket of that age is told; both in epoch milliseconds."""
    age_minutes = (at_ms - connected_at) / 60_000
    if age_minutes >= WARN_FROM_MINUTES:
        remaining_minutes = round(max(0.0, LIFETIME_MINUTES - age_minutes), 1)
        return ConnectionWarning(timestamp=now_ms(), remaining_minutes=remaining_minutes)
    if age_minutes >= REFRESH_FROM_MINUTES:
        return ConnectionRefreshRequired(timestamp=now_ms())
    return None
