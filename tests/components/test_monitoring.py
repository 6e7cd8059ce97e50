import functools
import json
from typing import Any

import pulumi
import pytest

from components.alarms import create_alarm
from components.message_queue import MessageQueue, MessageQueueArgs
from components.monitoring import Monitoring, MonitoringArgs
from components.monitoring.session_alarms import session_alarms
from contract.functions import FUNCTIONS
from program.engine import Engine
from tests.components import stack_parts
from tests.components.stack_parts import PREFIX

TOPIC = "arn:aws:sns:us-east-1:123456789012:alarms"
NAMESPACE = "LiveSessions/test"
OWN_TRANSLATION = tuple(FUNCTIONS)
EXTERNAL_TRANSLATION = tuple(set(FUNCTIONS) - {"translation"})


def arguments(
    *,
    alarms: bool = True,
    has_dashboard: bool = True,
    has_route_metrics: bool = False,
    slots: int = 5,
    is_periodic: bool = True,
    interval_seconds: int = 30,
    entries: tuple[str, ...] = ("connection", "session_status"),
) -> MonitoringArgs:
    """Those of a small stack, which is declared, too; `entries` are the functions that it has."""
    return MonitoringArgs(
        platform=stack_parts.platform(),
        api=stack_parts.api(),
        functions=[stack_parts.function(entry) for entry in entries],
        failure_queues={"fanOutFailures": failures()},
        slot_queue_names=[f"{PREFIX}-audio-{slot}" for slot in range(slots)],
        tables=stack_parts.store().tables,
        alarm_topic_arn=TOPIC if alarms else None,
        has_dashboard=has_dashboard,
        has_route_metrics=has_route_metrics,
        is_periodic=is_periodic,
        status_interval_seconds=interval_seconds,
        status_shards=16,
        status_query_timeout_milliseconds=500,
    )


@functools.cache
def run(*, preview: bool = False, **changes: Any) -> tuple[Engine, dict[str, Any]]:
    """The monitoring of such a stack."""

    def program() -> None:
        monitoring = Monitoring("monitoring", arguments(**changes))
        pulumi.export("dashboard", monitoring.dashboard_name)

    engine = Engine(preview=preview)
    return engine, engine.run(program)


def session_alarms_named(*names: str, **changes: Any) -> dict[str, dict[str, Any]]:
    """Those of them that exist, without the others: to declare all takes much longer."""

    def program() -> None:
        for alarm in session_alarms(arguments(entries=(), **changes)):
            if alarm.name.removeprefix(f"{PREFIX}-") in names:
                create_alarm(alarm.name, alarm, TOPIC, pulumi.ResourceOptions())

    engine = Engine()
    engine.run(program)
    return alarms_of(engine)


def failures() -> MessageQueue:
    args = MessageQueueArgs(physical_name=f"{PREFIX}-fan-out-failures", retention_seconds=60)
    return MessageQueue("failures", args)


def alarms_of(engine: Engine) -> dict[str, dict[str, Any]]:
    return {
        each["name"].removeprefix(f"{PREFIX}-"): each
        for each in engine.inputs("cloudwatch/metricAlarm")
    }


def widgets_of(engine: Engine) -> list[dict[str, Any]]:
    return json.loads(engine.only("cloudwatch/dashboard")["dashboardBody"])["widgets"]


def lines_of(engine: Engine) -> list[list[Any]]:
    return [line for widget in widgets_of(engine) for line in widget["properties"]["metrics"]]


def test_without_a_topic_there_are_no_alarms_but_still_a_dashboard():
    engine, outputs = run(alarms=False)
    assert engine.inputs("cloudwatch/metricAlarm") == []
    assert outputs["dashboard"] == PREFIX
    assert engine.only("cloudwatch/dashboard")["dashboardName"] == PREFIX


