"""The alarms: whether each is as declared, and which are in ALARM state."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from operations.verify.checks.alarm_topic import alarm_topic
from operations.verify.context import Context
from operations.verify.verdicts import Verdict, differences, not_tried, right, wrong

ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm"
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarms.html
NAMES_PER_CALL = 100
# The compared properties: Pulumi's input name and CloudWatch's name.
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
# How long a new deployment takes until its first datapoints are in CloudWatch.
FIRST_DATA = timedelta(minutes=3)


def alarms(context: Context) -> Iterator[Verdict]:
    """Check every declared alarm, its state, and the topics that the alarms notify."""
    declared = context.declared.named(ALARM)
    if not declared:
        yield not_tried("alarms", "this stack declares none", "set alarms to true")
        return
    live = {each["AlarmName"]: each for each in _alarms(context, list(declared))}
    as_declared = 0
    for name, inputs in declared.items():
        alarm = live.get(name)
        seen = "does not exist" if alarm is None else _fault(inputs, alarm)
        if seen:
            yield wrong(f"alarm {name}", seen, context.deployment.repair)
            continue
        as_declared += 1
    if as_declared:
        yield right("alarms", f"{as_declared} of {len(declared)} as declared")
    yield from (_firing(each) for each in live.values() if each["StateValue"] == "ALARM")
    topics = {arn for inputs in declared.values() for arn in inputs.get("alarmActions", [])}
    for arn in sorted(topics):
        yield from alarm_topic(context, arn)


def _firing(alarm: dict[str, Any]) -> Verdict:
    """Just after a deployment, alarms that treat missing data as breaching are expected to fire."""
    subject = f"alarm {alarm['AlarmName']}"
    changed = alarm.get("AlarmConfigurationUpdatedTimestamp")
    evaluated = timedelta(seconds=alarm.get("Period", 60) * alarm.get("EvaluationPeriods", 1))
    young = evaluated + FIRST_DATA
    is_new = changed is not None and datetime.now(UTC) - changed < young
    if is_new and alarm.get("TreatMissingData") == "breaching":
        return not_tried(
            subject,
            "in ALARM: it is new, and treats missing data as breaching",
            f"check again in {young // timedelta(minutes=1)} minutes",
        )
    reason = alarm.get("StateReason", "no reason given")
    way_out = "see the alarm in docs/operations.md"
    return wrong(subject, f"is in ALARM: {reason}", way_out)


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


def _alarms(context: Context, names: list[str]) -> Iterator[dict[str, Any]]:
    client = context.deployment.client("cloudwatch")
    for first in range(0, len(names), NAMES_PER_CALL):
        some = names[first : first + NAMES_PER_CALL]
        answer = client.describe_alarms(AlarmNames=some, MaxRecords=NAMES_PER_CALL)
        yield from answer["MetricAlarms"]
