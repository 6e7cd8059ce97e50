"""A deployment is a snapshot of the routes: each change of a route must change its trigger."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import cast

import pulumi
import pytest

from components.handler_function import HandlerFunction
from components.session_api import (
    CONNECT,
    DEFAULT,
    DISCONNECT,
    Refusal,
    Route,
    Target,
    routes_of,
    socket_routes,
)
from contract.functions import FUNCTIONS, LIVE
from program.engine import Engine
from tests.components import stack_parts
from tests.contracts.program_runs import LEAN, run, run_afresh


@dataclass(frozen=True)
class RoutedFunction:
    """As much of a function as a route needs."""

    entry: str

    @property
    def physical_name(self) -> str:
        return f"live-sessions-test-{self.entry}"

    @property
    def name(self) -> pulumi.Output[str]:
        return pulumi.Output.from_input(self.physical_name)

    @property
    def invoke_arn(self) -> pulumi.Output[str]:
        return pulumi.Output.from_input(f"arn:{self.entry}")

    def permit(self, name: str, **_: object) -> list[pulumi.CustomResource]:
        return []


def function(entry: str) -> HandlerFunction:
    return cast(HandlerFunction, RoutedFunction(entry))


# The program's routes, by key.
EVERY_ROUTE = {
    route.key: route
    for route in (
        *socket_routes(connecting=function("connection"), disconnecting=function("disconnect")),
        *(route for entry in FUNCTIONS for route in routes_of(function(entry))),
    )
}
REQUIRED = (CONNECT, DISCONNECT, DEFAULT)


@cache
def trigger(
    routes: tuple[Route, ...], authorizer: str = "authorizer", removed: tuple[str, ...] = ()
) -> str:
    target = Target(function=function("removed_action"), timeout_milliseconds=5_000)
    refusal = Refusal(target=target, keys=frozenset(removed))
    engine = Engine()
    engine.run(lambda: stack_parts.api().publish(routes, function(authorizer), refusal))
    return engine.only("apigatewayv2/deployment")["triggers"]["snapshot"]


def api_with(key: str) -> dict[str, Route]:
    """The smallest API that has the route."""
    return {each: EVERY_ROUTE[each] for each in dict.fromkeys((*REQUIRED, key))}


def changes_of(key: str) -> Iterator[tuple[str, dict[str, Route]]]:
    """Each change that one route can have, with the API after it."""
    before = api_with(key)
    one = before[key]
    yield "another function", {**before, key: replace(one, function=function("another"))}
    yield "another timeout", {**before, key: replace(one, timeout_milliseconds=28_999)}
    if key not in (CONNECT, DISCONNECT):
        yield "replies or not", {**before, key: replace(one, replies=not one.replies)}
    if key not in REQUIRED:
        yield "dropped", {name: each for name, each in before.items() if name != key}


@pytest.mark.parametrize("key", EVERY_ROUTE)
def test_a_change_of_any_route_is_deployed(key: str):
    triggers = {"as it is": trigger(tuple(api_with(key).values()))}
    for change, routes in changes_of(key):
        triggers[change] = trigger(tuple(routes.values()))
    if key not in REQUIRED:
        triggers["removed"] = trigger(tuple(api_with(key).values()), removed=(key,))
    assert len(set(triggers.values())) == len(triggers) >= 3, triggers


def test_another_authorizer_is_deployed():
    routes = tuple(api_with(DEFAULT).values())
    assert trigger(routes, "another") != trigger(routes)


def test_the_same_config_deploys_nothing_new():
    one, two = run("staging", LEAN), run_afresh("staging", LEAN, name="staging")
    triggers = [each.engine.only("apigatewayv2/deployment")["triggers"] for each in (one, two)]
    assert triggers[0] == triggers[1]


def test_the_deployment_waits_for_every_route_and_response_of_the_program():
    engine = run("staging", LEAN).engine
    kinds = ("authorizer", "integration", "route", "routeResponse")
    held = {name for kind in kinds for name in engine.of_type(f"apigatewayv2/{kind}")}
    (deployment,) = engine.of_type("apigatewayv2/deployment").values()
    assert held <= deployment.depends_on


def test_the_deployment_waits_until_api_gateway_may_invoke_all_that_it_points_at():
    engine = run("staging", LEAN).engine
    (deployment,) = engine.of_type("apigatewayv2/deployment").values()
    permitted = {
        (each.inputs["function"], each.inputs.get("qualifier"))
        for name, each in engine.of_type("lambda/permission").items()
        if name in deployment.depends_on
    }
    uris = [
        *(each["integrationUri"] for each in engine.inputs("apigatewayv2/integration")),
        *(each["authorizerUri"] for each in engine.inputs("apigatewayv2/authorizer")),
    ]
    assert uris
    for uri in uris:
        function, qualifier = uri.removesuffix("/invocations").split(":")[-2:]
        assert qualifier == LIVE
        assert (function, qualifier) in permitted
