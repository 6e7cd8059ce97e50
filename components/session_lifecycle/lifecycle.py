"""A session's life: the functions that begin, carry, end and heal it, and the checks they put off.

What they tell many listeners goes through the fan-out; counts that drift all the same are healed by
reconcile.
"""

from dataclasses import dataclass

import pulumi
from pulumi import ResourceOptions

from components.connection_store import ConnectionStore
from components.handler_function import FunctionPlatform, HandlerFunction, HandlerFunctionArgs
from components.listener_fan_out import ListenerFanOut
from components.session_api import CONNECT, DEFAULT, DISCONNECT, Route, SessionApi
from components.session_lifecycle.session_checks import SessionChecks, SessionChecksArgs
from components.session_lifecycle.session_reconciler import SessionReconciler, SessionReconcilerArgs

DISCONNECT_TIMEOUT_SECONDS = 30
HEARTBEAT_TIMEOUT_SECONDS = 10
# As long as API Gateway waits at all.
CONNECTION_WAIT_MILLISECONDS = 29_000


@dataclass(frozen=True, kw_only=True)
class SessionLifecycleArgs:
    """`status_shards`: parts of the active-session index, over which sessions are spread."""

    platform: FunctionPlatform
    store: ConnectionStore
    api: SessionApi
    fan_out: ListenerFanOut
    maximum_listeners_per_session: int
    session_maximum_duration_hours: int
    speaker_grace_seconds: int
    status_shards: int


class SessionLifecycle(pulumi.ComponentResource):
    """`routes` for `SessionApi.publish`, and the checks that other functions may ask for."""

    routes: tuple[Route, ...]
    functions: tuple[HandlerFunction, ...]
    checks: SessionChecks
    reconciler: SessionReconciler

    def __init__(
        self, name: str, args: SessionLifecycleArgs, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__("live-sessions:session_lifecycle:SessionLifecycle", name, None, opts)
        self._args = args
        self._child = ResourceOptions(parent=self)
        self.checks = self._create_checks(name)
        connection = self._create_connection()
        disconnect = self._create_disconnect()
        heartbeat = self._create_heartbeat()
        self.reconciler = self._create_reconciler(name)
        self.functions = (connection, disconnect, heartbeat, self.reconciler.function)
        self.routes = (
            _route(CONNECT, connection, replies=False),
            _route(DISCONNECT, disconnect, replies=False),
            _route(DEFAULT, connection),
            _route("createSession", connection),
            _route("joinSession", connection),
            _route("leaveSession", connection),
            _route("endSession", connection),
            _route("heartbeat", heartbeat, HEARTBEAT_TIMEOUT_SECONDS * 1_000),
        )
        self.register_outputs({"sessionChecksUrl": self.checks.queue.url})

    def _create_checks(self, name: str) -> SessionChecks:
        return SessionChecks(
            f"{name}-checks",
            SessionChecksArgs(
                prefix=self._args.platform.prefix,
                consumer_timeout_seconds=DISCONNECT_TIMEOUT_SECONDS,
            ),
            self._child,
        )

    def _create_connection(self) -> HandlerFunction:
        args, store = self._args, self._args.store
        items = ("GetItem", "PutItem", "UpdateItem", "DeleteItem")
        function = HandlerFunctionArgs(
            platform=args.platform,
            entry="connection",
            memory_megabytes=512,
            timeout_seconds=30,
            statements=(
                store.sessions_statement("ReadWriteSessions", *items),
                store.connections_statement("ReadWriteConnections", *items),
                args.api.connections_statement("GetConnections", "GET"),
                args.fan_out.function.invoke_statement("InvokeFanOut"),
                self.checks.queue.send_statement("SendSessionChecks"),
            ),
            environment={
                "SESSIONS_TABLE": store.sessions_table,
                "CONNECTIONS_TABLE": store.connections_table,
                "API_GATEWAY_ENDPOINT": args.api.management_endpoint,
                "FAN_OUT_FUNCTION": args.fan_out.function.name,
                "SESSION_CHECKS_QUEUE_URL": self.checks.queue.url,
                "MAX_LISTENERS_PER_SESSION": str(args.maximum_listeners_per_session),
                "SESSION_MAX_DURATION_HOURS": str(args.session_maximum_duration_hours),
                "STATUS_SHARDS": str(args.status_shards),
            },
        )
        return HandlerFunction("connection", function, self._child)

    def _create_disconnect(self) -> HandlerFunction:
        args, store = self._args, self._args.store
        settings = HandlerFunctionArgs(
            platform=args.platform,
            entry="disconnect",
            memory_megabytes=256,
            timeout_seconds=DISCONNECT_TIMEOUT_SECONDS,
            statements=(
                store.sessions_statement("ReadUpdateSessions", "GetItem", "UpdateItem"),
                store.connections_statement("DeleteConnections", "DeleteItem"),
                args.fan_out.function.invoke_statement("InvokeFanOut"),
                self.checks.queue.send_statement("SendSessionChecks"),
                self.checks.queue.consume_statement("ConsumeSessionChecks"),
            ),
            environment={
                "SESSIONS_TABLE": store.sessions_table,
                "CONNECTIONS_TABLE": store.connections_table,
                "FAN_OUT_FUNCTION": args.fan_out.function.name,
                "SESSION_CHECKS_QUEUE_URL": self.checks.queue.url,
                "SPEAKER_GRACE_SECONDS": str(args.speaker_grace_seconds),
            },
        )
        function = HandlerFunction("disconnect", settings, self._child)
        function.consume("session-checks", self.checks.queue.arn)
        return function

    def _create_heartbeat(self) -> HandlerFunction:
        store = self._args.store
        function = HandlerFunctionArgs(
            platform=self._args.platform,
            entry="heartbeat",
            memory_megabytes=128,
            timeout_seconds=HEARTBEAT_TIMEOUT_SECONDS,
            statements=(store.connections_statement("ReadConnections", "GetItem"),),
            environment={"CONNECTIONS_TABLE": store.connections_table},
        )
        return HandlerFunction("heartbeat", function, self._child)

    def _create_reconciler(self, name: str) -> SessionReconciler:
        reconciler = SessionReconcilerArgs(
            platform=self._args.platform,
            store=self._args.store,
            fan_out=self._args.fan_out,
            speaker_grace_seconds=self._args.speaker_grace_seconds,
            status_shards=self._args.status_shards,
        )
        return SessionReconciler(f"{name}-reconciler", reconciler, self._child)


def _route(
    key: str,
    function: HandlerFunction,
    timeout_milliseconds: int = CONNECTION_WAIT_MILLISECONDS,
    *,
    replies: bool = True,
) -> Route:
    return Route(
        key=key, function=function, timeout_milliseconds=timeout_milliseconds, replies=replies
    )
