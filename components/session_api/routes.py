"""The routes of the WebSocket API, checked before any resource is made.

Those of actions derive from the contract; `$connect`, `$disconnect` and `$default` are API
Gateway's own.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from components.handler_function import HandlerFunction
from contract.actions import LONGEST_TIMEOUT_SECONDS, answered_by

CONNECT = "$connect"
DISCONNECT = "$disconnect"
DEFAULT = "$default"
# https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html
SHORTEST_TIMEOUT_MILLISECONDS = 50
LONGEST_TIMEOUT_MILLISECONDS = 1_000 * LONGEST_TIMEOUT_SECONDS


@dataclass(frozen=True, kw_only=True)
class Route:
    """A route key, the function that answers it, and how long API Gateway waits for the answer.

    `replies`: whether what the function returns is sent to the client.
    """

    key: str
    function: HandlerFunction
    timeout_milliseconds: int = LONGEST_TIMEOUT_MILLISECONDS
    replies: bool = True

    def __post_init__(self) -> None:
        if self.key not in (CONNECT, DISCONNECT, DEFAULT) and not re.fullmatch(
            r"[a-z][A-Za-z]{0,127}", self.key
        ):
            raise ValueError(
                f"Route key {self.key!r} must be {CONNECT}, {DISCONNECT}, {DEFAULT} or an action"
                " in camelCase."
            )
        if (
            not SHORTEST_TIMEOUT_MILLISECONDS
            <= self.timeout_milliseconds
            <= LONGEST_TIMEOUT_MILLISECONDS
        ):
            raise ValueError(
                f"Route {self.key} waits {self.timeout_milliseconds} ms: an integration timeout"
                f" must be from {SHORTEST_TIMEOUT_MILLISECONDS} to {LONGEST_TIMEOUT_MILLISECONDS}"
                " ms."
            )
        if self.replies and self.key in (CONNECT, DISCONNECT):
            raise ValueError(
                f"Route {self.key} cannot reply: no socket is open at that time; set replies=False."
            )

    @property
    def label(self) -> str:
        """The key as part of a resource's name, such as `create-session`."""
        return re.sub(r"([A-Z])", r"-\1", self.key.removeprefix("$")).lower()

    @property
    def integration_label(self) -> str:
        """Routes with the same function and timeout share one integration of this name."""
        function = self.function.entry.replace("_", "-")
        return f"{function}-{self.timeout_milliseconds}ms"


def routes_of(function: HandlerFunction) -> tuple[Route, ...]:
    """A route for each action that the contract gives to the function."""
    return tuple(
        Route(
            key=action.name,
            function=function,
            timeout_milliseconds=1_000 * action.timeout_seconds,
            replies=action.reply is not None,
        )
        for action in answered_by(function.entry)
    )


def socket_routes(
    *, connecting: HandlerFunction, disconnecting: HandlerFunction
) -> tuple[Route, ...]:
    """The routes of opening and closing sockets, and of messages with an unknown action."""
    return (
        Route(key=CONNECT, function=connecting, replies=False),
        Route(key=DISCONNECT, function=disconnecting, replies=False),
        Route(key=DEFAULT, function=connecting),
    )


def check_routes(routes: Sequence[Route]) -> None:
    """Raises `ValueError` unless every key is unique and API Gateway's own keys are all there."""
    keys = [route.key for route in routes]
    if repeated := sorted({key for key in keys if keys.count(key) > 1}):
        raise ValueError(f"Route keys must be unique: {', '.join(repeated)} is there twice.")
    if missing := [key for key in (CONNECT, DISCONNECT, DEFAULT) if key not in keys]:
        raise ValueError(
            f"The API needs routes for {', '.join(missing)}: without them no function is invoked"
            " when a socket opens or closes, or when an action is unknown."
        )
