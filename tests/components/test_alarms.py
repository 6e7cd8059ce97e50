from typing import Any

import pulumi
import pytest

from components.alarms import (
    Alarm,
    Breach,
    CloudWatchMetric,
    Missing,
    create_alarm,
    own_metric,
)
from contract.metrics import POSTS_FAILED, TICKS
from program.engine import Engine
from tests.components import stack_parts

TOPIC = "arn:aws:sns:us-east-1:123456789012:alarms"


def alarm(**changes: Any) -> Alarm:
    return Alarm(
        **{
            "name": "live-sessions-test-slow",
            "description": "It is slow.",
            "metric": CloudWatchMetric(
                namespace="LiveSessions/test", name="Waits", dimensions={"service": "connection"}
            ),
            "statistic": "Sum",
            "breaches": Breach.AT_OR_ABOVE,
            "threshold": 1,
            "period_seconds": 60,
            **changes,
        }
    )


def made(one: Alarm) -> dict[str, Any]:
    engine = Engine()
    engine.run(lambda: create_alarm("slow-alarm", one, TOPIC, pulumi.ResourceOptions()))
    return engine.only("cloudwatch/metricAlarm")


def test_an_alarm_has_all_its_fields_and_notifies_the_topic_of_alarm_and_ok():
    assert made(alarm(periods=3, breaching_periods=2)) == {
        "name": "live-sessions-test-slow",
        "alarmDescription": "It is slow.",
        "namespace": "LiveSessions/test",
        "metricName": "Waits",
        "dimensions": {"service": "connection"},
        "statistic": "Sum",
        "period": 60,
        "evaluationPeriods": 3,
        "datapointsToAlarm": 2,
        "comparisonOperator": "GreaterThanOrEqualToThreshold",
        "threshold": 1,
        "treatMissingData": "notBreaching",
        "alarmActions": [TOPIC],
        "okActions": [TOPIC],
    }


def test_a_percentile_is_an_extended_statistic_alone():
    inputs = made(alarm(statistic="p95"))
    assert inputs["extendedStatistic"] == "p95"
    assert "statistic" not in inputs, "CloudWatch takes one of the two"


def test_a_plain_statistic_is_not_an_extended_one():
    inputs = made(alarm(statistic="Maximum"))
    assert inputs["statistic"] == "Maximum"
    assert "extendedStatistic" not in inputs


@pytest.mark.parametrize(
    ("breaches", "operator"),
    [
        (Breach.ABOVE, "GreaterThanThreshold"),
        (Breach.AT_OR_ABOVE, "GreaterThanOrEqualToThreshold"),
        (Breach.BELOW, "LessThanThreshold"),
    ],
)
def test_each_side_of_a_threshold_has_its_own_comparison(breaches: Breach, operator: str):
    assert made(alarm(breaches=breaches))["comparisonOperator"] == operator


def test_missing_data_may_be_breaching():
    assert made(alarm(missing=Missing.BREACHING))["treatMissingData"] == "breaching"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": "n" * 256}, r"must have at most 255 characters: shorten the stack's name"),
        ({"statistic": "Average"}, r"statistic 'Average': it must be Sum, Maximum or a percentile"),
        ({"statistic": "p5"}, r"statistic 'p5'"),
        ({"statistic": "p100"}, r"statistic 'p100'"),
        ({"statistic": "Sums"}, r"statistic 'Sums'"),
        ({"period_seconds": 0}, r"periods of 0 s: they must be whole minutes"),
        ({"period_seconds": -60}, r"periods of -60 s"),
        ({"period_seconds": 90}, r"periods of 90 s"),
        ({"breaching_periods": 0}, r"waits for 0 of 1 periods: it must be at least 1"),
        ({"periods": 2, "breaching_periods": 3}, r"waits for 3 of 2 periods"),
        ({"period_seconds": 3_600, "periods": 25}, r"looks back 90000 s: .* at most 86400 s"),
    ],
    ids=str,
)
def test_an_alarm_that_cloudwatch_would_reject_is_rejected_with_its_name(
    changes: dict[str, Any], message: str
):
    with pytest.raises(ValueError, match=message) as rejected:
        alarm(**changes)
    assert changes.get("name", "live-sessions-test-slow") in str(rejected.value)


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "n" * 255},
        {"statistic": "p99"},
        {"period_seconds": 3_600, "periods": 24},
        {"periods": 3, "breaching_periods": 3},
    ],
    ids=str,
)
def test_an_alarm_at_the_limits_is_accepted(changes: dict[str, Any]):
    alarm(**changes)


def test_a_functions_own_metric_has_its_entry_module_as_the_dimension():
    platform = stack_parts.platform()
    assert own_metric(platform, TICKS) == CloudWatchMetric(
        namespace="LiveSessions/test", name="Ticks", dimensions={"service": "session_status"}
    )
    assert own_metric(platform, POSTS_FAILED, "translation").dimensions == {
        "service": "translation"
    }


def test_a_metric_is_watched_only_of_a_function_that_emits_it():
    platform = stack_parts.platform()
    with pytest.raises(ValueError, match="Ticks is not emitted by fan_out: name one of session"):
        own_metric(platform, TICKS, "fan_out")
    with pytest.raises(ValueError, match="PostsFailed is not emitted by one function: name one"):
        own_metric(platform, POSTS_FAILED)
