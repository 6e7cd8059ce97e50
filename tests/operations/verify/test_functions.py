"""Functions and their log groups, as Lambda and CloudWatch Logs return them."""

import base64
import io
import zipfile
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pulumi
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
SOURCE = "def handler(event, context): ..."
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
        "variables": {
            "INTERVAL": "30",
            "ISSUER": "https://cognito/the-pool-id",
            "KEY": "the-key-id",
            "QUEUE": "https://sqs/queue",
        }
    },
    "code": pulumi.AssetArchive({"status.py": pulumi.StringAsset(SOURCE)}),
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
        "Variables": {
            "INTERVAL": "30",
            "ISSUER": "https://cognito/eu-central-1_x",
            "KEY": "assigned-by-aws",
            "QUEUE": "https://sqs/queue",
        }
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
FILES = {"status.py": SOURCE}
# What is asked for the function without its alias is not what is invoked.
OF_ALIAS = {"FunctionName": "status", "Qualifier": "live"}
VERSION = {
    "get_alias": {"FunctionVersion": "7"},
    "list_versions_by_function": {"Versions": [{"Version": "$LATEST"}, {"Version": "7"}]},
    "get_function_configuration": LIVE,
}


def verdicts(
    live: Mapping[str, Any] | None = None,
    *,
    concurrency: int | None = None,
    asynchronous: tuple[Mapping[str, Any], ...] = (LIVE_ASYNCHRONOUS,),
    retention: Mapping[str, Any] | None = None,
    code: Mapping[str, str] | str | None = None,
    emulator_url: str | None = None,
    **inputs: Any,
) -> list[Verdict]:
    """`code` is the live archive's files, or where the code is said to be."""

    def get_function(**asked: Any) -> Mapping[str, Any]:
        assert asked == OF_ALIAS
        where = code if isinstance(code, str) else location(code or FILES)
        return {"Configuration": {**LIVE, **(live or {})}, "Code": {"Location": where}}

    reserved = {} if concurrency is None else {"ReservedConcurrentExecutions": concurrency}
    kept = {"retentionInDays": 7} if retention is None else retention
    groups = [{"logGroupName": "/status", **kept}, {"logGroupName": "/status-more"}]
    aws = Service(
        **VERSION,
        get_function=get_function,
        get_function_concurrency=reserved,
        list_function_event_invoke_configs={"FunctionEventInvokeConfigs": asynchronous},
        describe_log_groups={"logGroups": groups},
    )
    context = context_of(
        declared("aws:cognito/userPool:UserPool", "the-pool"),
        declared("aws:kms/key:Key", "the-key"),
        declared(FUNCTION, "status-function", **{**INPUTS, **inputs}),
        declared(INVOKE_CONFIG, "status-calls", **ASYNCHRONOUS),
        declared(LOG_GROUP, "status-logs", name="/status", retentionInDays=7),
        client=lambda service: aws,
        config=CONFIG,
        userPoolId="eu-central-1_x",
        **({"emulatorUrl": emulator_url} if emulator_url else {}),
    )
    return list(functions(context))


