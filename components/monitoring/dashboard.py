"""The body of the dashboard: first what clients experience, then what it may be caused by.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html
"""

from collections.abc import Sequence
from typing import Any

import pulumi

from components.alarms import (
    CloudWatchMetric,
    function_metric,
    own_metric,
    queue_metric,
    stage_metric,
    table_metric,
)
from components.monitoring.arguments import MonitoringArgs
from components.transcript_store import TRANSCRIPT_FAILURES
from contract import metrics
from contract.functions import FAN_OUT, TRANSCRIPTS, TRANSLATION, Function
from contract.metrics import Metric

COLUMNS = 3
# The grid is 24 units wide.
WIDTH = 24 // COLUMNS
HEIGHT = 6
PERIOD_SECONDS = 60
PERCENTILES = ("p50", "p95", "p99")
THROTTLES = ("ReadThrottleEvents", "WriteThrottleEvents")

Graph = dict[str, Any]
Line = Sequence[Any]


def dashboard(args: MonitoringArgs) -> dict[str, Any]:
    """The body, for `Output.json_dumps`, since it contains outputs; empty graphs are left out."""
    graphs = [
        *_client_graphs(args),
        *_function_graphs(args),
        *_session_graphs(args),
        *_caption_graphs(args),
        _table_graph(args),
    ]
    widgets = [
        {
            "type": "metric",
            "x": index % COLUMNS * WIDTH,
            "y": index // COLUMNS * HEIGHT,
            "width": WIDTH,
            "height": HEIGHT,
            "properties": {"region": args.platform.region, "period": PERIOD_SECONDS, **graph},
        }
        for index, graph in enumerate(each for each in graphs if each["metrics"])
    ]
    return {"widgets": widgets}


def _client_graphs(args: MonitoringArgs) -> list[Graph]:
    def of_api(*names: str) -> list[Line]:
        return [_line(stage_metric(args.api, name)) for name in names]

    times = (
        metrics.SESSION_CREATION_MILLISECONDS,
        metrics.JOIN_MILLISECONDS,
        metrics.CONTROL_ACK_MILLISECONDS,
        metrics.STATUS_QUERY_MILLISECONDS,
    )
    graphs = [
        _graph("Connections and messages", of_api("ConnectCount", "MessageCount")),
        _graph(
            "Errors returned to clients",
            [
                *of_api("ClientError", "ExecutionError", "IntegrationError"),
                *_own_lines(args, metrics.INTERNAL_ERRORS, metrics.SERVICES_UNAVAILABLE),
            ],
        ),
        _graph(
            "Time from a message to its reply (ms)",
            [
                line
                for metric in times
                for stat in PERCENTILES
                for line in _own_lines(args, metric, stat=stat, label=f"{metric.name} {stat}")
            ],
        ),
    ]
    if args.has_route_metrics:
        graphs += [
            _graph(f"Latency by route, {stat} (ms)", [[{"expression": _routes(args, stat)}]], stat)
            for stat in PERCENTILES
        ]
    return graphs


def _routes(args: MonitoringArgs, stat: str) -> pulumi.Output[str]:
    """A search, since AWS documents other dimensions for routes than those that are emitted.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/search-expression-syntax.html
    """
    return pulumi.Output.concat(
        'SEARCH(\'Namespace="AWS/ApiGateway" MetricName="IntegrationLatency" "',
        args.api.api_id,
        f"\"', '{stat}')",
    )


def _function_graphs(args: MonitoringArgs) -> list[Graph]:
    def of_each(name: str) -> list[Line]:
        return [
            _line(function_metric(function.physical_name, name), label=function.entry)
            for function in args.functions
        ]

    return [
        *(_graph(f"Function duration, {p} (ms)", of_each("Duration"), p) for p in PERCENTILES),
        _graph("Function errors", of_each("Errors")),
        _graph("Function throttles", of_each("Throttles")),
        _graph("Concurrent executions", of_each("ConcurrentExecutions"), "Maximum"),
    ]


