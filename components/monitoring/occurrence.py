"""An alarm on something that should not happen, or not so often."""

from components.alarms import Alarm, Breach, Metric
from components.cadence import SECONDS_PER_MINUTE

FIVE_MINUTES_SECONDS = 300


def occurrence(
    *, name: str, description: str, metric: Metric, times: int = 1, statistic: str = "Sum"
) -> Alarm:
    """At the first time within a minute, or at so many times within five."""
    return Alarm(
        name=name,
        description=description,
        metric=metric,
        statistic=statistic,
        breaches=Breach.FROM,
        threshold=times,
        period_seconds=SECONDS_PER_MINUTE if times == 1 else FIVE_MINUTES_SECONDS,
    )
