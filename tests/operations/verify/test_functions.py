"""Functions and their log groups as Lambda and CloudWatch Logs tell of them."""

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
    "maximumRetryAttempts": 0,
    "maximumEventAgeInSeconds": 60,
    "destinationConfig": {"onFailure": {"destination": QUEUE}},
}
LIVE_ASYNCHRONOUS = {
    "MaximumRetryAttempts": 0,
    "MaximumEventAgeInSeconds": 60,
    "DestinationConfig": {"OnSuccess": {}, "OnFailure": {"Destination": QUEUE}},
}
Answer = Mapping[str, Any] | Callable[..., Mapping[str, Any]]


def verdicts(
    live: Mapping[str, Any] | None = None,
    *,
    concurrency: int | None = None,
    asynchronous: Answer = LIVE_ASYNCHRONOUS,
    retention: Mapping[str, Any] | None = None,
    **inputs: Any,
) -> list[Verdict]:
    function: dict[str, Any] = {"Configuration": {**LIVE, **(live or {})}}
    if concurrency is not None:
        function["Concurrency"] = {"ReservedConcurrentExecutions": concurrency}
    kept = {"retentionInDays": 7} if retention is None else retention
    groups = [{"logGroupName": "/status", **kept}, {"logGroupName": "/status-more"}]
    aws = Service(
        get_function=function,
        get_function_event_invoke_config=asynchronous,
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
    """What was wrong with the one function."""
    [verdict, logs] = verdicts(*arguments, **named)
    assert (verdict.subject, verdict.result) == ("function status", Result.WRONG)
    assert verdict.way_out
    assert logs.result is Result.RIGHT
    return verdict.seen


def test_a_function_as_declared_is_right_whatever_its_layers_versions_ids_and_addresses() -> None:
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
def test_a_setting_that_is_other_than_declared_is_found(change: dict[str, Any]) -> None:
    assert fault(change).startswith(f"{next(iter(change))} is ")


def test_a_function_that_was_idle_for_long_is_in_order() -> None:
    function, _ = verdicts({"State": "Inactive"})
    assert function.result is Result.RIGHT


def test_layers_and_tracing_that_are_others_are_found() -> None:
    assert fault({"Layers": LIVE["Layers"][:1]}).startswith("layers is ['shared'], declared is ")
    assert fault({"TracingConfig": {"Mode": "PassThrough"}}).startswith("tracing is ")


@pytest.mark.parametrize(
    ("variables", "seen"),
    [
        ({"INTERVAL": None}, "lacks the variable INTERVAL"),
        ({"SECRET": "hunter2"}, "has the undeclared variable SECRET"),
        ({"INTERVAL": "hunter2"}, "has another value than declared in INTERVAL"),
    ],
)
def test_variables_that_are_others_are_named_without_their_values(
    variables: dict[str, Any], seen: str
) -> None:
    changed = {**LIVE["Environment"]["Variables"], **variables}
    kept = {name: value for name, value in changed.items() if value is not None}
    assert fault({"Environment": {"Variables": kept}}) == seen


def test_a_function_whose_concurrency_is_taken_never_runs_and_is_found() -> None:
    assert "is 0: it never runs; declared is none" in fault(concurrency=0)
    assert fault(concurrency=5).endswith("is 5, declared is none")
    assert fault(reservedConcurrentExecutions=5).endswith("is none, declared is 5")
    [function, _] = verdicts(concurrency=5, reservedConcurrentExecutions=5)
    assert function.result is Result.RIGHT


def test_what_becomes_of_failed_calls_is_compared() -> None:
    assert fault(asynchronous=missing).startswith("has no settings for asynchronous calls")
    for change, name in (
        ({"MaximumRetryAttempts": 2}, "MaximumRetryAttempts"),
        ({"MaximumEventAgeInSeconds": 21_600}, "MaximumEventAgeInSeconds"),
        ({"DestinationConfig": {"OnFailure": {}}}, "onFailure"),
    ):
        assert fault(asynchronous=LIVE_ASYNCHRONOUS | change).startswith(f"{name} is ")


def test_settings_for_asynchronous_calls_that_nobody_declared_are_found() -> None:
    [verdict, _] = verdicts(name="another")
    assert verdict.seen == "has settings for asynchronous calls, which the program does not declare"


def test_a_function_that_is_gone_is_found() -> None:
    aws = Service(get_function=missing)
    context = context_of(declared(FUNCTION, "one", **INPUTS), client=lambda service: aws)
    assert [each.seen for each in functions(context)] == ["does not exist"]


def test_lines_that_are_kept_otherwise_than_declared_are_found() -> None:
    for retention, seen in (
        ({}, "keeps lines for ever, declared is for 7 days"),
        ({"retentionInDays": 30}, "keeps lines for 30 days, declared is for 7 days"),
        ({"logGroupName": "/another"}, "does not exist"),
    ):
        [_, verdict] = verdicts(retention=retention)
        assert (verdict.subject, verdict.seen) == ("log group /status", seen)
        assert verdict.result is Result.WRONG
