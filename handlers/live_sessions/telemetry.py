"""Log lines and metrics: Powertools, with connection ids hashed.

Metrics leave through the log in the embedded metric format, so that no function needs
cloudwatch:PutMetricData.
"""

import hashlib
import threading

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
    with _one_at_a_time:
        for name, value in counters.items():
            if value:
                metrics.add_metric(name=name, unit=MetricUnit.Count, value=value)
        if metrics.metric_set:
            metrics.flush_metrics()
