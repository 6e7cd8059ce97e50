"""The session status: one function that answers a speaker, and pushes to all at every interval.

A tick is spread over the shards of the active-session index, each worked off by an invocation of
its own. The function reads the tables; it writes nothing but when a speaker asked last.
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
from components.session_api import Route, SessionApi
from components.settings import RateLimits, SessionRules
from components.status_broadcaster.status_ticks import (
    MAXIMUM_EVENT_AGE_SECONDS,
    StatusTicks,
    StatusTicksArgs,
)

TIMEOUT_SECONDS = 5


@dataclass(frozen=True, kw_only=True)
class StatusBroadcasterArgs:
    """`session_checks`: where the function reports a speaker whose socket is gone; `periodic`:
    whether the status is also pushed at every interval.
    """

    platform: FunctionPlatform
    store: ConnectionStore
    api: SessionApi
    session_checks: MessageQueue
    session_rules: SessionRules
    rate_limits: RateLimits
    periodic: bool
    interval_seconds: int
    shards: int
    query_timeout_milliseconds: int


class StatusBroadcaster(pulumi.ComponentResource):
    """`routes` for `SessionApi.publish`; function, rule and queues for the stack's outputs."""

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
        self.routes = (
            Route(
                key="getSessionStatus",
                function=self.function,
                timeout_milliseconds=TIMEOUT_SECONDS * 1_000,
            ),
        )
        self.rule_name = self._ticks.rule_name
        self.queues = {
            "statusShards": self._ticks.shard_queue,
            **{f"statusTicks{late}s": queue for late, queue in self._ticks.delay_queues.items()},
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
        store, rules, limits = args.store, args.session_rules, args.rate_limits
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
                store.rate_limits_statement("CountRateLimits"),
                args.api.connections_statement("PostToConnections", "POST"),
                args.session_checks.send_statement("SendSessionChecks"),
                *self._ticks.statements(),
            ),
            environment={
                "SESSIONS_TABLE": store.sessions_table,
                "CONNECTIONS_TABLE": store.connections_table,
                "RATE_LIMITS_TABLE": store.rate_limits_table,
                "API_GATEWAY_ENDPOINT": args.api.management_endpoint,
                "STATUS_QUERY_TIMEOUT_MS": str(args.query_timeout_milliseconds),
                "PERIODIC_UPDATE_INTERVAL_SECONDS": str(args.interval_seconds),
                "LISTENER_COUNT_CHANGE_THRESHOLD_PERCENT": str(
                    rules.listener_count_change_threshold_percent
                ),
                "STATUS_SHARDS": str(args.shards),
                "STATUS_SHARD_QUEUE_URL": self._ticks.shard_queue.url,
                "SESSION_CHECKS_QUEUE_URL": args.session_checks.url,
                "SPEAKER_GRACE_SECONDS": str(rules.speaker_grace_seconds),
                "STATUS_QUERIES_PER_SPEAKER_PER_MINUTE": str(
                    limits.status_queries_per_speaker_per_minute
                ),
            },
            asynchronous=AsynchronousInvocation(
                on_failure_queue_arn=self._ticks.failures.arn,
                # Lambda waits a minute before it tries again; by then the next tick has come.
                maximum_retries=0,
                maximum_event_age_seconds=MAXIMUM_EVENT_AGE_SECONDS,
            ),
        )
        return HandlerFunction("session-status", function, self._child)
