"""The whole program, for every committed stack config, as `pulumi up` and as `pulumi preview`."""

from collections import Counter

import pulumi
import pytest

from components.settings import SettingsError
from program.engine import Engine, RecordingMonitor
from program.run import run_program
from program.stack_config import committed_stacks, stack_config
from tests.contracts.program_runs import EVERYTHING, LEAN, STACKS, run, run_afresh, run_named

# Computed by AWS, so unknown in a first preview.
COMPUTED_OUTPUTS = {
    "alarmTopicArn",
    "audioQueueUrls",
    "managementEndpoint",
    "queueUrls",
    "speakerAudiences",
    "speakerIssuer",
    "userPoolClientId",
    "userPoolId",
    "websocketUrl",
}
EXECUTE_API = "abc123.execute-api.us-east-1.amazonaws.com/staging"


def test_staging_production_and_the_local_cloud_have_a_committed_config():
    assert {"local", "production", "staging"} <= set(committed_stacks())


@pytest.mark.parametrize("stack", committed_stacks())
def test_the_program_makes_every_output(stack: str):
    outputs, config = run(stack).outputs, stack_config(stack)
    assert outputs.keys() == {
        *("websocketUrl", "managementEndpoint", "sessionsTable", "connectionsTable"),
        *("rateLimitsTable", "userPoolId", "userPoolClientId", "statusFunction", "statusRule"),
        *("speakerIssuer", "speakerAudiences"),
        *("functionNames", "queueUrls", "logGroupNames", "audioSlotsTable", "audioQueueUrls"),
        "captionsTable",
        "alarmTopicArn",
        *(("dashboardName",) if config["live-sessions:dashboard"] == "true" else ()),
        *(("transcriptsBucket",) if config["live-sessions:transcripts"] == "true" else ()),
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


@pytest.mark.parametrize("stack", STACKS)
def test_a_preview_with_every_computed_output_unknown_plans_the_same_resources(stack: str):
    made = run_named(stack)
    if stack == "everything":
        planned = run("staging", EVERYTHING, preview=True)
        # The custom domain comes from config; the name that it points to comes from AWS.
        of_pages = {"webPagesDistributionId", "webPagesDistributionDomain"}
        unknown = COMPUTED_OUTPUTS - {"websocketUrl"} | {"domainTarget"} | of_pages
    else:
        planned, unknown = run(stack, preview=True), COMPUTED_OUTPUTS
    assert {each.urn for each in planned.engine.registered} == {
        each.urn for each in made.engine.registered
    }
    assert {name for name, value in planned.outputs.items() if value is None} == unknown


def test_clients_use_the_custom_domain_and_functions_the_execute_api_endpoint():
    made = run_named("everything")
    assert made.outputs["websocketUrl"] == "wss://live.example.com"
    assert made.outputs["domainTarget"] == "d-abc123.execute-api.us-east-1.amazonaws.com"
    # Functions post there, and their roles allow only that endpoint.
    assert made.outputs["managementEndpoint"] == f"https://{EXECUTE_API}"
    endpoints = [
        each["environment"]["variables"].get("API_GATEWAY_ENDPOINT")
        for each in made.engine.inputs("lambda/function")
    ]
    # The authorizer and the function that writes transcripts send no posts.
    assert Counter(endpoints) == {f"https://{EXECUTE_API}": 11, None: 2}
    assert "disableExecuteApiEndpoint" not in made.engine.only("apigatewayv2/api")
    mapping = made.engine.only("apigatewayv2/apiMapping")
    assert (mapping["apiId"], mapping["stage"]) == ("api-api-id", "staging")


def test_the_domain_is_mapped_after_the_stage_exists():
    (mapping,) = run_named("everything").engine.of_type("apigatewayv2/apiMapping").values()
    assert "api-stage-stage" in mapping.depends_on


def test_a_stack_without_a_domain_has_no_domain_resources():
    made = run_named("staging")
    assert "domainTarget" not in made.outputs
    for typ in ("apigatewayv2/domainName", "apigatewayv2/apiMapping", "route53/record"):
        assert made.engine.inputs(typ) == []
    assert made.engine.inputs("acm/certificate") == []


def test_a_stack_without_alarms_and_dashboard_has_none_of_their_resources():
    made = run("staging", LEAN)
    assert not {"alarmTopicArn", "dashboardName"} & made.outputs.keys()
    for typ in ("cloudwatch/metricAlarm", "cloudwatch/dashboard", "sns/topic", "kms/key"):
        assert made.engine.inputs(typ) == []


def test_an_external_translation_function_replaces_the_stacks_own():
    arn = "arn:aws:lambda:eu-central-1:210987654321:function:captions"
    overrides = {**LEAN, "translationFunctionArn": arn}
    made = run("staging", overrides)
    engine, outputs = made.engine, made.outputs
    assert "translation" not in outputs["functionNames"]
    assert "translation" not in outputs["logGroupNames"]
    functions = {each["name"]: each for each in engine.inputs("lambda/function")}
    assert "live-sessions-staging-translation" not in functions
    processor = functions["live-sessions-staging-audio-processor"]
    assert processor["environment"]["variables"]["TRANSLATION_FUNCTION"] == arn
    planned = run("staging", overrides, preview=True)
    assert {each.urn for each in planned.engine.registered} == {
        each.urn for each in engine.registered
    }


def physical_names(engine: Engine) -> set[tuple[str, str]]:
    # An inline policy's name is unique within its role, and the role is named after the stack.
    return {
        (each.typ, each.inputs["name"])
        for each in engine.registered
        if "name" in each.inputs and not each.typ.endswith((":RolePolicy", ":Stage"))
    }


def test_a_stack_name_of_full_length_fits_every_physical_name():
    engine = run("staging", {"statusIntervalSeconds": 12}, name="x" * 32).engine
    limits = {"Function": 64, "Role": 64, "EventRule": 64, "Queue": 80}
    seen: set[str] = set()
    for typ, name in physical_names(engine):
        kind = typ.rpartition(":")[2]
        seen.add(kind)
        assert len(name) <= limits.get(kind, 128), f"{kind} {name} is too long for AWS"
    assert set(limits) <= seen


def test_a_failing_program_says_why_and_does_not_affect_the_next_run():
    with pytest.raises(SettingsError, match="statusShards is '0'"):
        run("staging", {"statusShards": 0})
    assert (
        run_afresh("staging", LEAN, name="staging").outputs["sessionsTable"]
        == "live-sessions-staging-sessions"
    )


def test_a_failing_resource_ends_the_run_with_its_error():
    class Broken(Engine):
        def new_resource(self, args: pulumi.runtime.MockResourceArgs):
            if args.typ == "aws:apigatewayv2/stage:Stage":
                raise RuntimeError("no stage today")
            return super().new_resource(args)

    with pytest.raises(RuntimeError, match="no stage today"):
        run_program(Broken(), stack="staging", config=stack_config("staging", LEAN))


def test_a_resource_that_hangs_ends_the_run():
    engine = Engine()
    with engine.lock, pytest.raises(TimeoutError):
        run_program(
            engine,
            stack="staging",
            config=stack_config("staging", LEAN),
            timeout_seconds=1,
            monitor=RecordingMonitor(engine),
        )


def test_settings_reach_the_resources_they_configure():
    engine = run(
        "staging",
        {
            **LEAN,
            "region": "eu-west-1",
            "logRetentionDays": 14,
            "logLevel": "DEBUG",
            "lambdaArchitecture": "x86_64",
            "reservedConcurrency": ["connection=20", "audio_processor=3"],
            "throttlingRateLimit": 77,
            "throttlingBurstLimit": 33,
            "pointInTimeRecovery": False,
            "deletionProtection": False,
            "maxListenersPerSession": 50,
            "connectionsPerAddressPerMinute": 7,
            "audioSlots": 3,
            "audioChunksPerSecond": 9,
            "partialCaptions": "always",
            "partialResultsStability": "low",
            "existingUserPoolId": "eu-west-1_AbCdEfGhI",
            "existingUserPoolClientId": "client123",
            "tags": ["Team=speech"],
        },
    ).engine
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
