import functools
import json
from collections.abc import Callable, Sequence
from typing import Any

import pulumi
import pytest

from components.handler_function import HandlerFunction
from components.roles import RoleRules
from components.session_api import AccessLogsArgs, Route, SessionApi, SessionApiArgs, Throttling
from program.computed import COMPUTED
from program.engine import Engine
from tests.components import stack_parts

ARN = "arn:aws:execute-api:us-east-1:123456789012:abc123"


def access_logs(*, manage_account: bool = False) -> AccessLogsArgs:
    return AccessLogsArgs(
        prefix=stack_parts.PREFIX,
        retention_days=3,
        manage_account=manage_account,
        partition="aws",
        role_rules=RoleRules(),
    )


def make_api(logs: AccessLogsArgs | None = None, *, route_metrics: bool = False) -> SessionApi:
    args = SessionApiArgs(
        prefix=stack_parts.PREFIX,
        stage_name="live",
        throttling=Throttling(rate_limit=100, burst_limit=50),
        route_metrics=route_metrics,
        access_logs=logs,
    )
    return SessionApi("api", args)


def routes_of(*, timeout: int = 29_000, replies: bool = True, entry: str = "heartbeat"):
    connection, disconnect = stack_parts.function("connection"), stack_parts.function("disconnect")

    def route(key: str, function: HandlerFunction, **changes: Any) -> Route:
        return Route(key=key, function=function, **{"timeout_milliseconds": 29_000, **changes})

    return [
        route("$connect", connection, replies=False),
        route("$disconnect", disconnect, replies=False),
        route("$default", connection),
        route(
            "heartbeat",
            connection if entry == "connection" else stack_parts.function(entry),
            timeout_milliseconds=timeout,
            replies=replies,
        ),
    ]


def publish(
    logs: AccessLogsArgs | None = None,
    *,
    authorizer: str = "authorizer",
    removed: Sequence[str] = (),
    **changes: Any,
) -> None:
    make_api(logs).publish(
        routes_of(**changes), stack_parts.function(authorizer), stack_parts.refusal(*removed)
    )


def publish_with_access_logs() -> None:
    publish(access_logs())


def run_afresh(program: Callable[[], object] = publish, *, preview: bool = False) -> Engine:
    """A run of its own."""
    engine = Engine(preview=preview)
    engine.run(program)
    return engine


run = functools.cache(run_afresh)
"""A run that is shared by the tests, which only read it."""


def test_the_api_alone_exists_before_routes_are_published():
    engine = run(make_api)
    assert [each.name for each in engine.registered if each.custom] == ["api-api"]
    assert engine.only("apigatewayv2/api") == {
        "name": "live-sessions-test",
        "protocolType": "WEBSOCKET",
        "routeSelectionExpression": "$request.body.action",
    }


def test_clients_and_functions_have_their_endpoints_before_the_stage_exists():
    def program() -> None:
        api = make_api()
        pulumi.export("url", api.url)
        pulumi.export("management", api.management_endpoint)

    assert Engine().run(program) == {
        "url": "wss://abc123.execute-api.us-east-1.amazonaws.com/live",
        "management": "https://abc123.execute-api.us-east-1.amazonaws.com/live",
    }


@pytest.mark.parametrize(
    ("endpoint", "url", "management"),
    [
        (
            "ws://127.0.0.1:4566/_aws/abc",
            "ws://127.0.0.1:4566/_aws/abc",
            "http://127.0.0.1:4566/_aws/abc",
        ),
        ("http://abc.localhost:4566", "ws://abc.localhost:4566", "http://abc.localhost:4566"),
        ("https://abc.localhost:4566", "wss://abc.localhost:4566", "https://abc.localhost:4566"),
    ],
)
def test_behind_an_endpoint_of_its_own_sockets_and_posts_have_their_schemes_too(
    monkeypatch: pytest.MonkeyPatch, endpoint: str, url: str, management: str
):
    monkeypatch.setitem(
        COMPUTED,
        "aws:apigatewayv2/api:Api",
        lambda name: {"apiEndpoint": endpoint, "executionArn": ARN},
    )

    def program() -> None:
        api = make_api()
        pulumi.export("url", api.url)
        pulumi.export("management", api.management_endpoint)

    assert Engine().run(program) == {"url": f"{url}/live", "management": f"{management}/live"}


def test_the_authorizer_decides_on_every_handshake_with_a_token_or_without():
    engine = run()
    authorizer = engine.only("apigatewayv2/authorizer")
    assert authorizer["authorizerType"] == "REQUEST"
    assert "identitySources" not in authorizer
    assert "authorizerResultTtlInSeconds" not in authorizer
    routes = {each["routeKey"]: each for each in engine.inputs("apigatewayv2/route")}
    assert routes["$connect"]["authorizationType"] == "CUSTOM"
    assert routes["$connect"]["authorizerId"] == "api-routes-authorizer-id"
    others = [each for key, each in routes.items() if key != "$connect"]
    assert {each["authorizationType"] for each in others} == {"NONE"}


