"""Functions and their log groups, as Lambda and CloudWatch Logs return them."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from operations.verify.checks import functions
from operations.verify.checks.functions import INVOKE_CONFIG, LOG_GROUP
from operations.verify.context import FUNCTION
from operations.verify.verdicts import Result, Verdict
from tests.operations.verify.contexts import Service, context_of, declared, missing

ARN = "arn:aws:lambda:eu-central-1:998877665544"
ROLE = "arn:aws:iam::998877665544:role/status"
QUEUE = "arn:aws:sqs:eu-central-1:998877665544:failures"
CONFIG = {
    "live-sessions:lambdaRuntime": "python3.13",
    "live-sessions:lambdaArchitecture": "arm64",
}
INPUTS = {
    "name": "status",
    "role": ROLE,
    "handler": "status.handler",
    "timeout": 10,
    "memorySize": 256,
    "runtime": "python3.11",
    "architectures": ["x86_64"],
    "layers": [f"{ARN}:layer:shared:1", f"{ARN}:layer:tokens:1"],
    "tracingConfig": {"mode": "Active"},
    "environment": {
        "variables": {"INTERVAL": "30", "POOL": "the-pool-id", "QUEUE": "https://sqs/made-up"}
    },
}
LIVE = {
    "Role": ROLE,
    "Handler": "status.handler",
    "Timeout": 10,
    "MemorySize": 256,
    "Runtime": "python3.13",
    "Architectures": ["arm64"],
    "Layers": [{"Arn": f"{ARN}:layer:shared:17"}, {"Arn": f"{ARN}:layer:tokens:4"}],
    "TracingConfig": {"Mode": "Active"},
    "State": "Active",
    "LastUpdateStatus": "Successful",
    "Environment": {
        "Variables": {"INTERVAL": "30", "POOL": "eu-central-1_x", "QUEUE": "https://sqs/real"}
    },
}
ASYNCHRONOUS = {
    "functionName": "status",
    "qualifier": "live",
    "maximumRetryAttempts": 0,
    "maximumEventAgeInSeconds": 60,
    "destinationConfig": {"onFailure": {"destination": QUEUE}},
}
LIVE_ASYNCHRONOUS = {
    "FunctionArn": f"{ARN}:function:status:live",
    "MaximumRetryAttempts": 0,
    "MaximumEventAgeInSeconds": 60,
    "DestinationConfig": {"OnSuccess": {}, "OnFailure": {"Destination": QUEUE}},
}


def of_alias(answer: Mapping[str, Any]) -> Callable[..., Mapping[str, Any]]:
    """Answers for the alias alone: everything else is not what is invoked."""

    def configuration(**asked: Any) -> Mapping[str, Any]:
        assert asked == {"FunctionName": "status", "Qualifier": "live"}
        return answer

    return configuration


def verdicts(
    live: Mapping[str, Any] | None = None,
    *,
    concurrency: int | None = None,
    alias: Mapping[str, Any] | None = None,
    asynchronous: tuple[Mapping[str, Any], ...] = (LIVE_ASYNCHRONOUS,),
    retention: Mapping[str, Any] | None = None,
    **inputs: Any,
) -> list[Verdict]:
    reserved = {} if concurrency is None else {"ReservedConcurrentExecutions": concurrency}
    kept = {"retentionInDays": 7} if retention is None else retention
    groups = [{"logGroupName": "/status", **kept}, {"logGroupName": "/status-more"}]
    aws = Service(
        get_alias={"FunctionVersion": "7", **(alias or {})},
        get_function_configuration=of_alias({**LIVE, **(live or {})}),
        get_function_concurrency=reserved,
        list_function_event_invoke_configs={"FunctionEventInvokeConfigs": asynchronous},
        describe_log_groups={"logGroups": groups},
    )
    context = context_of(
        declared("aws:cognito/userPool:UserPool", "the-pool"),
        declared(FUNCTION, "status-function", **{**INPUTS, **inputs}),
        declared(INVOKE_CONFIG, "status-calls", **ASYNCHRONOUS),
        declared(LOG_GROUP, "status-logs", name="/status", retentionInDays=7),
        client=lambda service: aws,
        config=CONFIG,
    )
    return list(functions(context))


def fault(*arguments: Any, **named: Any) -> str:
    """The fault of the one function."""
    [verdict, logs] = verdicts(*arguments, **named)
    assert (verdict.subject, verdict.result) == ("function status", Result.WRONG)
    assert verdict.way_out
    assert logs.result is Result.RIGHT
    return verdict.seen


def test_a_function_as_declared_is_right_with_any_layer_versions_ids_and_urls() -> None:
    function, logs = verdicts()
    assert (function.result, function.seen) == (Result.RIGHT, "1 as declared")
    assert (logs.result, logs.seen) == (Result.RIGHT, "1 keep their lines as long as declared")


@pytest.mark.parametrize(
    "change",
    [
        {"Role": ROLE + "-other"},
        {"Handler": "other.handler"},
        {"Timeout": 3},
        {"MemorySize": 128},
        {"Runtime": "python3.11"},
        {"Architectures": ["x86_64"]},
        {"State": "Failed"},
        {"LastUpdateStatus": "Failed"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_setting_that_differs_is_reported(change: dict[str, Any]) -> None:
    assert fault(change).startswith(f"{next(iter(change))} is ")


def test_an_inactive_function_is_right() -> None:
    function, _ = verdicts({"State": "Inactive"})
    assert function.result is Result.RIGHT


def test_layers_and_tracing_that_differ_are_reported() -> None:
    assert fault({"Layers": LIVE["Layers"][:1]}).startswith("layers is ['shared'], declared is ")
    assert fault({"TracingConfig": {"Mode": "PassThrough"}}).startswith("tracing is ")


@pytest.mark.parametrize(
    ("variables", "seen"),
    [
        ({"INTERVAL": None}, "lacks the variable INTERVAL"),
        ({"SECRET": "hunter2"}, "has the undeclared variable SECRET"),
        ({"INTERVAL": "hunter2"}, "has a value other than declared in INTERVAL"),
    ],
)
def test_variables_that_differ_are_named_without_their_values(
    variables: dict[str, Any], seen: str
) -> None:
    changed = {**LIVE["Environment"]["Variables"], **variables}
    kept = {name: value for name, value in changed.items() if value is not None}
    assert fault({"Environment": {"Variables": kept}}) == seen


def test_a_reserved_concurrency_of_0_is_reported() -> None:
    assert "is 0: it never runs; declared is none" in fault(concurrency=0)
    assert fault(concurrency=5).endswith("is 5, declared is none")
    assert fault(reservedConcurrentExecutions=5).endswith("is none, declared is 5")
    [function, _] = verdicts(concurrency=5, reservedConcurrentExecutions=5)
    assert function.result is Result.RIGHT


def test_snapshots_that_differ_are_reported() -> None:
    applied = {"SnapStart": {"ApplyOn": "PublishedVersions", "OptimizationStatus": "On"}}
    assert fault(applied).startswith("snapshots is 'PublishedVersions', declared is 'None'")
    [function, _] = verdicts(applied, snapStart={"applyOn": "PublishedVersions"})
    assert function.result is Result.RIGHT


def test_an_alias_that_is_on_two_versions_is_reported() -> None:
    shared = {"RoutingConfig": {"AdditionalVersionWeights": {"6": 0.1}}}
    assert fault(alias=shared) == "its alias live also sends to version 6"


def test_the_settings_for_asynchronous_invocations_are_compared() -> None:
    settings = "settings for asynchronous invocations by live"
    assert fault(asynchronous=()) == f"lacks the declared {settings}"
    for change, name in (
        ({"MaximumRetryAttempts": 2}, "MaximumRetryAttempts"),
        ({"MaximumEventAgeInSeconds": 21_600}, "MaximumEventAgeInSeconds"),
        ({"DestinationConfig": {"OnFailure": {}}}, "onFailure"),
    ):
        found = fault(asynchronous=(LIVE_ASYNCHRONOUS | change,))
        assert found.startswith(f"its {settings}: {name} is ")


@pytest.mark.parametrize(("arn", "by"), [("", ""), (":$LATEST", ""), (":7", " by 7")])
def test_undeclared_settings_for_asynchronous_invocations_are_reported(arn: str, by: str) -> None:
    other = LIVE_ASYNCHRONOUS | {"FunctionArn": f"{ARN}:function:status{arn}"}
    found = verdicts(asynchronous=(LIVE_ASYNCHRONOUS, other))
    assert found[0].seen == (
        f"has settings for asynchronous invocations{by}, which the program does not declare"
    )


@pytest.mark.parametrize("operation", ["get_alias", "get_function_configuration"])
def test_a_missing_function_or_alias_is_reported(operation: str) -> None:
    aws = Service(**{"get_alias": {}, operation: missing})
    context = context_of(declared(FUNCTION, "one", **INPUTS), client=lambda service: aws)
    assert [each.seen for each in functions(context)] == ["does not exist, or has no alias live"]


def test_another_log_retention_is_reported() -> None:
    for retention, seen in (
        ({}, "keeps lines forever, declared is for 7 days"),
        ({"retentionInDays": 30}, "keeps lines for 30 days, declared is for 7 days"),
        ({"logGroupName": "/another"}, "does not exist"),
    ):
        [_, verdict] = verdicts(retention=retention)
        assert (verdict.subject, verdict.seen) == ("log group /status", seen)
        assert verdict.result is Result.WRONG
