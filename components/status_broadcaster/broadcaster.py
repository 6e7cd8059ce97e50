"""The session status: one function answers a speaker's query, and pushes to all at each interval.

A tick is split into the shards of the active-session index, with an invocation for each. The
function reads the tables; all it writes is when a speaker last sent a query.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
from pulumi import ResourceOptions

from components.connection_store import ConnectionStore
from components.handler_function import (
    AsynchronousInvocation,
    FunctionPlatform,
    HandlerFunction,
    HandlerFunctionArgs,
)
from components.message_queue import MessageQueue
from components.session_api import Route, SessionApi, routes_of
from components.session_lifecycle import SessionChecks
from components.status_broadcaster.status_ticks import (
    MAXIMUM_EVENT_AGE_SECONDS,
    StatusTicks,
    StatusTicksArgs,
)
from contract.functions import SESSION_STATUS

TIMEOUT_SECONDS = 5


@dataclass(frozen=True, kw_only=True)
class StatusBroadcasterArgs:
    """The function sends a check to `session_checks` for a speaker whose socket is gone.

    `periodic`: whether the status is also pushed at each interval.
    """

    platform: FunctionPlatform
    store: ConnectionStore
    api: SessionApi
    session_checks: SessionChecks
    periodic: bool
    interval_seconds: int


class StatusBroadcaster(pulumi.ComponentResource):
    """`routes` are for `SessionApi.publish`; function, rule and queues are for stack outputs."""

    function: HandlerFunction
    routes: tuple[Route, ...]
    rule_name: pulumi.Output[str]
    queues: Mapping[str, MessageQueue]
    failure_queues: Mapping[str, MessageQueue]

    def __init__(
        self, name: str, args: StatusBroadcasterArgs, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__("live-sessions:status_broadcaster:StatusBroadcaster", name, None, opts)
        self._child = ResourceOptions(parent=self)
        self._ticks = self._create_ticks(name, args)
        self.function = self._create_function(args)
        self._ticks.feed(self.function)
        self.routes = routes_of(self.function)
        self.rule_name = self._ticks.rule_name
        self.queues = {
            "statusShards": self._ticks.shard_queue,
            **{f"statusTicks{delay}s": queue for delay, queue in self._ticks.delay_queues.items()},
        }
        self.failure_queues = {"statusFailures": self._ticks.failures}
        self.register_outputs({"functionName": self.function.name, "ruleName": self.rule_name})

    def _create_ticks(self, name: str, args: StatusBroadcasterArgs) -> StatusTicks:
        return StatusTicks(
            f"{name}-ticks",
            StatusTicksArgs(
                prefix=args.platform.prefix,
                interval_seconds=args.interval_seconds,
                enabled=args.periodic,
                consumer_timeout_seconds=TIMEOUT_SECONDS,
            ),
            self._child,
        )

    def _create_function(self, args: StatusBroadcasterArgs) -> HandlerFunction:
        store = args.store
        function = HandlerFunctionArgs(
            platform=args.platform,
            function=SESSION_STATUS,
            memory_megabytes=256,
            timeout_seconds=TIMEOUT_SECONDS,
            grants=(
                store.sessions("ReadSessions", "GetItem"),
                store.updating_sessions("NoteStatusRequests", "sessionId", "statusRequestedAt"),
                store.querying_active_sessions(),
                store.connections("ReadConnections", "GetItem"),
                store.counting_rates(),
                args.api.managing_connections("POST"),
                args.session_checks.sending(),
                *self._ticks.grants(),
            ),
            asynchronous=AsynchronousInvocation(
                on_failure_queue_arn=self._ticks.failures.arn,
                # Lambda waits a minute before it retries; by then the next tick has come.
                maximum_retries=0,
                maximum_event_age_seconds=MAXIMUM_EVENT_AGE_SECONDS,
            ),
        )
        return HandlerFunction("session-status", function, self._child)
