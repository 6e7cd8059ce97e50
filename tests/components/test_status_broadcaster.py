import json
from typing import Any

import pytest

from components.session_lifecycle import SessionChecks, SessionChecksArgs
from components.status_broadcaster import StatusBroadcaster, StatusBroadcasterArgs
from components.status_broadcaster.tick_names import LABELS
from program.engine import Engine
from tests.components import stack_parts
from tests.contracts.graph_difference import difference

FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:live-sessions-test-session-status:live"
QUEUES = "arn:aws:sqs:us-east-1:123456789012:live-sessions-test-status"
RULE = "arn:aws:events:us-east-1:123456789012:rule/live-sessions-test-status"


def run(interval_seconds: int = 30, *, periodic: bool = True) -> Engine:
    engine = Engine()

    def program() -> None:
        args = StatusBroadcasterArgs(
            platform=stack_parts.platform(),
            store=stack_parts.store(),
            api=stack_parts.api(),
            session_checks=SessionChecks(
                "checks", SessionChecksArgs(prefix=stack_parts.PREFIX, consumer_timeout_seconds=30)
            ),
            periodic=periodic,
            interval_seconds=interval_seconds,
        )
        StatusBroadcaster("status", args)

    engine.run(program)
    return engine


@pytest.fixture(scope="module")
def engine() -> Engine:
    return run()


def test_without_periodic_status_the_rule_is_disabled_and_nothing_else_changes(engine: Engine):
    assert engine.only("cloudwatch/eventRule")["state"] == "ENABLED"
    stopped = run(periodic=False)
    assert stopped.only("cloudwatch/eventRule")["state"] == "DISABLED"
    assert {each.urn for each in stopped.registered} == {each.urn for each in engine.registered}
    assert targets(stopped) == targets(engine)


def targets(engine: Engine) -> dict[str, dict[str, Any]]:
    return {each["targetId"]: each for each in engine.inputs("cloudwatch/eventTarget")}


def offset_of(target: dict[str, Any]) -> int:
    template = target["inputTransformer"]["inputTemplate"]
    return int(template.partition('"offsetSeconds": ')[2].rstrip("}"))


def queue(engine: Engine, label: str) -> dict[str, Any]:
    name = f"live-sessions-test-status-{label}"
    (inputs,) = [each for each in engine.inputs("sqs/queue") if each["name"] == name]
    return inputs


def test_a_rule_fires_every_minute(engine: Engine):
    assert engine.only("cloudwatch/eventRule") == {
        "name": "live-sessions-test-status",
        "scheduleExpression": "rate(1 minute)",
        "state": "ENABLED",
    }


def test_the_first_tick_is_sent_to_the_function_and_the_second_to_a_queue_that_delays_it(
    engine: Engine,
):
    assert {each_id: each["arn"] for each_id, each in targets(engine).items()} == {
        "tick-0s": FUNCTION,
        "tick-30s": f"{QUEUES}-ticks-30s",
    }
    assert queue(engine, "ticks-30s")["delaySeconds"] == 30


def test_each_tick_has_the_time_at_which_the_rule_fired_and_how_much_later_it_is_due(
    engine: Engine,
):
    for label, each in targets(engine).items():
        shape = each["inputTransformer"]
        assert "inputPaths" not in shape
        fired_at = "<aws.events.event.ingestion-time>"
        filled = shape["inputTemplate"].replace(fired_at, '"2026-01-01T00:00:00Z"')
        assert json.loads(filled) == {
            "tick": {
                "scheduledAt": "2026-01-01T00:00:00Z",
                "offsetSeconds": int(label.removeprefix("tick-").removesuffix("s")),
            }
        }


def test_a_delivery_that_fails_is_retried_twice_and_then_kept(engine: Engine):
    for each in targets(engine).values():
        assert each["retryPolicy"] == {"maximumRetryAttempts": 2, "maximumEventAgeInSeconds": 60}
        assert each["deadLetterConfig"] == {"arn": f"{QUEUES}-failures"}


