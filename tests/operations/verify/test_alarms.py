"""Alarms and their subscribers, as CloudWatch and SNS return them."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from operations.verify.checks import alarms
from operations.verify.checks.alarm_topic import SUBSCRIPTION
from operations.verify.checks.alarms import ALARM
from operations.verify.verdicts import Result, Verdict
from tests.operations.verify.contexts import context_of, declared

TOPIC = "arn:aws:sns:eu-central-1:998877665544:alarms"
INPUTS = {
    "name": "late",
    "metricName": "TickLateMilliseconds",
    "namespace": "LiveSessions/staging",
    "dimensions": {"service": "session_status"},
    "threshold": 2000.0,
    "alarmActions": [TOPIC],
}
LIVE = {
    "AlarmName": "late",
    "MetricName": "TickLateMilliseconds",
    "Namespace": "LiveSessions/staging",
    "Dimensions": [{"Name": "service", "Value": "session_status"}],
    "Threshold": 2000.0,
    "AlarmActions": [TOPIC],
    "ActionsEnabled": True,
    "StateValue": "OK",
}
MAIL = {"topic": TOPIC, "protocol": "email", "endpoint": "ops@example.com"}


class Aws:
    """CloudWatch and SNS in one."""

    def __init__(self, *live: dict[str, Any], subscription: str | None = None) -> None:
        self._live = live
        self._subscription = subscription

    def describe_alarms(self, **asked: Any) -> dict[str, Any]:
        return {
            "MetricAlarms": [
                each for each in self._live if each["AlarmName"] in asked["AlarmNames"]
            ]
        }

    def get_topic_attributes(self, **asked: Any) -> dict[str, Any]:
        assert asked == {"TopicArn": TOPIC}
        return {"Attributes": {}}

    def get_paginator(self, operation: str) -> "Aws":
        assert operation == "list_subscriptions_by_topic"
        return self

    def paginate(self, **asked: Any) -> Iterator[dict[str, Any]]:
        assert asked == {"TopicArn": TOPIC}
        mine = {"SubscriptionArn": self._subscription, "Endpoint": "ops@example.com"}
        yield {"Subscriptions": [mine] if self._subscription else []}


def verdicts(aws: Aws, **inputs: Any) -> list[Verdict]:
    resources = [declared(ALARM, "one", **INPUTS)]
    if inputs:
        resources.append(declared(SUBSCRIPTION, "mail", **inputs))
    return list(alarms(context_of(*resources, client=lambda service: aws)))


def test_an_alarm_as_declared_is_right() -> None:
    [verdict, _] = verdicts(Aws(LIVE))
    assert (verdict.result, verdict.seen) == (Result.RIGHT, "1 of 1 as declared")


def test_an_alarm_in_alarm_state_is_wrong() -> None:
    firing = LIVE | {"StateValue": "ALARM", "StateReason": "1 datapoint was greater"}
    [as_declared, verdict, _] = verdicts(Aws(firing))
    assert as_declared.result is Result.RIGHT
    assert (verdict.subject, verdict.result) == ("alarm late", Result.WRONG)
    assert verdict.seen == "is in ALARM: 1 datapoint was greater"
    assert "docs/operations.md" in verdict.way_out


def test_only_a_new_alarm_that_treats_missing_data_as_breaching_may_fire_for_a_while() -> None:
    firing = LIVE | {"StateValue": "ALARM", "Period": 60, "EvaluationPeriods": 2}
    now = datetime.now(UTC)
    for missing, age_minutes, result in (
        ("breaching", 1, Result.NOT_TRIED),
        ("breaching", 60, Result.WRONG),
        ("notBreaching", 1, Result.WRONG),
    ):
        changed = now - timedelta(minutes=age_minutes)
        live = firing | {
            "TreatMissingData": missing,
            "AlarmConfigurationUpdatedTimestamp": changed,
        }
        [_, verdict, _] = verdicts(Aws(live))
        assert verdict.result is result, (missing, age_minutes)
        if result is Result.NOT_TRIED:
            assert verdict.way_out == "check again in 5 minutes"


def test_an_alarm_that_differs_is_reported() -> None:
    for change, name in (
        ({"MetricName": "Other"}, "MetricName"),
        ({"Dimensions": []}, "dimensions"),
        ({"Threshold": 1.0}, "Threshold"),
        ({"AlarmActions": []}, "actions"),
        ({"ActionsEnabled": False}, "ActionsEnabled"),
    ):
        [verdict, _] = verdicts(Aws(LIVE | change))
        assert verdict.result is Result.WRONG
        assert verdict.seen.startswith(f"{name} is ")
    [verdict, _] = verdicts(Aws())
    assert verdict.seen == "does not exist"


def test_an_unconfirmed_subscription_is_reported() -> None:
    for subscription, result in (
        (f"{TOPIC}:1234", Result.RIGHT),
        ("PendingConfirmation", Result.WRONG),
        (None, Result.WRONG),
    ):
        [_, verdict, *others] = verdicts(Aws(LIVE, subscription=subscription), **MAIL)
        assert verdict.result is result
        assert bool(others) is (result is Result.RIGHT), "the count of the confirmed"


def test_a_topic_without_subscribers_is_not_tried() -> None:
    for subscription in (None, "PendingConfirmation"):
        [_, verdict] = verdicts(Aws(LIVE, subscription=subscription))
        assert (verdict.subject, verdict.result) == ("subscribers of alarms", Result.NOT_TRIED)
        assert verdict.seen.startswith("no confirmed subscriber")
        assert "alarmEmail" in verdict.way_out
        assert "aws sns subscribe" in verdict.way_out
    [_, verdict] = verdicts(Aws(LIVE, subscription=f"{TOPIC}:1234"))
    assert verdict.result is Result.RIGHT, "a subscription made by hand counts too"


def test_a_stack_without_alarms_is_not_tried() -> None:
    [verdict] = alarms(context_of())
    assert verdict.result is Result.NOT_TRIED
