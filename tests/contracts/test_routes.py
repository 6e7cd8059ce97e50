"""The API's routes: one for each action, with the contract's function, timeout and response."""

from components.removed_actions import TIMEOUT_SECONDS
from contract.actions import ACTIONS, RETIRED_ACTIONS, ROUTED_ACTIONS
from program.computed import REGION
from program.engine import Engine
from tests.contracts.permission_table import FUNCTION
from tests.contracts.program_runs import ProgramRun

# API Gateway's own; the first two cannot reply.
SOCKET_ROUTES = {"$connect": "connection", "$disconnect": "disconnect", "$default": "connection"}
INVOKE = f"arn:aws:apigateway:{REGION}:lambda:path/2015-03-31/functions"
# https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html
LONGEST_TIMEOUT_MILLISECONDS = 29_000


def integrations(engine: Engine) -> dict[str, tuple[str, int]]:
    """Each route key's integration: the physical name of its function, and milliseconds."""
    made = {
        f"integrations/{name}-id": each.inputs
        for name, each in engine.of_type("apigatewayv2/integration").items()
    }
    found: dict[str, tuple[str, int]] = {}
    for route in engine.inputs("apigatewayv2/route"):
        integration = made[route["target"]]
        invoked = integration["integrationUri"].removeprefix(f"{INVOKE}/")
        name, alias = invoked.removesuffix("/invocations").split(":")[-2:]
        assert alias == "live"
        found[route["routeKey"]] = (name, integration["timeoutMilliseconds"])
    return found


def test_every_stack_has_a_route_for_every_action_and_no_other(stack: ProgramRun):
    keys = [each["routeKey"] for each in stack.engine.inputs("apigatewayv2/route")]
    assert sorted(keys) == sorted([*SOCKET_ROUTES, *ROUTED_ACTIONS])
    assert stack.config["removedRoutes"] == "[]"


def test_each_route_has_the_function_and_the_timeout_of_the_contract(engine: Engine):
    prefix = FUNCTION.rpartition(":")[2]
    entries = {
        **SOCKET_ROUTES,
        **{each.name: each.function for each in ACTIONS.values()},
        **dict.fromkeys(RETIRED_ACTIONS, "removed_action"),
    }
    seconds = {
        **{each.name: each.timeout_seconds for each in ACTIONS.values()},
        **dict.fromkeys(RETIRED_ACTIONS, TIMEOUT_SECONDS),
    }
    assert integrations(engine) == {
        key: (
            f"{prefix}-{entry.replace('_', '-')}",
            1_000 * seconds[key] if key in seconds else LONGEST_TIMEOUT_MILLISECONDS,
        )
        for key, entry in entries.items()
    }


def test_a_function_may_run_as_long_as_api_gateway_waits_for_it(engine: Engine):
    limits = {each["name"]: each["timeout"] for each in engine.inputs("lambda/function")}
    for key, (function, milliseconds) in integrations(engine).items():
        assert milliseconds <= LONGEST_TIMEOUT_MILLISECONDS, key
        assert milliseconds <= 1_000 * limits[function], key


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


def test_only_handshakes_and_accepted_audio_have_no_reply(stack: ProgramRun):
    silent = {
        each["routeKey"]
        for each in stack.engine.inputs("apigatewayv2/route")
        if "routeResponseSelectionExpression" not in each
    }
    assert silent == {"$connect", "$disconnect", "sendAudio"}