def test_only_this_rule_may_invoke_the_function_through_eventbridge(engine: Engine):
    permission = {
        "action": "lambda:InvokeFunction",
        "function": "live-sessions-test-session-status",
        "principal": "events.amazonaws.com",
        "sourceArn": RULE,
    }
    permissions = engine.inputs("lambda/permission")
    assert permissions == [permission, {**permission, "qualifier": "live"}]


def test_only_this_rule_may_send_to_the_queues_it_feeds(engine: Engine):
    allowed = {
        each["queueUrl"].rpartition("/")[2]: statement["Condition"]
        for each in engine.inputs("sqs/queuePolicy")
        for statement in json.loads(each["policy"])["Statement"]
        if statement["Effect"] == "Allow"
    }
    rule = {"ArnEquals": {"aws:SourceArn": RULE}}
    assert allowed == {
        "live-sessions-test-status-ticks-30s": rule,
        "live-sessions-test-status-failures": rule,
    }


def test_ticks_and_shards_feed_the_function_one_by_one(engine: Engine):
    mappings = engine.inputs("lambda/eventSourceMapping")
    assert {each["eventSourceArn"] for each in mappings} == {
        f"{QUEUES}-shards",
        f"{QUEUES}-ticks-30s",
    }
    assert {(each["functionName"], each["batchSize"]) for each in mappings} == {(FUNCTION, 1)}


@pytest.mark.parametrize("label", ["shards", "ticks-30s"])
def test_stale_ticks_expire_and_failing_ones_are_kept(engine: Engine, label: str):
    inputs = queue(engine, label)
    assert inputs["messageRetentionSeconds"] == 120
    assert json.loads(inputs["redrivePolicy"]) == {
        "deadLetterTargetArn": f"{QUEUES}-failures",
        "maxReceiveCount": 2,
    }
    shortest_interval_seconds = 12
    assert 5 <= inputs["visibilityTimeoutSeconds"] < shortest_interval_seconds, (
        "a retry after the interval is dropped as stale, and its failure is not kept"
    )


def test_failed_invocations_are_kept_and_not_retried_into_the_next_tick(engine: Engine):
    settings = {
        "functionName": "live-sessions-test-session-status",
        "maximumRetryAttempts": 0,
        "maximumEventAgeInSeconds": 60,
        "destinationConfig": {"onFailure": {"destination": f"{QUEUES}-failures"}},
    }
    made = engine.inputs("lambda/functionEventInvokeConfig")
    assert made == [settings, {**settings, "qualifier": "live"}]


def test_the_function_reads_its_interval_its_limits_and_the_session_rules(engine: Engine):
    variables = engine.only("lambda/function")["environment"]["variables"]
    assert variables["PERIODIC_UPDATE_INTERVAL_SECONDS"] == "30"
    assert variables["STATUS_QUERY_TIMEOUT_MS"] == "500"
    assert variables["STATUS_QUERIES_PER_SPEAKER_PER_MINUTE"] == "5"
    assert variables["SPEAKER_GRACE_SECONDS"] == "10"
    assert variables["LISTENER_COUNT_CHANGE_THRESHOLD_PERCENT"] == "15"


def by_position(names: list[str], *delays: int) -> dict[str, int]:
    return dict(zip(names, delays, strict=False))


@pytest.mark.parametrize(
    ("interval_seconds", "rate", "delays"),
    [(12, "rate(1 minute)", [12, 24, 36, 48]), (120, "rate(2 minutes)", [])],
)
def test_each_interval_has_its_own_ticks(interval_seconds: int, rate: str, delays: list[int]):
    engine = run(interval_seconds)
    assert engine.only("cloudwatch/eventRule")["scheduleExpression"] == rate
    offsets = {each_id: offset_of(each) for each_id, each in targets(engine).items()}
    assert offsets == by_position(["tick-0s", "tick-30s", "tick-2", "tick-3", "tick-4"], 0, *delays)
    delayed = {
        each["name"].rpartition("-status-ticks-")[2]: each["delaySeconds"]
        for each in engine.inputs("sqs/queue")
        if each["delaySeconds"]
    }
    assert delayed == by_position(["30s", "2", "3", "4"], *delays)
    names = engine.statements("live-sessions-test-session-status")
    assert {name for name in names if name.startswith("ConsumeTicks")} == {
        f"ConsumeTicks{label}" for label in delayed
    }


