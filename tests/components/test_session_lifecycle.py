import json

import pytest

from components.session_lifecycle import SessionLifecycle, SessionLifecycleArgs
from program.engine import Engine
from tests.components import stack_parts


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine()


@pytest.fixture(scope="module", autouse=True)
def lifecycle(engine: Engine) -> SessionLifecycle:
    made: list[SessionLifecycle] = []

    def program() -> None:
        store, api = stack_parts.store(), stack_parts.api()
        args = SessionLifecycleArgs(
            platform=stack_parts.platform(),
            store=store,
            history=stack_parts.history(),
            transcripts=stack_parts.transcripts(),
            api=api,
            fan_out=stack_parts.fan_out(store, api),
        )
        made.append(SessionLifecycle("lifecycle", args))

    engine.run(program)
    return made[0]


def variables(engine: Engine, entry: str) -> dict[str, str]:
    return engine.of_type("lambda/function")[f"{entry}-function"].inputs["environment"]["variables"]


def test_every_action_of_a_session_has_a_reply_and_handshakes_have_none(
    lifecycle: SessionLifecycle,
):
    replies = {route.key: route.replies for route in lifecycle.routes}
    assert {key for key, does in replies.items() if not does} == {"$connect", "$disconnect"}


def test_controls_of_speakers_and_listeners_have_shorter_timeouts(
    lifecycle: SessionLifecycle,
):
    waits = {route.key: route.timeout_milliseconds for route in lifecycle.routes}
    assert waits["createSession"] == waits["refreshConnection"] == 29_000
    assert waits["pauseBroadcast"] == waits["speakerStateChange"] == 10_000
    assert waits["changeLanguage"] == waits["pausePlayback"] == 5_000


def test_the_session_rules_and_rate_limits_reach_the_functions_that_apply_them(engine: Engine):
    connection = variables(engine, "connection")
    assert connection["MAX_LISTENERS_PER_SESSION"] == "500"
    assert connection["SESSION_MAX_DURATION_HOURS"] == "8"
    assert connection["SESSIONS_PER_USER_PER_HOUR"] == "1"
    assert connection["JOINS_PER_ADDRESS_PER_MINUTE"] == "2"
    assert connection["CONNECTIONS_PER_ADDRESS_PER_MINUTE"] == "3"
    assert connection["CONTROLS_PER_CONNECTION_PER_MINUTE"] == "4"
    for entry in ("connection", "refresh"):
        assert variables(engine, entry)["JOIN_MISSES_PER_ADDRESS_PER_MINUTE"] == "7", entry
        assert variables(engine, entry)["PASSCODE_MISSES_PER_SESSION_PER_MINUTE"] == "8", entry
    assert variables(engine, "disconnect")["SPEAKER_GRACE_SECONDS"] == "10"
    for entry in ("connection", "disconnect", "refresh", "fan-out"):
        assert variables(engine, entry)["LISTENER_COUNT_CHANGE_THRESHOLD_PERCENT"] == "15", entry


@pytest.mark.parametrize(
    ("function", "megabytes", "seconds"),
    [
        ("connection", 512, 30),
        ("disconnect", 256, 30),
        ("heartbeat", 128, 10),
        ("refresh", 256, 30),
        ("reconcile", 512, 180),
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
    assert consumer_of(engine, "session-checks") == "disconnect"


def consumer_of(engine: Engine, queue: str) -> str:
    """The function that is invoked with each message of the queue."""
    (mapping,) = [
        each
        for each in engine.inputs("lambda/eventSourceMapping")
        if each["eventSourceArn"].endswith(f":live-sessions-test-{queue}")
    ]
    assert mapping["batchSize"] == 1
    return mapping["functionName"].rpartition(":live-sessions-test-")[2].removesuffix(":live")


def test_turns_of_shards_wait_in_a_queue_for_reconcile_and_failing_ones_are_kept(engine: Engine):
    queues = {each["name"]: each for each in engine.inputs("sqs/queue")}
    turns = queues["live-sessions-test-reconcile-shards"]
    assert turns["delaySeconds"] == 0
    seconds = engine.of_type("lambda/function")["reconcile-function"].inputs["timeout"]
    assert turns["visibilityTimeoutSeconds"] == seconds, "no turn is taken twice at the same time"
    assert turns["messageRetentionSeconds"] >= 3 * seconds, "a second failure is kept"
    redrive = json.loads(turns["redrivePolicy"])
    assert redrive["deadLetterTargetArn"].endswith(":live-sessions-test-reconcile-failures")
    assert redrive["maxReceiveCount"] == 2
    assert consumer_of(engine, "reconcile-shards") == "reconcile"
    assert variables(engine, "reconcile")["RECONCILE_SHARD_QUEUE_URL"].endswith(
        "/live-sessions-test-reconcile-shards"
    )


def test_only_its_rule_invokes_reconcile_every_two_minutes(engine: Engine):
    assert engine.only("cloudwatch/eventRule") == {
        "name": "live-sessions-test-reconcile",
        "scheduleExpression": "rate(2 minutes)",
        "state": "ENABLED",
    }
    target = engine.only("cloudwatch/eventTarget")
    assert target["arn"].endswith(":function:live-sessions-test-reconcile:live")
    assert target["retryPolicy"]["maximumRetryAttempts"] == 2
    assert target["deadLetterConfig"]["arn"].endswith(":live-sessions-test-reconcile-failures")
    permissions = engine.inputs("lambda/permission")
    assert [each.get("qualifier") for each in permissions] == [None, "live"]
    for permission in permissions:
        assert permission["function"] == "live-sessions-test-reconcile"
        assert permission["sourceArn"].endswith(":rule/live-sessions-test-reconcile")


@pytest.mark.parametrize(
    ("function", "age_seconds"), [("fan-out", 60), ("reconcile", 120)], ids=str
)
def test_asynchronous_work_is_retried_once_and_then_kept(
    engine: Engine, function: str, age_seconds: int
):
    name = f"live-sessions-test-{function}"
    configs = {
        (each["functionName"], each.get("qualifier")): each
        for each in engine.inputs("lambda/functionEventInvokeConfig")
    }
    for config in (configs[name, None], configs[name, "live"]):
        assert config["maximumRetryAttempts"] == 1
        assert config["maximumEventAgeInSeconds"] == age_seconds
        destination = config["destinationConfig"]["onFailure"]["destination"]
        assert destination == f"arn:aws:sqs:us-east-1:123456789012:{name}-failures"


def test_fan_out_may_invoke_itself_and_nothing_else(engine: Engine):
    statement = engine.statements("live-sessions-test-fan-out")["InvokeItself"]
    arn = "arn:aws:lambda:us-east-1:123456789012:function:live-sessions-test-fan-out"
    assert statement["Resource"] == [arn, f"{arn}:live"]
    name = variables(engine, "fan-out")["FAN_OUT_FUNCTION"]
    assert name == "live-sessions-test-fan-out:live"
