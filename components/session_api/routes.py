"""The routes of the WebSocket API, checked before any resource is made.

Those of actions derive from the contract; `$connect`, `$disconnect` and `$default` are API
Gateway's own.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from components.handler_function import HandlerFunction
from contract.actions import LONGEST_TIMEOUT_SECONDS, ROUTED_ACTIONS, Action

CONNECT = "$connect"
DISCONNECT = "$disconnect"
DEFAULT = "$default"
# https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html
SHORTEST_TIMEOUT_MILLISECONDS = 50
LONGEST_TIMEOUT_MILLISECONDS = 1_000 * LONGEST_TIMEOUT_SECONDS


@dataclass(frozen=True, kw_only=True)
class Target:
    """A function, and how long API Gateway waits for its answer."""

    function: HandlerFunction
    timeout_milliseconds: int

    @property
    def label(self) -> str:
        """Routes with the same function and timeout share one integration of this name."""
        function = self.function.entry.replace("_", "-")
        return f"{function}-{self.timeout_milliseconds}ms"


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
    def target(self) -> Target:
        """Where its messages go unless it is removed."""
        return Target(function=self.function, timeout_milliseconds=self.timeout_milliseconds)


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """The routes with `keys` are removed: their messages go to `target`, which refuses them."""

    target: Target
    keys: frozenset[str] = frozenset()

    def target_of(self, route: Route) -> Target:
        """Where a route's messages go."""
        return self.target if route.key in self.keys else route.target


def routes_of(
    function: HandlerFunction, actions: Iterable[Action] = ROUTED_ACTIONS.values()
) -> tuple[Route, ...]:
    """A route for each action that the contract gives to the function."""
    return tuple(
        Route(
            key=action.name,
            function=function,
            timeout_milliseconds=1_000 * action.timeout_seconds,
            replies=action.reply is not None,
        )
        for action in actions
        if action.function == function.entry
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


def check_routes(routes: Sequence[Route], removed: Iterable[str] = ()) -> None:
    """Raises `ValueError` unless every key is unique, API Gateway's own keys are all there and not
    removed, and every removed key is there.
    """
    keys = [route.key for route in routes]
    if repeated := sorted({key for key in keys if keys.count(key) > 1}):
        raise ValueError(f"Route keys must be unique: {', '.join(repeated)} is there twice.")
    if missing := [key for key in (CONNECT, DISCONNECT, DEFAULT) if key not in keys]:
        raise ValueError(
            f"The API needs routes for {', '.join(missing)}: without them no function is invoked"
            " when a socket opens or closes, or when an action is unknown."
        )
    removable = {*keys} - {CONNECT, DISCONNECT, DEFAULT}
    if unknown := sorted({*removed} - removable):
        raise ValueError(
            f"{', '.join(unknown)} cannot be removed: the removable routes of this API are"
            f" {', '.join(sorted(removable))}."
        )
