import re
from typing import cast

import pytest

from components.handler_function import HandlerFunction
from components.session_api import Refusal, Route, Target, routes_of, socket_routes
from components.session_api.routes import check_routes
from contract.actions import ACTIONS, Action, Role
from contract.functions import FUNCTIONS


class NamedOnly:
    """Replaces a function where only its name matters."""

    def __init__(self, entry: str = "session_status") -> None:
        self.entry = entry


def route(key: str, timeout_milliseconds: int = 29_000, replies: bool | None = None) -> Route:
    replies = key not in ("$connect", "$disconnect") if replies is None else replies
    return Route(
        key=key,
        function=cast(HandlerFunction, NamedOnly()),
        timeout_milliseconds=timeout_milliseconds,
        replies=replies,
    )


@pytest.mark.parametrize("timeout_milliseconds", [50, 29_000])
def test_both_ends_of_api_gateways_timeouts_are_allowed(timeout_milliseconds: int):
    assert route("joinSession", timeout_milliseconds).timeout_milliseconds == timeout_milliseconds


@pytest.mark.parametrize("timeout_milliseconds", [0, 49, 29_001, 30_000])
def test_a_timeout_outside_of_api_gateways_limits_is_rejected(timeout_milliseconds: int):
    with pytest.raises(ValueError, match=f"joinSession waits {timeout_milliseconds} ms"):
        route("joinSession", timeout_milliseconds)


@pytest.mark.parametrize("key", ["", "$other", "JoinSession", "join-session", "join session", "*"])
def test_a_key_that_is_not_an_action_is_rejected(key: str):
    with pytest.raises(ValueError, match=r"must be .* an action in camelCase"):
        route(key)


@pytest.mark.parametrize("key", ["$connect", "$disconnect"])
def test_a_handshake_cannot_reply(key: str):
    with pytest.raises(ValueError, match="cannot reply"):
        route(key, replies=True)


def test_an_action_may_go_without_a_reply():
    assert route("sendAudio", replies=False).replies is False


def test_a_route_names_its_resources_after_key_function_and_timeout():
    made = route("getSessionStatus", 5_000)
    assert (made.label, made.target.label) == ("get-session-status", "session-status-5000ms")
    assert route("$connect").label == "connect"


def test_a_key_that_is_there_twice_is_rejected():
    with pytest.raises(ValueError, match="joinSession is there twice"):
        check_routes(
            [*map(route, ["$connect", "$disconnect", "$default"])] + [route("joinSession")] * 2
        )


@pytest.mark.parametrize("missing", ["$connect", "$disconnect", "$default"])
def test_an_api_without_one_of_the_three_special_routes_is_rejected(missing: str):
    keys = [key for key in ("$connect", "$disconnect", "$default") if key != missing]
    with pytest.raises(ValueError, match=f"needs routes for \\{missing}"):
        check_routes([route(key) for key in keys])


@pytest.mark.parametrize("key", ["$connect", "$disconnect", "$default", "joinSessions"])
def test_a_route_that_cannot_be_removed_is_rejected(key: str):
    routes = [route(each) for each in ("$connect", "$disconnect", "$default", "joinSession")]
    check_routes(routes, ["joinSession"])
    with pytest.raises(
        ValueError, match=rf"{re.escape(key)} cannot be removed: .* are joinSession\."
    ):
        check_routes(routes, [key])


def test_a_removed_route_has_another_target_and_nothing_else_changes():
    target = Target(function=cast(HandlerFunction, NamedOnly("other")), timeout_milliseconds=50)
    refusal = Refusal(target=target, keys=frozenset({"joinSession"}))
    assert refusal.target_of(route("joinSession")) is target
    kept = route("leaveSession")
    assert refusal.target_of(kept) == kept.target


def test_an_action_that_is_retired_keeps_its_route_for_a_release():
    retired = Action(name="wave", roles=(Role.SPEAKER,), function="connection", reply="waved")
    connection = cast(HandlerFunction, NamedOnly("connection"))
    (made,) = routes_of(connection, [retired])
    assert (made.key, made.target.label, made.replies) == ("wave", "connection-29000ms", True)


def test_every_action_has_a_route_of_the_function_that_answers_it():
    routes = [
        each for entry in FUNCTIONS for each in routes_of(cast(HandlerFunction, NamedOnly(entry)))
    ]
    assert {each.key: each.function.entry for each in routes} == {
        action.name: action.function for action in ACTIONS.values()
    }
    assert len(routes) == len(ACTIONS)
    for each in routes:
        assert each.timeout_milliseconds == 1_000 * ACTIONS[each.key].timeout_seconds
        assert each.replies == (ACTIONS[each.key].reply is not None)


def test_the_routes_of_sockets_are_those_that_every_api_needs():
    connection = cast(HandlerFunction, NamedOnly("connection"))
    routes = socket_routes(connecting=connection, disconnecting=connection)
    check_routes(routes)
    assert {each.key: each.replies for each in routes} == {
        "$connect": False,
        "$disconnect": False,
        "$default": True,
    }
