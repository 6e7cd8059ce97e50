"""How messages become invocations, and what of them the client gets to see."""

import json
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import pytest

from tests.local.emulator.sockets import (
    FUNCTION_TIMEOUT_SECONDS,
    PATIENCE_SECONDS,
    Route,
    SocketApi,
    eventually,
)

Deploy = Callable[..., SocketApi]


def test_messages_of_one_connection_are_handled_at_the_same_time(api: SocketApi) -> None:
    names = [api.new_name() for _ in range(4)]
    with api.connect() as socket:
        for name in names:
            socket.send(json.dumps({"note": name, "await": " ".join(names)}))
        answers = [json.loads(socket.recv(PATIENCE_SECONDS)) for _ in names]
    assert {each["eventType"] for each in answers} == {"MESSAGE"}


def test_messages_of_many_connections_are_handled_at_the_same_time(api: SocketApi) -> None:
    names = [api.new_name() for _ in range(4)]
    with ExitStack() as stack:
        sockets = [stack.enter_context(api.connect()) for _ in names]
        for name, socket in zip(names, sockets, strict=True):
            socket.send(json.dumps({"note": name, "await": " ".join(names)}))
        answers = [json.loads(socket.recv(PATIENCE_SECONDS)) for socket in sockets]
    assert {each["eventType"] for each in answers} == {"MESSAGE"}


def test_a_reply_reaches_the_client_only_through_a_route_response(api: SocketApi) -> None:
    name = api.new_name()
    with api.connect() as socket:
        socket.send(json.dumps({"action": "silent", "then": name}))
        api.noted(name)
        assert [api.ask(socket)["routeKey"] for _ in range(3)] == ["$default"] * 3


@pytest.mark.parametrize("part", ["the response", "the selection expression"])
def test_half_of_a_route_response_lets_no_reply_through(deploy: Deploy, part: str) -> None:
    half = deploy({"$default": Route()})
    gateway = half.emulator.client("apigatewayv2")
    route_id = half.add_route("half", Route(answers=part == "the response"))
    expression = "" if part == "the response" else "$default"
    gateway.update_route(
        ApiId=half.api_id, RouteId=route_id, RouteResponseSelectionExpression=expression
    )
    half.deploy()
    name = half.new_name()
    with half.connect() as socket:
        socket.send(json.dumps({"action": "half", "then": name}))
        half.noted(name)
        assert [half.ask(socket)["routeKey"] for _ in range(3)] == ["$default"] * 3


def error_frame(api: SocketApi, **message: Any) -> dict[str, Any]:
    with api.connect() as socket:
        connection_id = api.connection_id(socket)
        frame = api.ask(socket, **message)
        assert frame.pop("connectionId") == connection_id
        assert frame.pop("requestId").endswith("=")
        assert api.ask(socket)["eventType"] == "MESSAGE", "the socket should have stayed open"
    return frame


def test_a_failing_function_is_reported_in_the_services_own_frame(api: SocketApi) -> None:
    assert error_frame(api, fail=True) == {"message": "Internal server error"}


def test_a_failing_function_on_a_silent_route_is_reported_too(api: SocketApi) -> None:
    assert error_frame(api, action="silent", fail=True) == {"message": "Internal server error"}


@pytest.mark.parametrize(
    "answer",
    [None, "text", 5, {"body": "no status"}, {"statusCode": 200, "body": {"not": "text"}}],
)
def test_an_answer_that_is_not_a_proxy_response_is_an_error(api: SocketApi, answer: object) -> None:
    assert error_frame(api, answer=answer) == {"message": "Internal server error"}


def test_a_message_without_any_route_is_forbidden(deploy: Deploy) -> None:
    bare = deploy({"named": Route()})
    with bare.connect() as socket:
        assert bare.ask(socket, action="unknown")["message"] == "Forbidden"
        assert bare.ask(socket, action="named")["routeKey"] == "named"


def test_the_integration_timeout_is_reported_and_the_function_continues(api: SocketApi) -> None:
    gate, end = api.new_name(), api.new_name()
    with api.connect() as socket:
        frame = api.ask(socket, action="hasty", **{"await": gate, "then": end})
        assert frame["message"] == "Endpoint request timed out"
        assert not (api.notes / end).exists()
        api.note(gate)
        assert api.noted(end), "the function was stopped with its integration"
        assert api.ask(socket)["routeKey"] == "$default", "the late reply reached the client"


def test_a_function_past_its_own_timeout_is_a_failed_one(deploy: Deploy) -> None:
    api = deploy({"$default": Route()})

    def let_it_run_for(seconds: int) -> None:
        api.emulator.client("lambda").update_function_configuration(
            FunctionName=api.function_arn, Timeout=seconds
        )

    # Only what never ends meets the short limit: a starved machine may miss it with anything.
    with api.connect() as socket:
        let_it_run_for(1)
        assert api.ask(socket, **{"await": "never"})["message"] == "Internal server error"
        let_it_run_for(FUNCTION_TIMEOUT_SECONDS)
        assert api.ask(socket)["eventType"] == "MESSAGE", "the socket should have stayed open"


def test_a_throttled_invocation_is_a_failed_one(deploy: Deploy) -> None:
    api = deploy({"$default": Route()})
    api.emulator.client("lambda").put_function_concurrency(
        FunctionName=api.function_arn, ReservedConcurrentExecutions=1
    )
    busy, gate = api.new_name(), api.new_name()
    with api.connect() as socket:
        socket.send(json.dumps({"note": busy, "await": gate}))
        api.noted(busy)
        assert api.ask(socket)["message"] == "Internal server error"
        api.note(gate)
        assert json.loads(socket.recv(PATIENCE_SECONDS))["eventType"] == "MESSAGE"


def test_a_socket_invocation_is_an_ordinary_one_with_a_log(api: SocketApi) -> None:
    with api.connect() as socket:
        assert error_frame(api, fail=True)
        socket.close()
    logs = api.emulator.client("logs")
    group = "/aws/lambda/" + api.function_arn.rsplit(":", 1)[1]

    def secret_is_logged() -> bool:
        events = logs.filter_log_events(logGroupName=group)["events"]
        return any("a secret of the function" in each["message"] for each in events)

    eventually(secret_is_logged, "the function's traceback in its log")


def test_a_socket_invocation_has_the_rights_of_its_own_role(api: SocketApi) -> None:
    posted, deleted = api.new_name(), api.new_name()
    with api.connect() as socket:
        socket.send(json.dumps({"action": "silent", "post": posted, "delete": deleted}))
        assert socket.recv(PATIENCE_SECONDS) == "early"
        assert api.noted(posted) == "done"
        assert api.noted(deleted) != "done", "the role may POST, not DELETE"
        assert api.ask(socket)["eventType"] == "MESSAGE"
