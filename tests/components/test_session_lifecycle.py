import json

import pytest

from components.session_lifecycle.lifecycle import SessionLifecycle, SessionLifecycleArgs
from tests.components import stack_parts
from tests.components.engine import Engine

MADE: dict[str, SessionLifecycle] = {}


@pytest.fixture(scope="module")
def engine() -> Engine:
    engine = Engine()

    def program() -> None:
        store, api = stack_parts.store(), stack_parts.api()
        args = SessionLifecycleArgs(
            platform=stack_parts.platform(),
            store=store,
            api=api,
            fan_out=stack_parts.fan_out(store, api),
            maximum_listeners_per_session=500,
            session_maximum_duration_hours=8,
            speaker_grace_seconds=10,
            status_shards=16,
        )
        MADE["lifecycle"] = SessionLifecycle("lifecycle", args)

    engine.run(program)
    return engine


def test_every_route_has_its_function_and_timeout(engine: Engine):
    routes = MADE["lifecycle"].routes
    assert {
        route.key: (route.function.entry, route.timeout_milliseconds, route.replies)
        for route in routes
    } == {
        "$connect": ("connection", 29_000, False),
        "$disconnect": ("disconnect", 29_000, False),
        "$default": ("connection", 29_000, True),
        "createSession": ("connection", 29_000, True),
        "joinSession": ("connection", 29_000, True),
        "leaveSession": ("connection", 29_000, True),
        "endSession": ("connection", 29_000, True),
        "heartbeat": ("heartbeat", 10_000, True),
    }


@pytest.mark.parametrize(
    ("function", "megabytes", "seconds"),
    [
        ("connection", 512, 30),
        ("disconnect", 256, 30),
        ("heartbeat", 128, 10),
        ("reconcile", 512, 60),
        ("fan-out", 1024, 60),
    ],
)
def test_functions_have_the_memory_and_time_their_work_needs(
    engine: Engine, function: str, megabytes: int, seconds: int
):
    inputs = engine.of_type("lambda/function")[f"{function}-function"].inputs
    assert (inputs["memorySize"], inputs["timeout"]) == (megabytes, seconds)


def test_checks_wait_in_a_queue_for_disconnect_and_failing_ones_are_kept(engine: Engine):
    queues = {each["name"]: each for each in engine.inputs("sqs/queue")}
    checks = queues["live-sessions-test-session-checks"]
    assert checks["delaySeconds"] == 0, "each check carries its own delay"
    assert checks["visibilityTimeoutSeconds"] == 30, "a failed check is tried again soon"
    redrive = json.loads(checks["redrivePolicy"])
    assert redrive["deadLetterTargetArn"].endswith(":live-sessions-test-session-check-failures")
    (mapping,) = engine.inputs("lambda/eventSourceMapping")
    assert mapping["eventSourceArn"].endswith(":live-sessions-test-session-checks")
    assert mapping["functionName"].endswith(":live-sessions-test-disconnect")


def test_reconcile_is_fired_every_five_minutes_by_its_rule_alone(engine: Engine):
    assert engine.only("cloudwatch/eventRule") == {
        "name": "live-sessions-test-reconcile",
        "scheduleExpression": "rate(5 minutes)",
    }
    target = engine.only("cloudwatch/eventTarget")
    assert target["arn"].endswith(":function:live-sessions-test-reconcile")
    assert target["retryPolicy"]["maximumRetryAttempts"] == 2
    assert target["deadLetterConfig"]["arn"].endswith(":live-sessions-test-reconcile-failures")
    permission = engine.only("lambda/permission")
    assert permission["function"] == "live-sessions-test-reconcile"
    assert permission["sourceArn"].endswith(":rule/live-sessions-test-reconcile")


@pytest.mark.parametrize(
    ("function", "age_seconds"), [("fan-out", 60), ("reconcile", 300)], ids=str
)
def test_asynchronous_work_is_retried_once_and_then_kept(
    engine: Engine, function: str, age_seconds: int
):
    name = f"live-sessions-test-{function}"
    configs = {
        each["functionName"]: each for each in engine.inputs("lambda/functionEventInvokeConfig")
    }
    assert configs[name]["maximumRetryAttempts"] == 1
    assert configs[name]["maximumEventAgeInSeconds"] == age_seconds
    destination = configs[name]["destinationConfig"]["onFailure"]["destination"]
    assert destination == f"arn:aws:sqs:us-east-1:123456789012:{name}-failures"


def test_fan_out_may_invoke_itself_and_nothing_else(engine: Engine):
    statement = engine.statements("live-sessions-test-fan-out")["InvokeItself"]
    assert statement["Resource"] == [
        "arn:aws:lambda:us-east-1:123456789012:function:live-sessions-test-fan-out"
    ]
