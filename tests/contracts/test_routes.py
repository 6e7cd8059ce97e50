"""The API's routes: one for each action, each with its function, timeout and response."""

from live_sessions.protocol import ACTIONS
from program.engine import Engine
from tests.contracts.permission_table import FUNCTION
from tests.contracts.program_runs import ProgramRun
from tests.contracts.route_table import INVOKE, ROUTES, SILENT


def test_every_action_has_a_route_and_every_route_an_action(engine: Engine):
    keys = {each["routeKey"] for each in engine.inputs("apigatewayv2/route")}
    assert keys == {"$connect", "$disconnect", "$default", *ACTIONS}


def test_each_route_has_the_function_and_the_timeout_of_the_table(engine: Engine):
    integrations = {
        f"integrations/{name}-id": each.inputs
        for name, each in engine.of_type("apigatewayv2/integration").items()
    }
    found: dict[str, tuple[str, int]] = {}
    for route in engine.inputs("apigatewayv2/route"):
        integration = integrations[route["target"]]
        timeout_milliseconds = integration["timeoutMilliseconds"]
        found[route["routeKey"]] = (integration["integrationUri"], timeout_milliseconds)
    assert found == {
        key: (f"{INVOKE}/{FUNCTION}-{function}/invocations", timeout_milliseconds)
        for function, routes in ROUTES.items()
        for timeout_milliseconds, keys in routes.items()
        for key in keys.split()
    }


def test_every_route_that_replies_has_a_response(stack: ProgramRun):
    engine = stack.engine
    replying = {
        f"{name}-id"
        for name, each in engine.of_type("apigatewayv2/route").items()
        if "routeResponseSelectionExpression" in each.inputs
    }
    responses = engine.inputs("apigatewayv2/routeResponse")
    assert sorted(each["routeId"] for each in responses) == sorted(replying)
    assert {each["routeResponseKey"] for each in responses} == {"$default"}
    silent = {
        each["routeKey"]
        for each in engine.inputs("apigatewayv2/route")
        if "routeResponseSelectionExpression" not in each
    }
    assert silent == SILENT


def test_every_stack_has_every_route_unless_config_removes_it(stack: ProgramRun):
    keys = {each["routeKey"] for each in stack.engine.inputs("apigatewayv2/route")}
    assert keys == {"$connect", "$disconnect", "$default", *ACTIONS}
    assert stack.config["removedRoutes"] == "[]"
