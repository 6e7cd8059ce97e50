"""An alarm as CloudWatch describes it: what it looks at, and what it makes of that."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from local.alarms.state import COMPARISONS, EXTRA_PERIODS, Missing, State, next_state

MINUTE_SECONDS = 60
# Alarms on these leave missing data out, whatever they say:
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
IGNORING_NAMESPACE = "AWS/DynamoDB"

Window = tuple[int, int]


@dataclass(frozen=True, kw_only=True)
class Alarm:
    """`statistic` is one of CloudWatch's words, or a percentile such as p95."""

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
        """Takes one of DescribeAlarms' `MetricAlarms`."""
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
        """The evaluation range at `now` (epoch seconds): from, to, the oldest first.

        Alarms are evaluated each minute, and periods end with the minute before:
        https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-evaluation.html
        """
        end = int(now // MINUTE_SECONDS) * MINUTE_SECONDS
        count = self.evaluation_periods + EXTRA_PERIODS
        starts = [end - self.period_seconds * back for back in range(count, 0, -1)]
        return [(start, start + self.period_seconds) for start in starts]

    def next_state(self, values: Sequence[float | None]) -> State:
        """The state that these values of its windows lead to."""
        breaches = COMPARISONS[self.comparison]
        state = next_state(
            [None if value is None else breaches(value, self.threshold) for value in values],
            evaluation_periods=self.evaluation_periods,
            datapoints_to_alarm=self.datapoints_to_alarm,
            missing=self.missing,
        )
        return state or self.state
