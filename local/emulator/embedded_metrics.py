"""Metrics in log lines in CloudWatch's embedded metric format, read as CloudWatch does.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

MARK = '"_aws"'


@dataclass(frozen=True)
class Datum:
    """Values of one metric, all at one time; `timestamp` is epoch seconds."""

    namespace: str
    name: str
    dimensions: dict[str, str]
    unit: str
    values: list[float]
    timestamp: float


def embedded_in(line: str) -> list[Datum]:
    """Return the metrics in a log line; none if it is other text or violates the format."""
    if MARK not in line or not line.startswith("{"):
        return []
    try:
        return list(_data(json.loads(line)))
    except (ValueError, KeyError, TypeError, AttributeError):
        return []


def _data(root: dict[str, Any]) -> Iterator[Datum]:
    timestamp = root["_aws"]["Timestamp"] / 1000
    for directive in root["_aws"]["CloudWatchMetrics"]:
        for names in directive["Dimensions"]:
            dimensions = {name: str(root[name]) for name in names}
            for metric in directive["Metrics"]:
                value = root[metric["Name"]]
                values = value if isinstance(value, list) else [value]
                yield Datum(
                    namespace=directive["Namespace"],
                    name=metric["Name"],
                    dimensions=dimensions,
                    unit=metric.get("Unit", "None"),
                    values=[float(each) for each in values],
                    timestamp=timestamp,
                )