@pytest.mark.parametrize("interval_seconds", [15, 20, 30])
def test_another_interval_changes_delays_and_no_name(interval_seconds: int, shortest: Engine):
    found = difference(shortest, run(interval_seconds))
    assert found.added == set(), "the shortest interval has every position"
    assert {keys for each in found.changed.values() for keys in each} == {
        "delaySeconds",  # of the queues
        "inputTransformer",  # of the targets, with the tick's offset
        "policy",  # of the role, which loses queues
    }


@pytest.fixture(scope="module")
def shortest() -> Engine:
    return run(12)


# Those of release 0.1.0, which had its resources' delays in their names.
FORMER_INTERVALS = (12, 15, 20, 30, 60)
PARENTS = "live-sessions:status_broadcaster:StatusBroadcaster$live-sessions:"


def former_urns(interval_seconds: int) -> set[str]:
    """What release 0.1.0 made for the delayed ticks of an interval."""
    ticks = f"{PARENTS}status_ticks:StatusTicks$live-sessions:"
    queue, target = f"{ticks}message_queue:MessageQueue", f"{ticks}schedule:Schedule"
    return {
        urn
        for delay in range(interval_seconds, 60, interval_seconds)
        for urn in (
            f"{queue}::status-ticks-ticks-{delay}s",
            f"{queue}$aws:sqs/queue:Queue::status-ticks-ticks-{delay}s-queue",
            f"{queue}$aws:sqs/queuePolicy:QueuePolicy::status-ticks-ticks-{delay}s-policy",
            f"{target}$aws:cloudwatch/eventTarget:EventTarget"
            f"::status-ticks-schedule-tick-{delay}s-target",
            f"{PARENTS}handler_function:HandlerFunction"
            f"$aws:lambda/eventSourceMapping:EventSourceMapping::status-ticks-{delay}s-mapping",
        )
    }


@pytest.mark.parametrize("former_seconds", FORMER_INTERVALS)
def test_the_resources_of_release_0_1_0_are_found_by_their_aliases_from_position_1_on(
    former_seconds: int, shortest: Engine
):
    former = former_urns(former_seconds)
    found = [each for each in shortest.registered for urn in {each.urn, *each.former_urns} & former]
    assert len(found) == len(former)
    urns = [each.urn for each in found]
    assert len(set(urns)) == len(urns), "two former resources would become one"
    labels = {each.name.split("-")[-2] for each in found if each.custom}
    assert labels == set(LABELS[1 : 1 + len(former) // 5]), (
        "a position left out would be made as a further target, before the former one is deleted"
    )


def test_no_two_resources_have_an_alias_in_common(shortest: Engine):
    aliases = [urn for each in shortest.registered for urn in each.former_urns]
    assert len(set(aliases)) == len(aliases)
    names = {each.urn for each in shortest.registered}
    assert names.isdisjoint(aliases)
    former = {urn for interval in FORMER_INTERVALS for urn in former_urns(interval)}
    assert set(aliases) == former - names
    assert former & names == former_urns(30), "a stack with the default interval needs none"


def test_no_target_is_beside_its_own_replacement_and_each_may_be_sent_to_first(engine: Engine):
    registered = engine.of_type("cloudwatch/eventTarget")
    assert all(each.delete_before_replace for each in registered.values())
    accepting = {name: each.depends_on for name, each in registered.items()}
    failures = "status-ticks-failures-policy"
    for label, accepts in (("0s", "schedule-tick-0s-permission"), ("30s", "ticks-30s-policy")):
        its_own = accepting[f"status-ticks-schedule-tick-{label}-target"]
        assert {failures, f"status-ticks-{accepts}"} <= its_own


def test_an_interval_that_cannot_be_kept_is_rejected():
    with pytest.raises(ValueError, match="must divide 60"):
        run(45)
