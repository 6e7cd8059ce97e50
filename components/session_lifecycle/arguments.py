"""What the functions of a session's life are given."""

from dataclasses import dataclass

from components.connection_store import ConnectionStore
from components.handler_function import FunctionPlatform
from components.listener_fan_out import ListenerFanOut
from components.session_api import SessionApi
from components.settings import RateLimits, SessionRules


@dataclass(frozen=True, kw_only=True)
class SessionLifecycleArgs:
    """`status_shards`: parts of the active-session index, over which sessions are spread."""

    platform: FunctionPlatform
    store: ConnectionStore
    api: SessionApi
    fan_out: ListenerFanOut
    session_rules: SessionRules
    rate_limits: RateLimits
    status_shards: int
