"""An alarm as data, checked before it is made: one metric, its threshold, and for how long."""

import re
from dataclasses import dataclass
from enum import StrEnum

import pulumi
import pulumi_aws as aws

from components.alarms.metrics import CloudWatchMetric
from components.cadence import SECONDS_PER_MINUTE

# https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
MAXIMUM_NAME_LENGTH = 255
LONGEST_EVALUATION_SECONDS = 86_400
FIVE_MINUTES_SECONDS = 300


class Breach(StrEnum):
    """On which side of the threshold a period is breaching."""

    ABOVE = "GreaterThanThreshold"
    AT_OR_ABOVE = "GreaterThanOrEqualToThreshold"
    BELOW = "LessThanThreshold"


class Missing(StrEnum):
    """How a period without data is treated."""

    NOT_BREACHING = "notBreaching"
    BREACHING = "breaching"


@dataclass(frozen=True, kw_only=True)
class Alarm:
    """Goes into ALARM state when `breaching_periods` of the last `periods` are breaching.

    `name` is the physical name; `description` says what happens and what it means for users;
    `statistic` is Sum, Maximum or a percentile such as p95. Raises `ValueError` for what CloudWatch
    would reject.
    """

    name: str
    description: str
    metric: CloudWatchMetric
    statistic: str
    breaches: Breach
    threshold: float
    period_seconds: int
    periods: int = 1
    breaching_periods: int = 1
    missing: Missing = Missing.NOT_BREACHING

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
                " it must be at least 1, and at most the number of periods."
            )
        if self.periods * self.period_seconds > LONGEST_EVALUATION_SECONDS:
            raise ValueError(
                f"Alarm {self.name} looks back {self.periods * self.period_seconds} s: it must be"
                f" at most {LONGEST_EVALUATION_SECONDS} s."
            )

    @property
    def is_percentile(self) -> bool:
        """Whether `statistic` is one, which CloudWatch calls an extended statistic."""
        return self.statistic.startswith("p")


def event_alarm(
    *, name: str, description: str, metric: CloudWatchMetric, times: int = 1, statistic: str = "Sum"
) -> Alarm:
    """An alarm at the first event within a minute, or at the given number within five minutes."""
    return Alarm(
        name=name,
        description=description,
        metric=metric,
        statistic=statistic,
        breaches=Breach.AT_OR_ABOVE,
        threshold=times,
        period_seconds=SECONDS_PER_MINUTE if times == 1 else FIVE_MINUTES_SECONDS,
    )


def create_alarm(
    resource_name: str,
    alarm: Alarm,
    topic_arn: pulumi.Input[str],
    opts: pulumi.ResourceOptions,
) -> aws.cloudwatch.MetricAlarm:
    """Makes the alarm; it notifies the topic when it goes into ALARM state and back to OK."""
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
