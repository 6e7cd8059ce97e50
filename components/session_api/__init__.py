"""The WebSocket API: routes, authorizer, deployment and stage."""

from components.session_api.access_logs import AccessLogsArgs
from components.session_api.api import SessionApi, SessionApiArgs
from components.session_api.api_stage import Throttling
from components.session_api.routes import (
    CONNECT,
    DEFAULT,
    DISCONNECT,
    Refusal,
    Route,
    Target,
    routes_of,
    socket_routes,
)

__all__ = [
    "CONNECT",
    "DEFAULT",
    "DISCONNECT",
    "AccessLogsArgs",
    "Refusal",
    "Route",
    "SessionApi",
    "SessionApiArgs",
    "Target",
    "Throttling",
    "routes_of",
    "socket_routes",
]
