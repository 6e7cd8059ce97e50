"""The session status: one function that answers a speaker, and pushes to all at every interval.

A tick is spread over the shards of the active-session index, each worked off by an invocation of
its own. The function reads the tables; it writes nothing but when a speaker asked last.
"""

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
from components.session_api import Route, SessionApi
from components.status_broadcaster.status_ticks import (
    MAXIMUM_EVENT_AGE_SECONDS,
    StatusTicks,
    StatusTicksArgs,
)

TIMEOUT_SECONDS = 5


@dataclass(frozen=True, kw_only=True)
class StatusBroadcasterArgs:
    """`session_checks`: where the function reports a speaker whose socket is gone."""

    platform: FunctionPlatform
    store: ConnectionStore
    api: SessionApi
    session_checks: MessageQueue
    interval_seconds: int
    shards: int
    query_timeout_milliseconds: int
    listener_count_change_threshold_percent: int
    speaker_grace_seconds: int


class StatusBroadcaster(pulumi.ComponentResource):
    """`routes` for `SessionApi.publish`; function and ticks for the stack's outputs."""

    function: HandlerFunction
    ticks: StatusTicks
    routes: tuple[Route, ...]

    def __init__(
        self, name: str, args: StatusBroadcasterArgs, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__("live-sessions:status_broadcaster:StatusBroadcaster", name, None, opts)
        self._child = ResourceOptions(parent=self)
        self.ticks = self._create_ticks(name, args)
        self.function = self._create_function(args)
        self.ticks.feed(self.function)
        self.routes = (
            Route(
                key="getSessionStatus",
                function=self.function,
                timeout_milliseconds=TIMEOUT_SECONDS * 1_000,
            ),
        )
        self.register_outputs(
            {"functionName": self.function.name, "ruleName": self.ticks.rule_name}
        )

    def _create_ticks(self, name: str, args: StatusBroadcasterArgs) -> StatusTicks:
        return StatusTicks(
            f"{name}-ticks",
            StatusTicksArgs(
                prefix=args.platform.prefix,
                interval_seconds=args.interval_seconds,
                consumer_timeout_seconds=TIMEOUT_SECONDS,
            ),
            self._child,
        )

    def _create_function(self, args: StatusBroadcasterArgs) -> HandlerFunction:
        store, threshold = args.store, args.listener_count_change_threshold_percent
        noted = ("sessionId", "statusRequestedAt")
        function = HandlerFunctionArgs(
            platform=args.platform,
            entry="session_status",
            memory_megabytes=256,
            timeout_seconds=TIMEOUT_SECONDS,
            statements=(
                store.sessions_statement("ReadSessions", "GetItem"),
                store.sessions_statement("NoteStatusRequests", "UpdateItem", attributes=noted),
                store.active_sessions_statement("QueryActiveSessions"),
                store.connections_statement("ReadConnections", "GetItem"),
                args.api.connections_statement("PostToConnections", "POST"),
                args.session_checks.send_statement("SendSessionChecks"),
                *self.ticks.statements(),
            ),
            environment={
                "SESSIONS_TABLE": store.sessions_table,
                "CONNECTIONS_TABLE": store.connections_table,
                "API_GATEWAY_ENDPOINT": args.api.management_endpoint,
                "STATUS_QUERY_TIMEOUT_MS": str(args.query_timeout_milliseconds),
                "PERIODIC_UPDATE_INTERVAL_SECONDS": str(args.interval_seconds),
                "LISTENER_COUNT_CHANGE_THRESHOLD_PERCENT": str(threshold),
                "STATUS_SHARDS": str(args.shards),
                "STATUS_SHARD_QUEUE_URL": self.ticks.shard_queue.url,
                "SESSION_CHECKS_QUEUE_URL": args.session_checks.url,
                "SPEAKER_GRACE_SECONDS": str(args.speaker_grace_seconds),
            },
            asynchronous=AsynchronousInvocation(
                on_failure_queue_arn=self.ticks.failures.arn,
                # Lambda waits a minute before it tries again; by then the next tick has come.
                maximum_retries=0,
                maximum_event_age_seconds=MAXIMUM_EVENT_AGE_SECONDS,
            ),
        )
        return HandlerFunction("session-status", function, self._child)
