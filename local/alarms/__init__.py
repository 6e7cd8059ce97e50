"""Evaluates the alarms of an account as CloudWatch does, and sets the states that change.

The caller chooses the moment, so that a test need not wait for minutes to pass.
"""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from local.alarms.alarm import Alarm, State, Window

__all__ = ["Change", "State", "evaluate_alarms"]

# https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricData.html
QUERIES_PER_CALL = 500
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_SetAlarmState.html
MAX_REASON_LENGTH = 1023

Values = dict[tuple[str, Window], float]


@dataclass(frozen=True)
class Change:
    """A new state of an alarm; `values` are its evaluation range's, oldest first."""

    name: str
    before: State
    after: State
    values: tuple[float | None, ...]

    def __str__(self) -> str:
        return f"alarm {self.name}: {self.before} → {self.after} ({self.reason})"

    @property
    def reason(self) -> str:
        """The values of the evaluation range, as text."""
        shown = ["none" if value is None else f"{value:g}" for value in self.values]
        return f"in the last {len(shown)} periods: {', '.join(shown)}"


def evaluate_alarms(cloudwatch: Any, now: float) -> list[Change]:
    """Evaluate every alarm on the metrics before `now` (epoch seconds); return the changes.

    A new state runs the alarm's actions. `cloudwatch` is a boto3 client of the local cloud.
    """
    described = cloudwatch.get_paginator("describe_alarms").paginate(AlarmTypes=["MetricAlarm"])
    alarms = [Alarm.described(each) for page in described for each in page["MetricAlarms"]]
    found = _values(cloudwatch, alarms, now)
    changes: list[Change] = []
    for alarm in alarms:
        values = tuple(found.get((alarm.name, window)) for window in alarm.windows(now))
        after = alarm.next_state(values)
        if after is not alarm.state:
            change = Change(alarm.name, alarm.state, after, values)
            cloudwatch.set_alarm_state(
                AlarmName=alarm.name,
                StateValue=after.value,
                StateReason=f"{alarm.statistic} of {alarm.metric_name} {change.reason}"[
                    :MAX_REASON_LENGTH
                ],
                StateReasonData=json.dumps({"threshold": alarm.threshold, "values": values}),
            )
            changes.append(change)
    return changes


def _values(cloudwatch: Any, alarms: Sequence[Alarm], now: float) -> Values:
    by_window: dict[Window, list[Alarm]] = defaultdict(list)
    for alarm in alarms:
        for window in alarm.windows(now):
            by_window[window].append(alarm)
    values: Values = {}
    for window, watching in by_window.items():
        for some in _batches(watching):
            queries = [_query(str(index), alarm, window) for index, alarm in enumerate(some)]
            answer = cloudwatch.get_metric_data(
                MetricDataQueries=queries, StartTime=window[0], EndTime=window[1]
            )
            for result in answer["MetricDataResults"]:
                if result["Values"]:
                    (value,) = result["Values"]
                    values[some[int(result["Id"].removeprefix("alarm"))].name, window] = value
    return values


def _query(number: str, alarm: Alarm, window: Window) -> Mapping[str, Any]:
    return {
        "Id": f"alarm{number}",
        "MetricStat": {
            "Metric": {
                "Namespace": alarm.namespace,
                "MetricName": alarm.metric_name,
                "Dimensions": alarm.dimensions,
            },
            # MiniStack's periods start at the epoch; one of this length contains the whole window.
            "Period": window[1],
            "Stat": alarm.statistic,
        },
    }


def _batches(alarms: Sequence[Alarm]) -> Iterator[list[Alarm]]:
    rest = iter(alarms)
    while batch := list(islice(rest, QUERIES_PER_CALL)):
        yield batch