def test_routes_with_the_same_function_and_timeout_share_an_integration():
    engine = run()
    routes = {each["routeKey"]: each["target"] for each in engine.inputs("apigatewayv2/route")}
    assert routes["$connect"] == routes["$default"]
    assert len(engine.inputs("apigatewayv2/integration")) == 4
    own_timeout = run(lambda: publish(timeout=5_000, entry="connection"))
    timeouts = [e["timeoutMilliseconds"] for e in own_timeout.inputs("apigatewayv2/integration")]
    assert sorted(timeouts) == [5_000, 5_000, 29_000, 29_000]


def test_integrations_proxy_to_the_function():
    integrations = run().of_type("apigatewayv2/integration")
    assert integrations["api-routes-heartbeat-29000ms-integration"].inputs == {
        "apiId": "api-api-id",
        "integrationType": "AWS_PROXY",
        "integrationMethod": "POST",
        "integrationUri": "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/"
        "arn:aws:lambda:us-east-1:123456789012:function:live-sessions-test-heartbeat:live"
        "/invocations",
        "timeoutMilliseconds": 29_000,
    }


def test_a_route_that_replies_has_a_response_and_selects_it():
    engine = run()
    selecting = {
        each["routeKey"]
        for each in engine.inputs("apigatewayv2/route")
        if each.get("routeResponseSelectionExpression") == "$default"
    }
    assert selecting == {"$default", "heartbeat"}
    assert {each["routeId"] for each in engine.inputs("apigatewayv2/routeResponse")} == {
        "api-routes-default-route-id",
        "api-routes-heartbeat-route-id",
    }
    assert {each["routeResponseKey"] for each in engine.inputs("apigatewayv2/routeResponse")} == {
        "$default"
    }


def test_each_function_may_be_invoked_by_this_api_alone():
    permissions = run().inputs("lambda/permission")
    assert {each["function"]: each["sourceArn"] for each in permissions} == {
        "live-sessions-test-authorizer": f"{ARN}/authorizers/api-routes-authorizer-id",
        "live-sessions-test-connection": f"{ARN}/live/*",
        "live-sessions-test-disconnect": f"{ARN}/live/*",
        "live-sessions-test-heartbeat": f"{ARN}/live/*",
        "live-sessions-test-removed-action": f"{ARN}/live/*",
    }
    assert {each["principal"] for each in permissions} == {"apigateway.amazonaws.com"}
    assert {each["action"] for each in permissions} == {"lambda:InvokeFunction"}


def test_the_permissions_of_an_alias_are_those_of_its_function():
    permissions = run().inputs("lambda/permission")
    by_qualifier = {
        qualifier: {
            each["function"]: each["sourceArn"]
            for each in permissions
            if each.get("qualifier") == qualifier
        }
        for qualifier in (None, "live")
    }
    assert by_qualifier[None] == by_qualifier["live"]
    assert len(permissions) == 2 * len(by_qualifier["live"])


def test_a_removed_route_goes_to_the_function_that_refuses_and_keeps_all_that_it_has():
    def urns(engine: Engine) -> set[str]:
        return {each.urn for each in engine.registered}

    there, removed = run(), run(lambda: publish(removed=["heartbeat"]))
    assert urns(there) == urns(removed)
    routes = removed.of_type("apigatewayv2/route")
    assert routes["api-routes-heartbeat-route"].inputs == {
        **there.of_type("apigatewayv2/route")["api-routes-heartbeat-route"].inputs,
        "target": "integrations/api-routes-removed-action-5000ms-integration-id",
    }


def test_the_deployment_waits_for_everything_that_it_snapshots():
    engine = run()
    kinds = ("authorizer", "integration", "route", "routeResponse")
    snapshot = {name for kind in kinds for name in engine.of_type(f"apigatewayv2/{kind}")}
    (deployment,) = engine.of_type("apigatewayv2/deployment").values()
    assert snapshot <= deployment.depends_on


def test_the_deployment_waits_for_every_permission_of_api_gateway():
    engine = run()
    (deployment,) = engine.of_type("apigatewayv2/deployment").values()
    assert engine.of_type("lambda/permission").keys() <= deployment.depends_on


def trigger_of(engine: Engine) -> str:
    return engine.only("apigatewayv2/deployment")["triggers"]["snapshot"]


def test_the_same_routes_deploy_nothing_new():
    assert trigger_of(run_afresh()) == trigger_of(run())


@pytest.mark.parametrize(
    "changes",
    [
        {"timeout": 5_000},
        {"replies": False},
        {"entry": "reconcile"},
        {"authorizer": "fan_out"},
        {"removed": ["heartbeat"]},
    ],
    ids=str,
)
def test_any_change_of_route_integration_response_or_authorizer_deploys_anew(
    changes: dict[str, Any],
):
    assert trigger_of(run_afresh(lambda: publish(**changes))) != trigger_of(run())