def test_the_dashboard_is_optional():
    engine, outputs = run(has_dashboard=False)
    assert engine.inputs("cloudwatch/dashboard") == []
    assert outputs["dashboard"] is None
    assert alarms_of(engine)


def test_every_alarm_notifies_the_topic():
    engine, _ = run()
    for name, alarm in alarms_of(engine).items():
        assert alarm["alarmActions"] == alarm["okActions"] == [TOPIC], name
        assert len(alarm["alarmDescription"]) > 20, name


@pytest.mark.parametrize(
    ("interval_seconds", "period_seconds", "due"),
    [(12, 60, 5), (15, 60, 4), (20, 60, 3), (30, 60, 2), (60, 60, 1), (300, 300, 1)],
)
def test_a_tick_is_missed_when_a_period_has_fewer_than_the_interval_brings(
    interval_seconds: int, period_seconds: int, due: int
):
    name = "status-ticks-missed"
    missed = session_alarms_named(name, interval_seconds=interval_seconds)[name]
    assert missed["period"] == period_seconds
    assert (missed["comparisonOperator"], missed["threshold"]) == ("LessThanThreshold", due)
    assert missed["statistic"] == "Sum"
    assert missed["dimensions"] == {"service": "session_status"}
    assert (missed["namespace"], missed["metricName"]) == (NAMESPACE, "Ticks")
    assert missed["treatMissingData"] == "breaching", (
        "if no tick arrives, the metric has no data, and the alarm must fire"
    )


def test_a_tick_at_the_turn_of_a_minute_is_not_missed():
    engine, _ = run()
    missed = alarms_of(engine)["status-ticks-missed"]
    # Late ticks take one from their minute and give it to the next: never from two in a row.
    assert missed["evaluationPeriods"] == missed["datapointsToAlarm"] == 2


def test_without_periodic_status_there_are_no_alarms_on_ticks():
    with_ticks, without = (alarms_of(run(is_periodic=on)[0]).keys() for on in (True, False))
    assert with_ticks - without == {
        *("status-ticks-missed", "status-ticks-late", "status-shards-refused"),
        *("status-pushes-failed", "status-pushes-out-of-time"),
    }
    assert "status-queries-slow" in without


def test_a_status_query_is_slow_when_it_exceeds_the_timeout():
    slow = alarms_of(run()[0])["status-queries-slow"]
    assert (slow["comparisonOperator"], slow["threshold"]) == ("GreaterThanThreshold", 500)
    assert slow["metricName"] == "StatusQueryMilliseconds"


def test_the_near_limits_are_four_fifths_of_the_stacks_limits():
    alarms = alarms_of(run()[0])
    assert alarms["active-sessions-near-limit"]["threshold"] == 16 * 700 * 0.8
    assert alarms["audio-slots-near-limit"]["threshold"] == 4, "of five slots"


@pytest.mark.parametrize(("slots", "near"), [(1, None), (4, None), (5, 4), (6, 5), (20, 16)])
def test_few_slots_have_no_alarm_near_the_limit(slots: int, near: int | None):
    names = ("audio-slots-near-limit", "audio-slots-exhausted")
    alarms = session_alarms_named(*names, slots=slots)
    assert alarms.get("audio-slots-near-limit", {}).get("threshold") == near
    assert "audio-slots-exhausted" in alarms


def test_the_api_has_alarms_on_errors_that_no_function_reports():
    alarms = alarms_of(run()[0])
    for name, metric in (
        ("api-execution-errors", "ExecutionError"),
        ("api-integration-errors", "IntegrationError"),
    ):
        alarm = alarms[name]
        assert (alarm["namespace"], alarm["metricName"]) == ("AWS/ApiGateway", metric)
        assert alarm["dimensions"] == {"ApiId": "api-api-id", "Stage": "live"}
        assert alarm["period"] == 300


