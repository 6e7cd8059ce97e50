"""The whole program, for every committed stack config, as `pulumi up` and as `pulumi preview`."""

import sys
from typing import Any

import pulumi
import pytest

from components.layers.wheels import host_architecture
from components.settings.config_problems import SettingsError
from local.program import committed_stacks, run_program, stack_config
from tests.components.engine import Engine, RecordingMonitor

# What no resource's inputs say: only AWS knows it, so a first preview cannot.
COMPUTED_OUTPUTS = {
    "audioQueueUrls",
    "managementEndpoint",
    "queueUrls",
    "userPoolClientId",
    "userPoolId",
    "websocketUrl",
}
HOST = {
    "lambdaRuntime": f"python3.{sys.version_info[1]}",
    "lambdaArchitecture": host_architecture(),
}


def run(
    stack: str, *, preview: bool = False, overrides: dict[str, Any] | None = None, name: str = ""
) -> tuple[Engine, dict[str, Any]]:
    """A stack's config (the local cloud's with the host's Python, as its runner sets it)."""
    engine = Engine(preview=preview)
    config = stack_config(stack, {**(HOST if stack == "local" else {}), **(overrides or {})})
    outputs = run_program(
        engine,
        stack=name or stack,
        config=config,
        preview=preview,
        monitor=RecordingMonitor(engine),
    )
    return engine, outputs


def test_staging_and_the_local_cloud_have_a_committed_config():
    assert {"local", "staging"} <= set(committed_stacks())


@pytest.mark.parametrize("stack", committed_stacks())
def test_the_program_makes_every_output(stack: str):
    _, outputs = run(stack)
    assert outputs.keys() == {
        *("websocketUrl", "managementEndpoint", "sessionsTable", "connectionsTable"),
        *("rateLimitsTable", "userPoolId", "userPoolClientId", "statusFunction", "statusRule"),
        *("functionNames", "queueUrls", "logGroupNames", "audioSlotsTable", "audioQueueUrls"),
    }
    prefix = f"live-sessions-{stack}"
    assert outputs["statusFunction"] == f"{prefix}-session-status"
    assert outputs["statusRule"] == f"{prefix}-status"
    assert outputs["functionNames"]["fan_out"] == f"{prefix}-fan-out"
    assert outputs["logGroupNames"]["fan_out"] == f"/aws/lambda/{prefix}-fan-out"
    assert outputs["queueUrls"]["statusTicks30s"].endswith(f"/{prefix}-status-ticks-30s")
    assert outputs["audioSlotsTable"] == f"{prefix}-audio-slots"
    slots = int(stack_config(stack)["live-sessions:audioSlots"])
    names = [url.rpartition("/")[2] for url in outputs["audioQueueUrls"]]
    assert names == [f"{prefix}-audio-{slot}" for slot in range(slots)]
    stage = outputs["websocketUrl"].rpartition("/")[2]
    assert outputs["websocketUrl"].startswith("wss://")
    assert outputs["managementEndpoint"] == outputs["websocketUrl"].replace("wss://", "https://")
    assert stage == stack_config(stack)["live-sessions:stageName"]


@pytest.mark.parametrize("stack", committed_stacks())
def test_a_preview_with_every_computed_output_unknown_plans_the_same_resources(stack: str):
    made, _ = run(stack)
    planned, outputs = run(stack, preview=True)
    assert {each.urn for each in planned.registered} == {each.urn for each in made.registered}
    assert {name for name, value in outputs.items() if value is None} == COMPUTED_OUTPUTS


def test_a_translation_pipeline_from_elsewhere_takes_the_place_of_the_stacks_own():
    arn = "arn:aws:lambda:eu-central-1:210987654321:function:captions"
    overrides = {"translationFunctionArn": arn}
    engine, outputs = run("staging", overrides=overrides)
    assert "translation" not in outputs["functionNames"]
    assert "translation" not in outputs["logGroupNames"]
    functions = {each["name"]: each for each in engine.inputs("lambda/function")}
    assert "live-sessions-staging-translation" not in functions
    processor = functions["live-sessions-staging-audio-processor"]
    assert processor["environment"]["variables"]["TRANSLATION_FUNCTION"] == arn
    planned, _ = run("staging", preview=True, overrides=overrides)
    assert {each.urn for each in planned.registered} == {each.urn for each in engine.registered}


def test_two_stacks_share_no_physical_name():
    one, _ = run("staging", name="one")
    two, _ = run("staging", name="two")
    assert physical_names(one).isdisjoint(physical_names(two))


def physical_names(engine: Engine) -> set[tuple[str, str]]:
    # An inline policy's name is unique within its role alone, which is named after the stack.
    return {
        (each.typ, each.inputs["name"])
        for each in engine.registered
        if "name" in each.inputs and not each.typ.endswith((":RolePolicy", ":Stage"))
    }


