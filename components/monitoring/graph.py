"""One graph of the dashboard, and the lines on it."""

from collections.abc import Sequence
from typing import Any

from components.monitoring.arguments import MonitoringArgs

PERCENTILES = ("p50", "p95", "p99")

Line = Sequence[Any]


def graph(title: str, lines: Sequence[Line], statistic: str = "Sum") -> dict[str, Any]:
    return {"title": title, "view": "timeSeries", "stat": statistic, "metrics": lines}


def own_lines(args: MonitoringArgs, entry: str, *names: str, **options: Any) -> list[Line]:
    """One line each, if the stack has the function; two functions may emit the same name."""
    if not args.runs(entry):
        return []
    return [
        [
            args.platform.metrics_namespace,
            name,
            "service",
            entry,
            {"label": f"{name} ({entry})", **options},
        ]
        for name in names
    ]


def percentiles(args: MonitoringArgs, entry: str, name: str) -> list[Line]:
    return [
        line
        for stat in PERCENTILES
        for line in own_lines(args, entry, name, stat=stat, label=f"{name} {stat}")
    ]
