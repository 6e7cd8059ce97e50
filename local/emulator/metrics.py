"""The metrics that AWS publishes by itself, where MiniStack publishes none or other ones.

- A log line in the embedded metric format becomes metrics.
- Each execution of a function counts as an invocation, whatever started it, with its duration
  (which here includes the start of its environment). MiniStack counts the Invoke API's alone.
- Equal values of a metric within a minute are kept as one with their number: a function's hundred
  thousand invocations would otherwise take more memory than everything else. No period is shorter.
- Queues and running functions are measured whenever metrics are read.
- MiniStack's evaluation of alarms ignores dimensions, missing data and the number of periods, so it
  is switched off: local/alarms/ evaluates them and sets their states through the API.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable
from contextvars import Context, copy_context
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from embedded_metrics import Datum, embedded_in
from ministack.core.responses import get_account_id, get_region
from ministack.services import cloudwatch, cloudwatch_logs, lambda_svc, sqs

MINUTE_SECONDS = 60
_append_log_events = cloudwatch_logs._append_log_events
_emit_lambda_logs = lambda_svc._emit_lambda_logs
_evict_old_metrics = cloudwatch._evict_old_metrics


class _MinuteKey(NamedTuple):
    account_id: str
    region: str
    namespace: str
    name: str
    dimensions: tuple[tuple[str, str], ...]
    unit: str
    minute: int


@dataclass(frozen=True)
class _Minute:
    """The values of one metric within a minute, as often as they came."""

    first: Datum
    context: Context = field(default_factory=copy_context)
    values: Counter[float] = field(default_factory=Counter)


# Functions end on their own threads, but only the server's thread may use MiniStack's metrics.
_unread: dict[_MinuteKey, _Minute] = {}
_collecting = threading.Lock()
# Unchanged levels are stored once a minute.
_last_levels: dict[tuple[Any, ...], tuple[list[float], float]] = {}


def install() -> None:
    """Replace MiniStack's functions, which it looks up at each call."""
    cloudwatch_logs._append_log_events = _append_and_read
    lambda_svc._emit_lambda_logs = _log_and_count
    lambda_svc._emit_lambda_metrics = _count_throttle
    cloudwatch._evict_old_metrics = _store_unread
    cloudwatch._get_metric_data = _measured_first(cloudwatch._get_metric_data)
    cloudwatch._get_metric_statistics = _measured_first(cloudwatch._get_metric_statistics)
    cloudwatch._evaluate_alarm = lambda alarm: None


def _append_and_read(stream: Any, events: list[dict[str, Any]]) -> None:
    _append_log_events(stream, events)
    for event in events:
        _keep(embedded_in(event["message"]))


def _log_and_count(
    func: dict[str, Any],
    request_id: str,
    log_text: str,
    error: bool,
    duration_ms: int,
    **options: Any,
) -> None:
    _emit_lambda_logs(func, request_id, log_text, error, duration_ms, **options)
    name = (func.get("config") or func)["FunctionName"]
    counts = {"Invocations": 1, "Errors": int(error), "Throttles": 0}
    data = [_of_function(name, metric, "Count", value) for metric, value in counts.items()]
    _keep([*data, _of_function(name, "Duration", "Milliseconds", duration_ms)])


def _count_throttle(name: str, duration_ms: float, error: bool, throttle: bool) -> None:
    """MiniStack reports a throttled invocation twice, the second time with its duration."""
    if throttle and not duration_ms:
        _keep([_of_function(name, "Throttles", "Count", 1)])


def _store_unread() -> None:
    """Store the collected metrics; MiniStack calls this first in each request to CloudWatch."""
    with _collecting:
        minutes = list(_unread.values())
        _unread.clear()
    for minute in minutes:
        minute.context.run(_store, minute.first, minute.values)
    _evict_old_metrics()


def _measured_first(read: Callable[..., Any]) -> Callable[..., Any]:
    def measure_and_read(*request: Any) -> Any:
        for datum in [*_queue_levels(), *_function_levels()]:
            level = (datum.namespace, datum.name, *datum.dimensions.items())
            moment = (datum.values, datum.timestamp // 60)
            if _last_levels.get(level) != moment:
                _last_levels[level] = moment
                _store(datum, Counter(datum.values))
        return read(*request)

    return measure_and_read


def _function_levels() -> list[Datum]:
    """https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html"""
    running = lambda_svc.executions_in_flight()[1]
    return [
        _of_function(key.rpartition(":")[2], "ConcurrentExecutions", "Count", count)
        for key, count in running.items()
    ]


def _queue_levels() -> list[Datum]:
    """https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html"""
    levels: list[Datum] = []
    now = time.time()
    for queue in sqs._queues.values():
        sqs._refresh_counts(queue)
        messages = list(queue["messages"])
        visible = sum(each["visible_at"] <= now for each in messages)
        # Delayed messages do not count yet; messages in flight do.
        present = [each for each in messages if each["visible_at"] <= now or each["receive_count"]]
        age_seconds = now - min((each["sent_at"] for each in present), default=now)
        levels += [
            _of_queue(queue["name"], "ApproximateNumberOfMessagesVisible", "Count", visible),
            _of_queue(queue["name"], "ApproximateAgeOfOldestMessage", "Seconds", int(age_seconds)),
        ]
    return levels


def _of_function(name: str, metric: str, unit: str, value: float) -> Datum:
    return _now("AWS/Lambda", metric, {"FunctionName": name}, unit, value)


def _of_queue(name: str, metric: str, unit: str, value: float) -> Datum:
    return _now("AWS/SQS", metric, {"QueueName": name}, unit, value)


def _now(namespace: str, name: str, dimensions: dict[str, str], unit: str, value: float) -> Datum:
    return Datum(namespace, name, dimensions, unit, [float(value)], time.time())


def _keep(data: list[Datum]) -> None:
    scope = get_account_id(), get_region()
    for datum in data:
        of_metric = datum.namespace, datum.name, tuple(datum.dimensions.items()), datum.unit
        key = _MinuteKey(*scope, *of_metric, int(datum.timestamp // MINUTE_SECONDS))
        with _collecting:
            _unread.setdefault(key, _Minute(datum)).values.update(datum.values)


def _store(datum: Datum, values: Counter[float]) -> None:
    cloudwatch._store_datum(
        datum.namespace,
        datum.name,
        datum.dimensions,
        datum.timestamp,
        datum.unit,
        None,
        list(values),
        list(values.values()),
        None,
    )