def test_a_stack_name_of_full_length_fits_every_physical_name():
    engine, _ = run("staging", name="x" * 32, overrides={"statusIntervalSeconds": 12})
    limits = {"Function": 64, "Role": 64, "EventRule": 64, "Queue": 80}
    seen: set[str] = set()
    for typ, name in physical_names(engine):
        kind = typ.rpartition(":")[2]
        seen.add(kind)
        assert len(name) <= limits.get(kind, 128), f"{kind} {name} is too long for AWS"
    assert set(limits) <= seen


def test_a_program_that_fails_says_why_and_leaves_the_next_run_alone():
    with pytest.raises(SettingsError, match="statusShards is '0'"):
        run("staging", overrides={"statusShards": 0})
    _, outputs = run("staging")
    assert outputs["sessionsTable"] == "live-sessions-staging-sessions"


def test_a_resource_that_fails_ends_the_run_with_its_own_error():
    class Broken(Engine):
        def new_resource(self, args: pulumi.runtime.MockResourceArgs):
            if args.typ == "aws:apigatewayv2/stage:Stage":
                raise RuntimeError("no stage today")
            return super().new_resource(args)

    with pytest.raises(RuntimeError, match="no stage today"):
        run_program(Broken(), stack="staging", config=stack_config("staging"))


def test_a_resource_that_hangs_ends_the_run():
    engine = Engine()
    with engine.lock, pytest.raises(TimeoutError):
        run_program(
            engine,
            stack="staging",
            config=stack_config("staging"),
            timeout_seconds=1,
            monitor=RecordingMonitor(engine),
        )


def test_settings_reach_the_resources_they_are_about():
    engine, _ = run(
        "staging",
        overrides={
            "region": "eu-west-1",
            "logRetentionDays": 14,
            "logLevel": "DEBUG",
            "lambdaArchitecture": "x86_64",
            "reservedConcurrency": ["connection=20", "audio_processor=3"],
            "throttlingRateLimit": 77,
            "throttlingBurstLimit": 33,
            "accessLogs": False,
            "manageApiGatewayAccount": False,
            "pointInTimeRecovery": False,
            "deletionProtection": False,
            "maxListenersPerSession": 50,
            "connectionsPerAddressPerMinute": 7,
            "statusIntervalSeconds": 60,
            "audioSlots": 3,
            "audioChunksPerSecond": 9,
            "partialCaptions": "always",
            "partialResultsStability": "low",
            "existingUserPoolId": "eu-west-1_AbCdEfGhI",
            "existingUserPoolClientId": "client123",
            "tags": ["Team=speech"],
        },
    )
    (provider,) = [each for each in engine.registered if each.typ == "pulumi:providers:aws"]
    assert provider.inputs["region"] == "eu-west-1"
    assert '"Team": "speech"' in provider.inputs["defaultTags"]
    assert {each["retentionInDays"] for each in engine.inputs("cloudwatch/logGroup")} == {14}
    functions = {each["name"]: each for each in engine.inputs("lambda/function")}
    assert {tuple(each["architectures"]) for each in functions.values()} == {("x86_64",)}
    connection = functions["live-sessions-staging-connection"]
    assert connection["reservedConcurrentExecutions"] == 20
    assert connection["environment"]["variables"]["POWERTOOLS_LOG_LEVEL"] == "DEBUG"
    assert connection["environment"]["variables"]["MAX_LISTENERS_PER_SESSION"] == "50"
    assert connection["environment"]["variables"]["CONNECTIONS_PER_ADDRESS_PER_MINUTE"] == "7"
    processor = functions["live-sessions-staging-audio-processor"]
    assert processor["reservedConcurrentExecutions"] == 3
    assert processor["environment"]["variables"]["AUDIO_CHUNKS_PER_SECOND"] == "9"
    assert processor["environment"]["variables"]["PARTIAL_CAPTIONS"] == "always"
    assert processor["environment"]["variables"]["PARTIAL_RESULTS_STABILITY"] == "low"
    ingest = functions["live-sessions-staging-audio-ingest"]
    assert ingest["environment"]["variables"]["AUDIO_SLOTS"] == "3"
    stage = engine.only("apigatewayv2/stage")
    assert stage["defaultRouteSettings"]["throttlingRateLimit"] == 77
    assert stage["defaultRouteSettings"]["throttlingBurstLimit"] == 33
    assert "accessLogSettings" not in stage
    for table in engine.inputs("dynamodb/table"):
        assert table["pointInTimeRecovery"] == {"enabled": False}
        assert table["deletionProtectionEnabled"] is False
    assert engine.inputs("cognito/userPool") == []
    assert [each["name"] for each in engine.inputs("sqs/queue") if "ticks" in each["name"]] == []
