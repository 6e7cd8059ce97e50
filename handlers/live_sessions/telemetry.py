"""Log lines and metrics: Powertools, with connection ids hashed.

Metrics leave through the log in the embedded metric format, so that no function needs
cloudwatch:PutMetricData.
"""

import hashlib
import threading
from collections.abc import Mapping

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

logger = Logger(serialize_stacktrace=False)
metrics = Metrics()
_one_at_a_time = threading.Lock()


def hashed(connection_id: str) -> str:
    """A connection id as logs may carry it."""
    return hashlib.sha256(connection_id.encode()).hexdigest()[:12]


def count(**counters: int) -> None:
    """Emit the counters that are not zero, as one line."""
    _emit({name: value for name, value in counters.items() if value}, MetricUnit.Count)


def gauge(**levels: int) -> None:
    """Emit how much there is now of something, also where that is nothing, as one line."""
    _emit(levels, MetricUnit.Count)


def took(**milliseconds: int) -> None:
    """Emit how long something took; a name ends in `Milliseconds`. Clocks that differ make no
    negative time.
    """
    least = {name: max(0, value) for name, value in milliseconds.items()}
    _emit(least, MetricUnit.Milliseconds)


def _emit(values: Mapping[str, int], unit: MetricUnit) -> None:
    if not values:
        return
    with _one_at_a_time:
        for name, value in values.items():
            metrics.add_metric(name=name, unit=unit, value=value)
        metrics.flush_metrics()
