"""Reconcile: a scheduled function that corrects counts, finishes sessions and removes dead sockets.

Its rule has it hand out a turn for each shard of the active sessions; it takes the turns from a
queue. What fails twice is kept in another queue.
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
from components.message_queue import (
    LONGEST_RETENTION_SECONDS,
    DeadLetters,
    MessageQueue,
    MessageQueueArgs,
)
from components.schedule import Schedule, ScheduleArgs
from components.session_api import SessionApi
from components.session_lifecycle.session_checks import SessionChecks
from contract.functions import RECONCILE

# A socket that is silent for three minutes is removed at the next turn of its session's shard.
INTERVAL_MINUTES = 2
# A pass over a shard's sessions, a pause of 90 seconds where a count is too high, and a second
# pass. It may overlap with the shard's next turn.
TIMEOUT_SECONDS = 180
MAXIMUM_EVENT_AGE_SECONDS = 60 * INTERVAL_MINUTES
# A turn that failed is taken again once its time limit is over; then it goes to the failures.
MAXIMUM_RECEIVES = 2
TIMEOUTS_HIDDEN = 1
RETENTION_SECONDS = 600


@dataclass(frozen=True, kw_only=True)
class SessionReconcilerArgs:
    """The parts of the stack that reconcile uses."""

    platform: FunctionPlatform
    store: ConnectionStore
    api: SessionApi
    fan_out: ListenerFanOut
    checks: SessionChecks


class SessionReconciler(pulumi.ComponentResource):
    """The function, its rule, its queue of shards, and the queue of what failed."""

    function: HandlerFunction
    shard_queue: MessageQueue
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
        self.shard_queue = MessageQueue(
            f"{name}-shards",
            MessageQueueArgs(
                physical_name=f"{physical_name}-shards",
                retention_seconds=RETENTION_SECONDS,
                consumer_timeout_seconds=TIMEOUT_SECONDS,
                timeouts_hidden=TIMEOUTS_HIDDEN,
                dead_letters=DeadLetters(arn=self.failures.arn, maximum_receives=MAXIMUM_RECEIVES),
            ),
            child,
        )
        self.function = self._create_function(args, child)
        self.function.consume("reconcile-shards", self.shard_queue.arn)
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
                    args.store.connections(
                        "ReadDeleteConnections", "GetItem", "BatchGetItem", "DeleteItem"
                    ),
                    args.store.querying_listeners(),
                    # It posts the count that a dead socket has changed to the speaker.
                    args.api.managing_connections("GET", "POST", "DELETE"),
                    args.fan_out.invoking(),
                    args.checks.sending(),
                    self.shard_queue.sending("SendShards", "RECONCILE_SHARD_QUEUE_URL"),
                    self.shard_queue.consuming("ConsumeShards"),
                ),
                asynchronous=AsynchronousInvocation(
                    on_failure_queue_arn=self.failures.arn,
                    maximum_retries=1,
                    maximum_event_age_seconds=MAXIMUM_EVENT_AGE_SECONDS,
                ),
            ),
            child,
        )
