"""Alarms on API, functions and queues: error replies, failed posts, failures and throttles."""

from components.alarms import (
    Alarm,
    event_alarm,
    function_metric,
    own_metric,
    queue_metric,
    stage_metric,
)
from components.monitoring.arguments import MonitoringArgs
from contract.functions import RECONCILE
from contract.metrics import (
    INTERNAL_ERRORS,
    PASSCODE_TRIES_REFUSED,
    POSTS_FAILED,
    RATE_LIMITS_UNAVAILABLE,
    SERVICES_UNAVAILABLE,
    SESSIONS_NOT_RECONCILED,
    Metric,
)

UNAVAILABLE = 5
FAILED_POSTS = 20
EXECUTION_ERRORS = 5
# A handshake that is refused for its address's rate counts, too.
INTEGRATION_ERRORS = 50


def service_alarms(args: MonitoringArgs) -> list[Alarm]:
    """Alarms for the API as a whole, for each function and for each queue of failures."""
    return [*_api_alarms(args), *_reply_alarms(args), *_function_alarms(args), *_queue_alarms(args)]


def _api_alarms(args: MonitoringArgs) -> list[Alarm]:
    return [
        event_alarm(
            name=f"{args.platform.prefix}-api-execution-errors",
            description="Clients get an error of API Gateway itself, which could not invoke a"
            f" function {EXECUTION_ERRORS} times in five minutes.",
            metric=stage_metric(args.api, "ExecutionError"),
            times=EXECUTION_ERRORS,
        ),
        event_alarm(
            name=f"{args.platform.prefix}-api-integration-errors",
            description="Clients get errors: functions failed or refused handshakes"
            f" {INTEGRATION_ERRORS} times in five minutes.",
            metric=stage_metric(args.api, "IntegrationError"),
            times=INTEGRATION_ERRORS,
        ),
    ]


def _reply_alarms(args: MonitoringArgs) -> list[Alarm]:
    """Errors that functions handle themselves, so that Lambda does not count them."""
    kinds: list[tuple[Metric, str, int, str]] = [
        (
            INTERNAL_ERRORS,
            "internal-errors",
            1,
            "Clients get INTERNAL_ERROR from {entry}: a bug, whose exception is in its log.",
        ),
        (
            SERVICES_UNAVAILABLE,
            "services-unavailable",
            UNAVAILABLE,
            "Clients get SERVICE_UNAVAILABLE from {entry}: an AWS service failed {times} times in"
            " five minutes.",
        ),
        (
            RATE_LIMITS_UNAVAILABLE,
            "rate-limits-unavailable",
            1,
            "Rate limits are not enforced: {entry} cannot count messages.",
        ),
        (
            PASSCODE_TRIES_REFUSED,
            "passcode-tries-refused",
            1,
            "Somebody may be guessing the passcode of a session: {entry} refuses all who try to"
            " join it until the minute is over.",
        ),
        (
            POSTS_FAILED,
            "posts-failed",
            FAILED_POSTS,
            "Listeners miss frames: {times} posts of {entry} failed in five minutes.",
        ),
    ]
    return [
        event_alarm(
            name=f"{args.platform.prefix}-{entry.replace('_', '-')}-{name}",
            description=description.format(entry=entry, times=times),
            metric=own_metric(args.platform, metric, entry),
            times=times,
        )
        for metric, name, times, description in kinds
        for entry in metric.emitted_by
        if args.has(entry)
    ]


def _function_alarms(args: MonitoringArgs) -> list[Alarm]:
    meanings = {
        "Errors": "failed: an uncaught exception or a timeout",
        "Throttles": "was throttled: its own or the account's concurrency limit is reached",
    }
    alarms = [
        event_alarm(
            name=f"{function.physical_name}-{metric.lower()}",
            description=f"Function {function.entry} {meaning}.",
            metric=function_metric(function.physical_name, metric),
        )
        for function in args.functions
        for metric, meaning in meanings.items()
    ]
    not_reconciled = event_alarm(
        name=f"{args.platform.prefix}-sessions-not-reconciled",
        description=f"Listener counts and ended sessions stay uncorrected: {RECONCILE.entry} left"
        " sessions to its next run.",
        metric=own_metric(args.platform, SESSIONS_NOT_RECONCILED),
    )
    return [*alarms, not_reconciled]


def _queue_alarms(args: MonitoringArgs) -> list[Alarm]:
    return [
        event_alarm(
            name=f"{queue.physical_name}-not-empty",
            description=f"{name}: a message failed repeatedly and is kept for 14 days.",
            metric=queue_metric(queue.physical_name, "ApproximateNumberOfMessagesVisible"),
            statistic="Maximum",
        )
        for name, queue in args.failure_queues.items()
    ]
