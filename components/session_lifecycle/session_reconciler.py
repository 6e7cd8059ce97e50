"""Reconcile: every few minutes one function heals counts that drifted and finishes ended sessions.

The rule may invoke only this function, and only this rule may; what fails twice is kept in a queue.
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

INTERVAL_MINUTES = 5
# A sweep, a pause of 90 seconds if a count is too high, a second look; over before the next run.
TIMEOUT_SECONDS = 180
MAXIMUM_EVENT_AGE_SECONDS = 60 * INTERVAL_MINUTES


@dataclass(frozen=True, kw_only=True)
class SessionReconcilerArgs:
    """`status_shards`: shards of the active-session index, all of which it reads."""

    platform: FunctionPlatform
    store: ConnectionStore
    fan_out: ListenerFanOut
    speaker_grace_seconds: int
    status_shards: int


class SessionReconciler(pulumi.ComponentResource):
    """The function, its rule and the queue of its failures."""

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
                entry="reconcile",
                memory_megabytes=512,
                timeout_seconds=TIMEOUT_SECONDS,
                statements=(
                    args.store.sessions_statement("ReadUpdateSessions", "GetItem", "UpdateItem"),
                    args.store.active_sessions_statement("QueryActiveSessions"),
                    args.store.connections_statement(
                        "ReadDeleteConnections", "GetItem", "DeleteItem"
                    ),
                    args.store.listeners_statement("QueryListeners"),
                    args.fan_out.function.invoke_statement("InvokeFanOut"),
                    self.failures.send_statement("SendFailures"),
                ),
                environment={
                    "SESSIONS_TABLE": args.store.sessions_table,
                    "CONNECTIONS_TABLE": args.store.connections_table,
                    "FAN_OUT_FUNCTION": args.fan_out.function.name,
                    "STATUS_SHARDS": str(args.status_shards),
                    "SPEAKER_GRACE_SECONDS": str(args.speaker_grace_seconds),
                },
                asynchronous=AsynchronousInvocation(
                    on_failure_queue_arn=self.failures.arn,
                    maximum_retries=1,
                    maximum_event_age_seconds=MAXIMUM_EVENT_AGE_SECONDS,
                ),
            ),
            child,
        )
