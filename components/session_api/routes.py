"""What a component asks of the WebSocket API: typed routes, checked before any resource is made."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from components.handler_function import HandlerFunction

CONNECT = "$connect"
DISCONNECT = "$disconnect"
DEFAULT = "$default"
# https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html
SHORTEST_TIMEOUT_MILLISECONDS = 50
LONGEST_TIMEOUT_MILLISECONDS = 29_000


@dataclass(frozen=True, kw_only=True)
class Route:
    """One action, the function that answers it, and how long API Gateway waits for the answer.

    `replies`: whether what the function returns is sent to the client.
    """

    key: str
    function: HandlerFunction
    timeout_milliseconds: int
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
                f"Route {self.key} cannot reply: outside of {CONNECT} and {DISCONNECT} only is"
                " there a socket to reply on; set replies=False."
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


def check_routes(routes: Sequence[Route]) -> None:
    """Raises `ValueError` unless each key is there once and no client is left without an answer."""
    keys = [route.key for route in routes]
    if twice := sorted({key for key in keys if keys.count(key) > 1}):
        raise ValueError(f"Route keys must be unique; {', '.join(twice)} is there twice.")
    if missing := [key for key in (CONNECT, DISCONNECT, DEFAULT) if key not in keys]:
        raise ValueError(
            f"The API needs routes for {', '.join(missing)}: without them sockets open, close or"
            " err unseen."
        )
