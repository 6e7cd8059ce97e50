"""One alarm: which metric it evaluates, and the state that follows from its datapoints.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
"""

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self

MINUTE_SECONDS = 60
# Alarms on this namespace ignore missing data, whatever they declare:
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
IGNORING_NAMESPACE = "AWS/DynamoDB"

Window = tuple[int, int]

# CloudWatch evaluates more periods than declared, in case some are missing. AWS documents no rule;
# its examples use 5 for 3.
EXTRA_PERIODS = 2

COMPARISONS: Mapping[str, Callable[[float, float], bool]] = {
    "GreaterThanOrEqualToThreshold": operator.ge,
    "GreaterThanThreshold": operator.gt,
    "LessThanOrEqualToThreshold": operator.le,
    "LessThanThreshold": operator.lt,
}


class State(StrEnum):
    """An alarm's state."""

    OK = "OK"
    ALARM = "ALARM"
    INSUFFICIENT_DATA = "INSUFFICIENT_DATA"


class Missing(StrEnum):
    """How a period without data counts."""

    MISSING = "missing"
    IGNORE = "ignore"
    BREACHING = "breaching"
    NOT_BREACHING = "notBreaching"


@dataclass(frozen=True, kw_only=True)
class Alarm:
    """`statistic` is one of CloudWatch's, such as `Sum`, or a percentile, such as `p95`."""

    name: str
    state: State
    namespace: str
    metric_name: str
    dimensions: Sequence[Mapping[str, str]]
    statistic: str
    period_seconds: int
    evaluation_periods: int
    datapoints_to_alarm: int
    comparison: str
    threshold: float
    missing: Missing

    @classmethod
    def described(cls, alarm: Mapping[str, Any]) -> Self:
        """Read one of DescribeAlarms' `MetricAlarms`."""
        ignores = alarm["Namespace"] == IGNORING_NAMESPACE
        return cls(
            name=alarm["AlarmName"],
            state=State(alarm["StateValue"]),
            namespace=alarm["Namespace"],
            metric_name=alarm["MetricName"],
            dimensions=alarm["Dimensions"],
            statistic=alarm.get("ExtendedStatistic") or alarm["Statistic"],
            period_seconds=alarm["Period"],
            evaluation_periods=alarm["EvaluationPeriods"],
            datapoints_to_alarm=alarm.get("DatapointsToAlarm") or alarm["EvaluationPeriods"],
            comparison=alarm["ComparisonOperator"],
            threshold=alarm["Threshold"],
            missing=Missing.IGNORE if ignores else Missing(alarm["TreatMissingData"]),
        )

    def windows(self, now: float) -> list[Window]:
        """Return the evaluation range at `now` (epoch seconds) as (from, to), oldest first.

        Alarms are evaluated each minute, and periods end with the minute before:
        https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-evaluation.html
        """
        end = int(now // MINUTE_SECONDS) * MINUTE_SECONDS
        count = self.evaluation_periods + EXTRA_PERIODS
        starts = [end - self.period_seconds * back for back in range(count, 0, -1)]
        return [(start, start + self.period_seconds) for start in starts]

    def next_state(self, values: Sequence[float | None]) -> State:
        """Return the state that follows from the values of its windows."""
        breaches = COMPARISONS[self.comparison]
        state = next_state(
            [None if value is None else breaches(value, self.threshold) for value in values],
            evaluation_periods=self.evaluation_periods,
            datapoints_to_alarm=self.datapoints_to_alarm,
            missing=self.missing,
        )
        return state or self.state


def next_state(
    periods: Sequence[bool | None],
    *,
    evaluation_periods: int,
    datapoints_to_alarm: int,
    missing: Missing,
) -> State | None:
    """Return the state that follows from the evaluation range; None if the state stays.

    `periods` says of each period, oldest first, whether it breaches; None if it has no data.
    """
    real = [breaches for breaches in reversed(periods) if breaches is not None]
    breaching = sum(real[:evaluation_periods])
    to_fill = max(0, evaluation_periods - len(real))
    if to_fill and missing is Missing.BREACHING:
        breaching += to_fill
    if breaching >= datapoints_to_alarm:
        return State.ALARM
    if to_fill and missing in (Missing.MISSING, Missing.IGNORE):
        if not real:
            return State.INSUFFICIENT_DATA if missing is Missing.MISSING else None
        if _has_breached_long_enough(periods, datapoints_to_alarm):
            return State.ALARM if missing is Missing.MISSING else None
    return State.OK


def _has_breached_long_enough(periods: Sequence[bool | None], datapoints_to_alarm: int) -> bool:
    """Return whether all data breaches, and starts early enough that other data would be there.

    AWS: "Avoiding premature transitions to alarm state", and row 5 of both of its tables.
    """
    oldest = next(index for index, breaches in enumerate(periods) if breaches is not None)
    return False not in periods and len(periods) - oldest >= datapoints_to_alarm
