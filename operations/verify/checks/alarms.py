"""The alarms: there, over the declared metric, with actions enabled; and who is told by them."""

from collections.abc import Iterator
from typing import Any

from operations.verify.scene import Scene
from operations.verify.verdicts import Result, Verdict, differences, right, untried, wrong

ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm"
SUBSCRIPTION = "aws:sns/topicSubscription:TopicSubscription"
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarms.html
NAMES_PER_CALL = 100
# Pulumi's input and CloudWatch's name of what must be equal.
COMPARED = {
    "metricName": "MetricName",
    "namespace": "Namespace",
    "statistic": "Statistic",
    "extendedStatistic": "ExtendedStatistic",
    "period": "Period",
    "threshold": "Threshold",
    "comparisonOperator": "ComparisonOperator",
    "evaluationPeriods": "EvaluationPeriods",
    "datapointsToAlarm": "DatapointsToAlarm",
    "treatMissingData": "TreatMissingData",
}
PENDING = "PendingConfirmation"


def alarms(scene: Scene) -> Iterator[Verdict]:
    declared = scene.declared.named(ALARM)
    if not declared:
        yield untried("alarms", "the program declares none for this stack", "set alarms to true")
        return
    live = {each["AlarmName"]: each for each in _alarms(scene, list(declared))}
    as_declared, firing = 0, []
    for name, inputs in declared.items():
        alarm = live.get(name)
        seen = "does not exist" if alarm is None else _fault(inputs, alarm)
        if seen:
            yield wrong(f"alarm {name}", seen, scene.deployment.repair)
            continue
        as_declared += 1
        if alarm and alarm["StateValue"] == "ALARM":
            firing.append(name)
    if as_declared:
        now = f"; in alarm now: {', '.join(firing)}" if firing else ", none in alarm now"
        seen = f"{as_declared} of {len(declared)} as declared{now}"
        way_out = "docs/operations.md says what each alarm means" if firing else ""
        yield Verdict("alarms", Result.RIGHT, seen, way_out)
    yield from _subscriptions(scene)


def _fault(inputs: dict[str, Any], alarm: dict[str, Any]) -> str:
    wanted = {
        theirs: inputs[ours] for ours, theirs in COMPARED.items() if inputs.get(ours) is not None
    }
    wanted["ActionsEnabled"] = inputs.get("actionsEnabled", True)
    dimensions = {each["Name"]: each["Value"] for each in alarm.get("Dimensions", [])}
    actions = sorted(alarm.get("AlarmActions", []))
    live = {**alarm, "dimensions": dimensions, "actions": actions}
    wanted["dimensions"] = inputs.get("dimensions", {})
    wanted["actions"] = sorted(inputs.get("alarmActions", []))
    return differences(wanted, live)


def _subscriptions(scene: Scene) -> Iterator[Verdict]:
    """An address that has not confirmed is told nothing."""
    sns = scene.deployment.client("sns")
    for inputs in scene.declared.of(SUBSCRIPTION).values():
        pages = sns.get_paginator("list_subscriptions_by_topic").paginate(TopicArn=inputs["topic"])
        arns = [
            each["SubscriptionArn"]
            for page in pages
            for each in page["Subscriptions"]
            if each["Endpoint"] == inputs["endpoint"]
        ]
        subject = f"{inputs['protocol']} subscription to {inputs['topic'].rpartition(':')[2]}"
        if not arns:
            yield wrong(subject, "does not exist: nobody is told", scene.deployment.repair)
        elif PENDING in arns:
            yield wrong(
                subject, "is not confirmed: nobody is told", "follow the link in AWS's mail"
            )
        else:
            yield right(subject, "confirmed")


def _alarms(scene: Scene, names: list[str]) -> Iterator[dict[str, Any]]:
    client = scene.deployment.client("cloudwatch")
    for first in range(0, len(names), NAMES_PER_CALL):
        some = names[first : first + NAMES_PER_CALL]
        answer = client.describe_alarms(AlarmNames=some, MaxRecords=NAMES_PER_CALL)
        yield from answer["MetricAlarms"]