def _session_graphs(args: MonitoringArgs) -> list[Graph]:
    posts = (
        metrics.FRAMES_DELIVERED,
        metrics.POSTS_RETRIED,
        metrics.POSTS_FAILED,
        metrics.LISTENERS_UNTRIED,
        metrics.REMOVALS_FAILED,
    )
    return [
        _graph(
            "Sessions and listeners",
            _own_lines(args, metrics.ACTIVE_SESSIONS, metrics.ACTIVE_LISTENERS),
            "Maximum",
        ),
        _graph(
            "Periodic status pushes",
            _own_lines(
                args,
                metrics.TICKS,
                metrics.TICKS_DROPPED,
                metrics.SHARDS_REFUSED,
                metrics.STATUS_PUSHES,
                metrics.STATUS_PUSHES_FAILED,
                metrics.STATUS_PUSHES_OUT_OF_TIME,
            ),
        ),
        _graph(
            "Status pushes on changes",
            _own_lines(args, metrics.EVENT_PUSHES, metrics.EVENT_PUSHES_FAILED),
        ),
        _graph("Posts to listeners", _own_lines(args, *posts, of=FAN_OUT)),
        _graph(
            "Connections gone",
            _own_lines(
                args,
                metrics.CONNECTIONS_GONE,
                metrics.SPEAKERS_GONE,
                metrics.DEAD_SOCKETS_REMOVED,
            ),
        ),
        _graph(
            "Rate limits, and signing keys unavailable",
            _own_lines(
                args,
                metrics.RATE_LIMITED,
                metrics.RATE_LIMITS_UNAVAILABLE,
                metrics.JOINS_MISSED,
                metrics.PASSCODE_TRIES_REFUSED,
                metrics.CHUNKS_OVER_RATE,
                metrics.SPEAKERS_CLOSED,
                metrics.KEYS_UNAVAILABLE,
            ),
        ),
        _graph(
            "Messages in failure queues",
            [
                _line(
                    queue_metric(queue.physical_name, "ApproximateNumberOfMessagesVisible"),
                    label=name,
                )
                for name, queue in args.failure_queues.items()
            ],
            "Maximum",
        ),
    ]


def _caption_graphs(args: MonitoringArgs) -> list[Graph]:
    return [
        _graph(
            "Oldest audio in each slot (s)",
            [
                _line(queue_metric(queue, "ApproximateAgeOfOldestMessage"))
                for queue in args.slot_queue_names
            ],
            "Maximum",
        ),
        _graph(
            "Transcription",
            _own_lines(
                args,
                metrics.TRANSCRIBE_FAILURES,
                metrics.TRANSCRIPTIONS_GIVEN_UP,
                metrics.TRANSCRIPTS_FAILED,
                metrics.CHUNKS_LOST,
                metrics.CHUNKS_NOT_TRANSCRIBED,
                metrics.CHUNKS_DISCARDED,
                metrics.AUDIO_SLOTS_EXHAUSTED,
            ),
        ),
        _graph(
            "Captions",
            _own_lines(
                args,
                metrics.CAPTIONS_POSTED,
                metrics.TRANSLATIONS_FAILED,
                metrics.POSTS_FAILED,
                metrics.LISTENERS_UNTRIED,
                of=TRANSLATION,
            ),
        ),
        _graph("Transcripts", _transcript_lines(args)),
    ]


def _transcript_lines(args: MonitoringArgs) -> list[Line]:
    """Those written, the attempts that failed, and those that were given up."""
    given_up = "ApproximateNumberOfMessagesVisible"
    return [
        *_own_lines(args, metrics.TRANSCRIPTS_WRITTEN),
        *(
            _line(function_metric(function.physical_name, "Errors"), label="failed attempts")
            for function in args.functions
            if function.entry == TRANSCRIPTS.entry
        ),
        *(
            _line(queue_metric(queue.physical_name, given_up), label="given up", stat="Maximum")
            for name, queue in args.failure_queues.items()
            if name == TRANSCRIPT_FAILURES
        ),
    ]


def _table_graph(args: MonitoringArgs) -> Graph:
    """A table's own metrics do not include those of its indexes."""
    return _graph(
        "DynamoDB throttles",
        [
            _line(table_metric(table.name, name, index))
            for table in args.tables
            for index in ("", *(each.name for each in table.definition.indexes))
            for name in THROTTLES
        ],
    )


def _graph(title: str, lines: Sequence[Line], statistic: str = "Sum") -> Graph:
    return {"title": title, "view": "timeSeries", "stat": statistic, "metrics": lines}


def _own_lines(
    args: MonitoringArgs, *own: Metric, of: Function | None = None, **options: Any
) -> list[Line]:
    """A line for each metric and function that emits it, or the function `of` alone."""
    return [
        _line(
            own_metric(args.platform, metric, entry),
            **{"label": f"{metric.name} ({entry})", **options},
        )
        for metric in own
        for entry in metric.emitted_by
        if args.has(entry) and entry == (of.entry if of else entry)
    ]


def _line(metric: CloudWatchMetric, **options: Any) -> Line:
    """A metric in the dashboard's form, in which options such as its label come last."""
    names = [part for pair in metric.dimensions.items() for part in pair]
    return [metric.namespace, metric.name, *names, *([options] if options else [])]
