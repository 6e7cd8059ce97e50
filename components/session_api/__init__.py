"""The WebSocket API: routes, authorizer, deployment and stage."""

from components.session_api.access_logs import AccessLogsArgs
from components.session_api.api import SessionApi, SessionApiArgs
from components.session_api.api_stage import Throttling
from components.session_api.routes import (
    CONNECT,
    DEFAULT,
    DISCONNECT,
    LONGEST_TIMEOUT_MILLISECONDS,
    Route,
)

__all__ = [
    "CONNECT",
    "DEFAULT",
    "DISCONNECT",
    "LONGEST_TIMEOUT_MILLISECONDS",
    "AccessLogsArgs",
    "Route",
    "SessionApi",
    "SessionApiArgs",
    "Throttling",
]
