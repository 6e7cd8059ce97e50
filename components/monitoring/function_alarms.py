"""Alarms of functions that fail or are not let run, and of what nobody could work off."""

from components.alarms import Alarm
from components.monitoring.arguments import MonitoringArgs
from components.monitoring.metrics import of_function, of_queue, own
from components.monitoring.occurrence import occurrence

MEANINGS = {
    "Errors": "failed: an exception that nobody caught, or out of time",
    "Throttles": "was not let run: too many at once for the account or its reservation",
}


def function_alarms(args: MonitoringArgs) -> list[Alarm]:
    """Errors and throttles of each function, and what reconcile could not do."""
    alarms = [
        occurrence(
            name=f"{function.physical_name}-{metric.lower()}",
            description=f"Function {function.entry} {meaning}.",
            metric=of_function(function.physical_name, metric),
        )
        for function in args.functions
        for metric, meaning in MEANINGS.items()
    ]
    left = occurrence(
        name=f"{args.platform.prefix}-sessions-not-reconciled",
        description="Reconcile left sessions to its next run: counts and ends that went wrong stay"
        " so.",
        metric=own(args.platform, "reconcile", "SessionsNotReconciled"),
    )
    return [*alarms, left]


def queue_alarms(args: MonitoringArgs) -> list[Alarm]:
    """One for each queue of failures that is not empty."""
    return [
        occurrence(
            name=f"{queue.physical_name}-not-empty",
            description=f"{name}: a message failed for good and is kept for 14 days.",
            metric=of_queue(queue.physical_name, "ApproximateNumberOfMessagesVisible"),
            statistic="Maximum",
        )
        for name, queue in args.failure_queues.items()
    ]
