"""The sizes of the committed stacks: production has at least what staging has."""

import json

import pytest

from tests.contracts.program_runs import ProgramRun, run_named

NUMBERS = (
    *("logRetentionDays", "statusShards", "maxListenersPerSession", "audioSlots"),
    *("throttlingRateLimit", "throttlingBurstLimit", "sessionMaxDurationHours"),
)
SWITCHES = (
    *("alarms", "dashboard", "routeMetrics", "tracing", "accessLogs"),
    *("pointInTimeRecovery", "deletionProtection", "periodicStatus"),
)
# Transcribe's streams per account and Region, unless raised:
# https://docs.aws.amazon.com/transcribe/latest/dg/limits-guidelines.html
STREAMS = 25
# https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html
REQUESTS_PER_SECOND = 10_000


@pytest.fixture(scope="module")
def production() -> ProgramRun:
    return run_named("production")


@pytest.fixture(scope="module")
def staging() -> ProgramRun:
    return run_named("staging")


@pytest.mark.parametrize("key", NUMBERS)
def test_production_has_at_least_as_much_as_staging(
    production: ProgramRun, staging: ProgramRun, key: str
):
    assert int(production.config[key]) >= int(staging.config[key])


@pytest.mark.parametrize("key", SWITCHES)
def test_production_has_everything_that_staging_has(
    production: ProgramRun, staging: ProgramRun, key: str
):
    assert production.is_on(key) or not staging.is_on(key)


def test_staging_and_production_differ_in_these_settings(
    production: ProgramRun, staging: ProgramRun
):
    differing = {key for key in production.config if production.config[key] != staging.config[key]}
    assert differing >= {
        *("logRetentionDays", "statusShards", "audioSlots", "reservedConcurrency", "dashboard"),
        *("throttlingRateLimit", "throttlingBurstLimit", "routeMetrics", "stageName", "tags"),
    }


def test_the_sizes_of_stack_config_are_in_the_graph(production: ProgramRun, staging: ProgramRun):
    reserved = {
        each["name"].removeprefix("live-sessions-production-"): each["reservedConcurrentExecutions"]
        for each in production.engine.inputs("lambda/function")
        if "reservedConcurrentExecutions" in each
    }
    configured = dict(
        pair.split("=") for pair in json.loads(production.config["reservedConcurrency"])
    )
    assert reserved == {name.replace("_", "-"): int(number) for name, number in configured.items()}
    assert reserved, "a burst of listeners could take what speakers need"
    assert not any(
        "reservedConcurrentExecutions" in each for each in staging.engine.inputs("lambda/function")
    )
    for stack in (production, staging):
        settings = stack.engine.only("apigatewayv2/stage")["defaultRouteSettings"]
        assert settings["throttlingRateLimit"] == int(stack.config["throttlingRateLimit"])
        assert settings["throttlingBurstLimit"] == int(stack.config["throttlingBurstLimit"])
        assert settings["detailedMetricsEnabled"] is stack.is_on("routeMetrics")
        dashboards = stack.engine.inputs("cloudwatch/dashboard")
        assert len(dashboards) == stack.is_on("dashboard")
        queues = [each["name"] for each in stack.engine.inputs("sqs/queue")]
        slots = [name for name in queues if name.startswith(f"live-sessions-{stack.name}-audio-")]
        assert len(slots) == int(stack.config["audioSlots"]) + len(["failures"])


def test_reserved_concurrency_is_enough_for_shards_and_slots(production: ProgramRun):
    reserved = dict(
        pair.split("=") for pair in json.loads(production.config["reservedConcurrency"])
    )
    shards, slots = int(production.config["statusShards"]), int(production.config["audioSlots"])
    assert int(reserved["session_status"]) >= shards, "a tick's shards run at once"
    assert int(reserved["audio_processor"]) >= slots, "every slot's processor runs at once"


def test_staging_and_production_together_fit_the_accounts_quotas(
    production: ProgramRun, staging: ProgramRun
):
    assert production.config["region"] == staging.config["region"]
    both = (production, staging)
    assert sum(int(each.config["audioSlots"]) for each in both) <= STREAMS
    limits = sum(int(each.config["throttlingRateLimit"]) for each in both)
    assert limits <= REQUESTS_PER_SECOND


def test_tracing_reaches_every_function_and_its_role(stack: ProgramRun):
    on = stack.is_on("tracing")
    for each in stack.engine.inputs("lambda/function"):
        # Without it, AWS would keep the mode that was set last.
        assert each["tracingConfig"] == {"mode": "Active" if on else "PassThrough"}
    for each in stack.engine.inputs("iam/rolePolicy"):
        if not each["role"].endswith("-transcript-reader"):
            assert ("xray:PutTraceSegments" in each["policy"]) is on
