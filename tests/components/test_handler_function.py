import json
from typing import Any

import pulumi
import pytest

from components.grants import Grant
from components.handler_function import (
    AsynchronousInvocation,
    HandlerFunction,
    HandlerFunctionArgs,
)
from components.layers import HANDLERS
from components.policies import Statement
from contract.functions import HEARTBEAT, SESSION_STATUS, Function, HeartbeatEnvironment
from program.engine import Engine
from tests.components import stack_parts

FUNCTIONS = "arn:aws:lambda:us-east-1:123456789012:function"
NAME = "live-sessions-test-session-status"


def args(**changes: Any) -> HandlerFunctionArgs:
    return HandlerFunctionArgs(
        **{
            "platform": stack_parts.platform(),
            "function": SESSION_STATUS,
            "grants": [stack_parts.all_variables(SESSION_STATUS)],
            "memory_megabytes": 256,
            "timeout_seconds": 5,
            **changes,
        }
    )


def run(**changes: Any) -> Engine:
    engine = Engine()
    engine.run(lambda: HandlerFunction("session-status", args(**changes)))
    return engine


def test_a_function_runs_its_entry_module_with_the_shared_layer():
    function = run(extra_layer_arns=("arn:tokens",)).only("lambda/function")
    assert function["name"] == NAME
    assert function["handler"] == "session_status.handler"
    assert (function["runtime"], function["architectures"]) == ("python3.13", ["arm64"])
    assert (function["memorySize"], function["timeout"]) == (256, 5)
    assert function["layers"][1:] == ["arn:tokens"]
    assert "reservedConcurrentExecutions" not in function


def test_the_code_is_the_entry_module_alone():
    function = run().only("lambda/function")
    source = HANDLERS / "session_status.py"
    assert isinstance(function["code"], pulumi.AssetArchive)
    ((name, asset),) = function["code"].assets.items()
    assert isinstance(asset, pulumi.FileAsset)
    assert (name, asset.path) == ("session_status.py", str(source))


def test_the_environment_is_what_all_functions_have_and_what_the_grants_of_this_one_have():
    posting = Grant(variables={"API_GATEWAY_ENDPOINT": "https://posts"})
    reading = Grant(variables={"CONNECTIONS_TABLE": "connections"})
    function = run(function=HEARTBEAT, grants=[posting, reading]).only("lambda/function")
    assert function["environment"] == {
        "variables": {
            "ENV": "test",
            "POWERTOOLS_SERVICE_NAME": "heartbeat",
            "POWERTOOLS_METRICS_NAMESPACE": "LiveSessions/test",
            "POWERTOOLS_LOG_LEVEL": "INFO",
            "API_GATEWAY_ENDPOINT": "https://posts",
            "CONNECTIONS_TABLE": "connections",
        }
    }


def test_the_log_group_exists_with_retention_before_the_function_can_write():
    engine = run()
    assert engine.only("cloudwatch/logGroup") == {
        "name": f"/aws/lambda/{NAME}",
        "retentionInDays": 1,
    }
    (function,) = engine.of_type("lambda/function").values()
    assert {"session-status-logs", "session-status-policy"} <= function.depends_on


def test_the_role_trusts_lambda_and_may_write_to_its_own_log_group_alone():
    engine = run()
    role = engine.only("iam/role")
    assert role["name"] == NAME
    (trusted,) = json.loads(role["assumeRolePolicy"])["Statement"]
    assert trusted["Principal"] == {"Service": "lambda.amazonaws.com"}
    assert engine.statements(NAME) == {
        "WriteOwnLogs": {
            "Sid": "WriteOwnLogs",
            "Effect": "Allow",
            "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
            "Resource": [f"arn:aws:logs:us-east-1:123456789012:log-group:/aws/lambda/{NAME}:*"],
        }
    }


def test_the_statements_of_every_grant_are_in_the_functions_policy():
    send = Statement(sid="Send", actions=("sqs:SendMessage",), resources=("arn:queue",))
    grants = [stack_parts.all_variables(SESSION_STATUS), Grant(statements=(send,))]
    assert set(run(grants=grants).statements(NAME)) == {"WriteOwnLogs", "Send"}


def test_concurrency_is_reserved_only_if_config_says_so():
    platform = stack_parts.platform({"session_status": 7})
    assert run(platform=platform).only("lambda/function")["reservedConcurrentExecutions"] == 7


def test_failed_asynchronous_events_are_kept_in_a_queue_that_the_role_may_send_to():
    asynchronous = AsynchronousInvocation(
        on_failure_queue_arn="arn:failures", maximum_retries=1, maximum_event_age_seconds=60
    )
    engine = run(asynchronous=asynchronous)
    settings = {
        "functionName": NAME,
        "maximumRetryAttempts": 1,
        "maximumEventAgeInSeconds": 60,
        "destinationConfig": {"onFailure": {"destination": "arn:failures"}},
    }
    made = engine.of_type("lambda/functionEventInvokeConfig")
    assert {name: each.inputs for name, each in made.items()} == {
        "session-status-invoke-config": settings,
        "session-status-live-invoke-config": {**settings, "qualifier": "live"},
    }
    sends = engine.statements(NAME)["SendFailures"]
    assert (sends["Action"], sends["Resource"]) == (["sqs:SendMessage"], ["arn:failures"])
    assert run().inputs("lambda/functionEventInvokeConfig") == []