def replace_resource(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Let the resource whose name ends so have another id."""
    new_resource = Engine.new_resource

    def replaced(self: Engine, args: pulumi.runtime.MockResourceArgs):
        id_, outputs = new_resource(self, args)
        return (f"{id_}-2" if args.name.endswith(name) else id_), outputs

    monkeypatch.setattr(Engine, "new_resource", replaced)


def test_a_replaced_resource_deploys_anew(monkeypatch: pytest.MonkeyPatch):
    before = trigger_of(run())
    replace_resource(monkeypatch, "default-response")
    assert trigger_of(run_afresh()) != before


def test_a_replaced_permission_deploys_nothing_new(monkeypatch: pytest.MonkeyPatch):
    before = trigger_of(run())
    replace_resource(monkeypatch, "heartbeat-live-permission")
    assert trigger_of(run_afresh()) == before


def test_in_preview_a_trigger_that_is_not_known_yet_stays_unknown():
    deployment = run(preview=True).only("apigatewayv2/deployment")
    assert set(deployment) <= {"triggers", "apiId"}
    assert not isinstance(deployment.get("triggers", {}).get("snapshot"), str)


def test_the_stage_throttles_and_traces_no_data():
    stage = run().only("apigatewayv2/stage")
    assert stage == {
        "apiId": "api-api-id",
        "name": "live",
        "deploymentId": "api-stage-deployment-id",
        "autoDeploy": False,
        "defaultRouteSettings": {
            "dataTraceEnabled": False,
            "detailedMetricsEnabled": False,
            "loggingLevel": "OFF",
            "throttlingRateLimit": 100,
            "throttlingBurstLimit": 50,
        },
    }


# https://docs.aws.amazon.com/apigateway/latest/developerguide/websocket-api-logging.html
WEBSOCKET_VARIABLES = {
    *("requestId", "extendedRequestId", "requestTime", "eventType", "routeKey", "status"),
    *("integration.status", "integration.error", "integrationLatency", "error.message"),
    *("authorizer.latency", "authorizer.error"),
}


def test_access_logs_are_json_without_query_string_address_or_connection():
    engine = run(publish_with_access_logs)
    settings = engine.only("apigatewayv2/stage")["accessLogSettings"]
    assert settings["destinationArn"].endswith(":log-group:/aws/apigateway/live-sessions-test")
    fields = json.loads(settings["format"])
    assert {"requestId", "eventType", "routeKey", "status", "integrationStatus"} <= set(fields)
    assert {value.removeprefix("$context.") for value in fields.values()} <= WEBSOCKET_VARIABLES
    for secret in ("query", "sourceIp", "identity", "connectionId", "path", "authorizer.principal"):
        assert secret not in settings["format"], f"access logs must not contain {secret}"


def test_the_access_log_group_has_the_retention_of_stack_config():
    engine = run(publish_with_access_logs)
    group = engine.of_type("cloudwatch/logGroup")["api-access-logs"].inputs
    assert group == {"name": "/aws/apigateway/live-sessions-test", "retentionInDays": 3}


def test_the_accounts_logging_role_is_not_set_unless_config_says_so():
    assert run(publish_with_access_logs).inputs("apigateway/account") == []


def test_the_accounts_logging_role_comes_before_the_stage_and_outlives_the_stack():
    engine = run(lambda: publish(access_logs(manage_account=True)))
    (account,) = engine.of_type("apigateway/account").values()
    role = engine.of_type("iam/role")["api-access-role"]
    attachment = engine.of_type("iam/rolePolicyAttachment")["api-access-role-policy"]
    for resource in (account, role, attachment):
        assert resource.retain_on_delete, "other APIs of the account may rely on the role"
    assert "name" not in role.inputs, "the stack, made again, would collide with the kept role"
    (stage,) = engine.of_type("apigatewayv2/stage").values()
    assert "api-access-account" in stage.depends_on


def test_connections_may_be_used_by_one_method_on_this_stage_alone():
    def program() -> None:
        (statement,) = make_api().managing_connections("POST").statements
        pulumi.export("actions", list(statement.actions))
        pulumi.export("resources", list(statement.resources))

    assert Engine().run(program) == {
        "actions": ["execute-api:ManageConnections"],
        "resources": [f"{ARN}/live/POST/@connections/*"],
    }


def test_routes_that_clash_are_rejected_before_any_is_made():
    def program() -> None:
        routes = routes_of()
        authorizer, refusal = stack_parts.function("authorizer"), stack_parts.refusal()
        make_api().publish([*routes, routes[-1]], authorizer, refusal)

    engine = Engine()
    with pytest.raises(ValueError, match="heartbeat is there twice"):
        engine.run(program)
    assert engine.inputs("apigatewayv2/route") == []