def location(files: Mapping[str, str]) -> str:
    """A URL of a zip file with these files."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as code:
        for name, text in files.items():
            code.writestr(name, text)
    return "data:application/zip;base64," + base64.b64encode(archive.getvalue()).decode()


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
        ({"QUEUE": "https://sqs/hunter2"}, "has a value other than declared in QUEUE"),
        ({"ISSUER": "https://cognito/hunter2"}, "has a value other than declared in ISSUER"),
    ],
)
def test_variables_that_differ_are_named_without_their_values(
    variables: dict[str, Any], seen: str
) -> None:
    changed = {**LIVE["Environment"]["Variables"], **variables}
    kept = {name: value for name, value in changed.items() if value is not None}
    assert fault({"Environment": {"Variables": kept}}) == seen


def test_an_emulators_own_urls_and_ids_in_no_output_are_not_compared() -> None:
    emulator = "http://127.0.0.1:4566"
    variables = {**LIVE["Environment"]["Variables"], "QUEUE": f"{emulator}/1/queue", "KEY": "other"}
    function, _ = verdicts({"Environment": {"Variables": variables}}, emulator_url=emulator)
    assert function.result is Result.RIGHT


def test_functions_with_different_versions_of_a_layer_are_reported() -> None:
    def get_function(*, FunctionName: str, Qualifier: str) -> dict[str, Any]:
        version = 18 if FunctionName == "another" else 17
        layers = [{"Arn": f"{ARN}:layer:shared:{version}"}, LIVE["Layers"][1]]
        return {
            "Configuration": {**LIVE, "Layers": layers},
            "Code": {"Location": location(FILES)},
        }

    aws = Service(
        **VERSION,
        get_function=get_function,
        get_function_concurrency={},
        list_function_event_invoke_configs={"FunctionEventInvokeConfigs": ()},
    )
    context = context_of(
        *(declared(FUNCTION, name, **{**INPUTS, "name": name}) for name in ("status", "another")),
        client=lambda service: aws,
        config=CONFIG,
        userPoolId="eu-central-1_x",
    )
    verdicts = {each.subject: each.seen for each in functions(context)}
    assert verdicts["layer shared"] == "status has version 17; another has version 18"


@pytest.mark.parametrize(
    ("files", "seen"),
    [
        ({"status.py": "import os"}, "its code differs in status.py"),
        ({**FILES, "more.py": ""}, "its code has the undeclared more.py"),
        ({"other.py": SOURCE}, "its code lacks status.py; has the undeclared other.py"),
    ],
)
def test_code_that_is_not_the_programs_is_reported(files: dict[str, str], seen: str) -> None:
    assert fault(code=files) == seen


def test_bytecode_and_folders_in_the_live_archive_are_no_difference() -> None:
    more = {**FILES, "folder/": "", "__pycache__/status.cpython-313.pyc": "any"}
    function, _ = verdicts(code=more)
    assert function.result is Result.RIGHT


@pytest.mark.parametrize("where", ["data:text/plain,no-zip", "file:///nowhere/code.zip", "nowhere"])
def test_code_that_cannot_be_read_could_not_be_checked(where: str) -> None:
    [verdict, _] = verdicts(code=where)
    assert verdict.result is Result.NOT_CHECKED
    assert verdict.seen.startswith("its code cannot be read: ")


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


def test_a_missing_function_or_alias_is_reported() -> None:
    aws = Service(get_function=missing)
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


def rolled_back(newest: Mapping[str, Any] | None = None, *, on: str = "6") -> list[Verdict]:
    """The verdicts where version 6 was chosen by a rollback and 7 is the newest."""

    def get_function(*, FunctionName: str, Qualifier: str) -> Mapping[str, Any]:
        assert Qualifier == "7", "version 6 has the code of another commit"
        return {
            "Configuration": {**LIVE, **(newest or {})},
            "Code": {"Location": location(FILES)},
        }

    versions = ("$LATEST", "6", "7")
    aws = Service(
        get_alias={"FunctionVersion": on},
        list_versions_by_function={"Versions": [{"Version": each} for each in versions]},
        get_function_configuration=LIVE,
        get_function=get_function,
        get_function_concurrency={},
        list_function_event_invoke_configs={"FunctionEventInvokeConfigs": (LIVE_ASYNCHRONOUS,)},
    )
    context = context_of(
        declared("aws:cognito/userPool:UserPool", "the-pool"),
        declared("aws:kms/key:Key", "the-key"),
        declared(FUNCTION, "status-function", **INPUTS),
        declared(INVOKE_CONFIG, "status-calls", **ASYNCHRONOUS),
        client=lambda service: aws,
        config=CONFIG,
        userPoolId="eu-central-1_x",
    )
    return list(
        functions(replace(context, chosen_versions={"status": "6"}, chosen_release="1a788f3"))
    )


def test_after_a_rollback_the_newest_version_is_compared_and_the_release_is_named() -> None:
    declared, release = rolled_back()
    assert (declared.result, declared.seen) == (Result.RIGHT, "1 as declared")
    assert (release.result, release.subject) == (Result.RIGHT, "rollback")
    assert release.seen.startswith("1a788f3 serves in 1 function, ")


def test_after_a_rollback_a_changed_newest_version_and_a_moved_alias_are_reported() -> None:
    [changed, _] = rolled_back({"Timeout": 3})
    assert changed.seen == "Timeout is 3, declared is 10"
    [moved, _] = rolled_back(on="7")
    assert moved.seen == "its alias live is on version 7, expected is 6"