def test_latency_alarms_are_about_the_slowest_twentieth():
    alarms = alarms_of(run()[0])
    for name in ("session-creation-slow", "control-acks-slow"):
        assert alarms[name]["extendedStatistic"] == "p95"
        assert alarms[name]["dimensions"] == {"service": "connection"}


def test_each_function_has_alarms_on_its_errors_and_throttles():
    alarms = alarms_of(run()[0])
    for entry in ("connection", "session-status"):
        for metric in ("Errors", "Throttles"):
            alarm = alarms[f"{entry}-{metric.lower()}"]
            assert (alarm["namespace"], alarm["metricName"]) == ("AWS/Lambda", metric)
            assert alarm["dimensions"] == {"FunctionName": f"{PREFIX}-{entry}"}
    assert "heartbeat-errors" not in alarms, "this stack has no such function"


def test_an_external_translation_has_no_alarm_and_no_line_here():
    ours, _ = run(entries=OWN_TRANSLATION)
    external, _ = run(entries=EXTERNAL_TRANSLATION)
    assert alarms_of(ours).keys() - alarms_of(external).keys() == {
        *("translation-errors", "translation-throttles", "translations-failed"),
        *("translation-posts-failed", "caption-listeners-untried", "captions-not-kept"),
    }
    assert "transcripts-failed" in alarms_of(external), "the processor reports its failures"
    assert any("translation" in line for line in lines_of(ours))
    assert not any("translation" in str(line) for line in lines_of(external))
    titles = [widget["properties"]["title"] for widget in widgets_of(external)]
    assert "Captions" not in titles, "an empty graph is left out"


@pytest.mark.parametrize("entries", [OWN_TRANSLATION, EXTERNAL_TRANSLATION], ids=len)
@pytest.mark.parametrize("has_route_metrics", [True, False], ids=["routes", "no-routes"])
def test_widgets_fill_the_grid_and_do_not_overlap(
    has_route_metrics: bool, entries: tuple[str, ...]
):
    engine, _ = run(alarms=False, has_route_metrics=has_route_metrics, entries=entries)
    taken: set[tuple[int, int]] = set()
    for widget in widgets_of(engine):
        assert widget["x"] >= 0
        assert widget["x"] + widget["width"] <= 24, "the grid has 24 columns"
        cells = {
            (x, y)
            for x in range(widget["x"], widget["x"] + widget["width"])
            for y in range(widget["y"], widget["y"] + widget["height"])
        }
        assert not cells & taken, f"{widget['properties']['title']} lies on another"
        taken |= cells
    assert taken


def test_every_widget_has_a_title_lines_a_statistic_and_the_stacks_region():
    widgets = widgets_of(run(alarms=False, has_route_metrics=True, entries=OWN_TRANSLATION)[0])
    titles = [widget["properties"]["title"] for widget in widgets]
    assert len(set(titles)) == len(titles)
    for widget in widgets:
        assert widget["type"] == "metric"
        properties = widget["properties"]
        assert properties["region"] == "us-east-1"
        assert properties["metrics"], properties["title"]
        assert properties["stat"] in ("Sum", "Maximum", "p50", "p95", "p99")
        # https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_limits.html
        assert len(properties["metrics"]) <= 500
    assert sum(len(widget["properties"]["metrics"]) for widget in widgets) <= 2_500


def test_routes_are_shown_only_where_api_gateway_emits_their_metrics():
    with_routes, without = (
        lines_of(run(alarms=False, has_route_metrics=on)[0]) for on in (True, False)
    )
    searches = [line[0]["expression"] for line in with_routes if isinstance(line[0], dict)]
    assert len(searches) == 3, "one for each percentile"
    assert all('MetricName="IntegrationLatency" "api-api-id"' in each for each in searches)
    assert not [line for line in without if isinstance(line[0], dict)]


def test_a_preview_with_nothing_known_yet_plans_the_same():
    planned, _ = run(preview=True)
    assert {each.urn for each in planned.registered} == {each.urn for each in run()[0].registered}
