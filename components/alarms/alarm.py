"""An alarm as data, checked before it is made: one metric, what it may be, and for how long."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import pulumi
import pulumi_aws as aws

from components.cadence import SECONDS_PER_MINUTE

# https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
MAXIMUM_NAME_LENGTH = 255
LONGEST_EVALUATION_SECONDS = 86_400


class Breach(StrEnum):
    """On which side of its threshold an alarm fires."""

    ABOVE = "GreaterThanThreshold"
    FROM = "GreaterThanOrEqualToThreshold"
    BELOW = "LessThanThreshold"


class Missing(StrEnum):
    """What a period without data counts as."""

    GOOD = "notBreaching"
    BAD = "breaching"


@dataclass(frozen=True, kw_only=True)
class Metric:
    """What CloudWatch finds a metric by: all three have to be those that it is emitted with."""

    namespace: str
    name: str
    dimensions: Mapping[str, pulumi.Input[str]]


@dataclass(frozen=True, kw_only=True)
class Alarm:
    """Fires when `breaching_periods` of the last `periods` are on the wrong side of `threshold`.

    `name` is the physical one; `description` says what it means, for whoever is told; `statistic`
    is Sum, Maximum or a percentile such as p95.
    """

    name: str
    description: str
    metric: Metric
    statistic: str
    breaches: Breach
    threshold: float
    period_seconds: int
    periods: int = 1
    breaching_periods: int = 1
    missing: Missing = Missing.GOOD

    def __post_init__(self) -> None:
        if len(self.name) > MAXIMUM_NAME_LENGTH:
            raise ValueError(
                f"Alarm name {self.name!r} must have at most {MAXIMUM_NAME_LENGTH} characters:"
                " shorten the stack's name."
            )
        if not re.fullmatch(r"Sum|Maximum|p[0-9]{2}", self.statistic):
            raise ValueError(
                f"Alarm {self.name} has statistic {self.statistic!r}: it must be Sum, Maximum or a"
                " percentile such as p95."
            )
        if self.period_seconds <= 0 or self.period_seconds % SECONDS_PER_MINUTE:
            raise ValueError(
                f"Alarm {self.name} has periods of {self.period_seconds} s: they must be whole"
                " minutes."
            )
        if not 1 <= self.breaching_periods <= self.periods:
            raise ValueError(
                f"Alarm {self.name} waits for {self.breaching_periods} of {self.periods} periods:"
                " it must be at least one, and no more than there are."
            )
        if self.periods * self.period_seconds > LONGEST_EVALUATION_SECONDS:
            raise ValueError(
                f"Alarm {self.name} looks back {self.periods * self.period_seconds} s: it must be"
                f" at most {LONGEST_EVALUATION_SECONDS} s."
            )

    @property
    def is_percentile(self) -> bool:
        return self.statistic.startswith("p")


def create_alarm(
    resource_name: str,
    alarm: Alarm,
    topic_arn: pulumi.Input[str],
    opts: pulumi.ResourceOptions,
) -> aws.cloudwatch.MetricAlarm:
    """Makes the alarm; the topic is told when it fires and when all is well again."""
    return aws.cloudwatch.MetricAlarm(
        resource_name,
        name=alarm.name,
        alarm_description=alarm.description,
        namespace=alarm.metric.namespace,
        metric_name=alarm.metric.name,
        dimensions=dict(alarm.metric.dimensions),
        statistic=None if alarm.is_percentile else alarm.statistic,
        extended_statistic=alarm.statistic if alarm.is_percentile else None,
        period=alarm.period_seconds,
        evaluation_periods=alarm.periods,
        datapoints_to_alarm=alarm.breaching_periods,
        comparison_operator=alarm.breaches.value,
        threshold=alarm.threshold,
        treat_missing_data=alarm.missing.value,
        alarm_actions=[topic_arn],
        ok_actions=[topic_arn],
        opts=opts,
    )
