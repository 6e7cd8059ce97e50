"""Reconcile: a scheduled function that corrects counts that drifted and finishes ended sessions.

Only its rule may invoke it. An event that fails twice is kept in a queue.
"""

from dataclasses import dataclass

import pulumi
from pulumi import ResourceOptions

from components.cadence import rate
from components.connection_store import ConnectionStore
from components.handler_function import (
    AsynchronousInvocation,
    FunctionPlatform,
    HandlerFunction,
    HandlerFunctionArgs,
)
from components.listener_fan_out import ListenerFanOut
from components.message_queue import LONGEST_RETENTION_SECONDS, MessageQueue, MessageQueueArgs
from components.schedule import Schedule, ScheduleArgs
from contract.functions import RECONCILE

INTERVAL_MINUTES = 5
# One pass over all sessions, a pause of 90 seconds where a count is too high, and a second pass;
# it is over before the next run.
TIMEOUT_SECONDS = 180
MAXIMUM_EVENT_AGE_SECONDS = 60 * INTERVAL_MINUTES


@dataclass(frozen=True, kw_only=True)
class SessionReconcilerArgs:
    """The parts of the stack that reconcile uses."""

    platform: FunctionPlatform
    store: ConnectionStore
    fan_out: ListenerFanOut


class SessionReconciler(pulumi.ComponentResource):
    """The function, its rule and the queue of failed events."""

    function: HandlerFunction
    failures: MessageQueue

    def __init__(
        self, name: str, args: SessionReconcilerArgs, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__("live-sessions:session_reconciler:SessionReconciler", name, None, opts)
        child = ResourceOptions(parent=self)
        physical_name = f"{args.platform.prefix}-reconcile"
        schedule = Schedule(
            f"{name}-schedule",
            ScheduleArgs(physical_name=physical_name, expression=rate(INTERVAL_MINUTES)),
            child,
        )
        self.failures = MessageQueue(
            f"{name}-failures",
            MessageQueueArgs(
                physical_name=f"{physical_name}-failures",
                retention_seconds=LONGEST_RETENTION_SECONDS,
                rule_arn=schedule.arn,
            ),
            child,
        )
        self.function = self._create_function(args, child)
        schedule.add_target(
            "reconcile",
            self.function,
            failures=self.failures,
            maximum_event_age_seconds=MAXIMUM_EVENT_AGE_SECONDS,
        )
        self.register_outputs({"functionName": self.function.name})

    def _create_function(
        self, args: SessionReconcilerArgs, child: ResourceOptions
    ) -> HandlerFunction:
        return HandlerFunction(
            "reconcile",
            HandlerFunctionArgs(
                platform=args.platform,
                function=RECONCILE,
                memory_megabytes=512,
                timeout_seconds=TIMEOUT_SECONDS,
                grants=(
                    args.store.sessions("ReadUpdateSessions", "GetItem", "UpdateItem"),
                    args.store.querying_active_sessions(),
                    args.store.connections("ReadDeleteConnections", "GetItem", "DeleteItem"),
                    args.store.querying_listeners(),
                    args.fan_out.invoking(),
                ),
                asynchronous=AsynchronousInvocation(
                    on_failure_queue_arn=self.failures.arn,
                    maximum_retries=1,
                    maximum_event_age_seconds=MAXIMUM_EVENT_AGE_SECONDS,
                ),
            ),
            child,
        )
