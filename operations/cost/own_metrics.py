"""The custom metrics that a stack's functions emit; each name is charged once per service.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_concepts.html#Dimension
"""

import json
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from program.engine import Engine

Pair = tuple[str, str]
"""A function's entry, which is the metric's `service`, and the metric's name."""

# Overrides with which the program is recorded, because functions emit metrics with or without
# alarms and a dashboard.
WATCHED = {"alarms": True, "dashboard": True}
# Metrics that neither an alarm nor the dashboard uses.
UNWATCHED: Mapping[str, Collection[str]] = {
    "audio_processor": ("ChunksOfOthers", "ChunksUnreadable"),
    "connection": ("ListenersNotTold", "PlacesNotReleased"),
    "disconnect": ("PlacesNotReleased",),
    "fan_out": ("ListenersLeftToNextPass", "PlacesNotReleased"),
    "reconcile": (
        *("CountsCorrected", "PlacesNotReleased", "SessionsFinished", "SessionsNotReconciled"),
    ),
    "session_status": ("SessionsExpired",),
    "translation": ("PlacesNotReleased", "PostsRetried", "RemovalsFailed"),
}


def own_metrics(watched: Engine) -> frozenset[Pair]:
    """The metrics of a stack that was recorded with `WATCHED`."""
    entries = {each["handler"].partition(".")[0] for each in watched.inputs("lambda/function")}
    unwatched = {(entry, name) for entry in entries for name in UNWATCHED.get(entry, ())}
    return frozenset({*_of_alarms(watched), *_of_dashboards(watched), *unwatched})


def _of_alarms(engine: Engine) -> Iterator[Pair]:
    for alarm in engine.inputs("cloudwatch/metricAlarm"):
        queries = alarm.get("metricQueries") or []
        for metric in [alarm, *(query.get("metric") or {} for query in queries)]:
            if _is_own(metric.get("namespace")):
                yield metric["dimensions"]["service"], metric["metricName"]


def _of_dashboards(engine: Engine) -> Iterator[Pair]:
    for dashboard in engine.inputs("cloudwatch/dashboard"):
        for widget in json.loads(dashboard["dashboardBody"])["widgets"]:
            for line in widget["properties"].get("metrics", []):
                # The other lines are expressions, which cost nothing.
                if _is_own(line[0]):
                    yield line[line.index("service") + 1], line[1]


def _is_own(namespace: Any) -> bool:
    return isinstance(namespace, str) and not namespace.startswith("AWS/")
