"""From an alarm's datapoints to its state, as AWS describes it.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
"""

import operator
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum

# How many periods more than its evaluation periods CloudWatch looks at, in case some are missing.
# AWS names no rule; its examples take 5 for 3.
EXTRA_PERIODS = 2

COMPARISONS: Mapping[str, Callable[[float, float], bool]] = {
    "GreaterThanOrEqualToThreshold": operator.ge,
    "GreaterThanThreshold": operator.gt,
    "LessThanOrEqualToThreshold": operator.le,
    "LessThanThreshold": operator.lt,
}


class State(StrEnum):
    OK = "OK"
    ALARM = "ALARM"
    INSUFFICIENT_DATA = "INSUFFICIENT_DATA"


class Missing(StrEnum):
    """What a period without data counts as."""

    MISSING = "missing"
    IGNORE = "ignore"
    BREACHING = "breaching"
    NOT_BREACHING = "notBreaching"


def next_state(
    periods: Sequence[bool | None],
    *,
    evaluation_periods: int,
    datapoints_to_alarm: int,
    missing: Missing,
) -> State | None:
    """The state that follows from the evaluation range; None where the present one stays.

    `periods` are the range's, the oldest first: whether each breaches, None where it has no data.
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
        if _is_premature_no_more(periods, datapoints_to_alarm):
            return State.ALARM if missing is Missing.MISSING else None
    return State.OK


def _is_premature_no_more(periods: Sequence[bool | None], datapoints_to_alarm: int) -> bool:
    """Whether all there is breaches, and began so long ago that good data would have come.

    AWS: "Avoiding premature transitions to alarm state", and row 5 of both of its tables.
    """
    oldest = next(index for index, breaches in enumerate(periods) if breaches is not None)
    return False not in periods and len(periods) - oldest >= datapoints_to_alarm