def test_a_queue_feeds_the_function_one_message_at_a_time():
    engine = Engine()
    engine.run(lambda: stack_parts.function("disconnect").consume("checks", "arn:queue"))
    assert engine.only("lambda/eventSourceMapping") == {
        "eventSourceArn": "arn:queue",
        "functionName": f"{FUNCTIONS}:live-sessions-test-disconnect:live",
        "batchSize": 1,
    }


def test_every_version_is_published_and_the_alias_is_on_the_newest():
    engine = run()
    assert engine.only("lambda/function")["publish"] is True
    assert engine.only("lambda/alias") == {
        "name": "live",
        "functionName": NAME,
        "functionVersion": "1",
    }


def test_versions_have_snapshots_only_if_config_says_so():
    platform = stack_parts.platform(snap_start=True)
    function = run(platform=platform).only("lambda/function")
    assert function["snapStart"] == {"applyOn": "PublishedVersions"}
    assert "snapStart" not in run().only("lambda/function")


def test_what_invokes_a_function_is_given_its_alias():
    made: list[HandlerFunction] = []

    def program() -> None:
        made.append(stack_parts.function())
        pulumi.export("arn", made[0].arn)
        pulumi.export("invokeArn", made[0].invoke_arn)

    outputs = Engine().run(program)
    alias = f"{FUNCTIONS}:live-sessions-test-heartbeat:live"
    assert outputs["arn"] == alias
    assert outputs["invokeArn"].endswith(f"/functions/{alias}/invocations")


def test_a_service_is_permitted_by_alias_and_as_the_release_before_invokes():
    engine = Engine()

    def program() -> None:
        stack_parts.function().permit(
            "rule-tick",
            principal="events.amazonaws.com",
            source_arn="arn:rule",
            opts=pulumi.ResourceOptions(),
        )

    engine.run(program)
    permission = {
        "action": "lambda:InvokeFunction",
        "function": "live-sessions-test-heartbeat",
        "principal": "events.amazonaws.com",
        "sourceArn": "arn:rule",
    }
    made = engine.of_type("lambda/permission")
    assert {name: each.inputs for name, each in made.items()} == {
        "rule-tick-permission": permission,
        "rule-tick-live-permission": {**permission, "qualifier": "live"},
    }


def test_another_function_gets_the_alias_and_may_invoke_it_and_the_function_itself():
    def program() -> None:
        grant = stack_parts.function().invoking("InvokeHeartbeat", "HEARTBEAT_FUNCTION")
        (statement,) = grant.statements
        pulumi.export("resources", list(statement.resources))
        pulumi.export("variables", dict(grant.variables))

    function = f"{FUNCTIONS}:live-sessions-test-heartbeat"
    assert Engine().run(program) == {
        "resources": [function, f"{function}:live"],
        "variables": {"HEARTBEAT_FUNCTION": "live-sessions-test-heartbeat:live"},
    }


def test_nothing_invokes_the_alias_before_its_asynchronous_settings_exist():
    asynchronous = AsynchronousInvocation(
        on_failure_queue_arn="arn:failures", maximum_retries=1, maximum_event_age_seconds=60
    )
    engine = Engine()

    def program() -> None:
        function = HandlerFunction("session-status", args(asynchronous=asynchronous))
        function.consume("checks", "arn:queue")
        variables = function.invoking("InvokeStatus", "API_GATEWAY_ENDPOINT").variables
        grants = [Grant(variables={**variables, "CONNECTIONS_TABLE": "connections"})]
        HandlerFunction("heartbeat", args(function=HEARTBEAT, grants=grants))

    engine.run(program)
    invoking = [
        engine.of_type("lambda/eventSourceMapping")["checks-mapping"],
        engine.of_type("lambda/function")["heartbeat-function"],
    ]
    for each in invoking:
        assert {"session-status-alias", "session-status-live-invoke-config"} <= each.depends_on


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"timeout_seconds": 0}, "from 1 to 900 s"),
        ({"timeout_seconds": 901}, "from 1 to 900 s"),
        ({"memory_megabytes": 127}, "from 128 to 10240 MB"),
        ({"memory_megabytes": 10_241}, "from 128 to 10240 MB"),
        ({"function": Function("nowhere", HeartbeatEnvironment)}, "handlers/nowhere.py must exist"),
        ({"function": Function("x" * 50, HeartbeatEnvironment)}, "at most 64 characters"),
    ],
)
def test_what_lambda_would_reject_is_rejected_first(changes: dict[str, Any], rule: str):
    with pytest.raises(ValueError, match=rule):
        args(**changes)


@pytest.mark.parametrize(
    ("retries", "age_seconds", "rule"), [(3, 60, "from 0 to 2"), (1, 59, "from 60 to 21600 s")]
)
def test_retries_and_ages_outside_of_lambdas_limits_are_rejected(
    retries: int, age_seconds: int, rule: str
):
    with pytest.raises(ValueError, match=rule):
        AsynchronousInvocation(
            on_failure_queue_arn="arn:failures",
            maximum_retries=retries,
            maximum_event_age_seconds=age_seconds,
        )
