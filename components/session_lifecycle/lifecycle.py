"""A session's life: the functions that begin, carry, end and heal it, and the checks they put off.

What they tell many listeners goes through the fan-out; counts that drift all the same are healed by
reconcile. `<entry>_function.py` has what each function may do and is told.
"""

from collections.abc import Mapping

import pulumi
from pulumi import ResourceOptions

from components.handler_function import HandlerFunction
from components.message_queue import MessageQueue
from components.session_api import Route
from components.session_lifecycle.arguments import SessionLifecycleArgs
from components.session_lifecycle.connection_function import connection_function
from components.session_lifecycle.disconnect_function import TIMEOUT_SECONDS, disconnect_function
from components.session_lifecycle.heartbeat_function import heartbeat_function
from components.session_lifecycle.refresh_function import refresh_function
from components.session_lifecycle.session_checks import SessionChecks, SessionChecksArgs
from components.session_lifecycle.session_reconciler import SessionReconciler, SessionReconcilerArgs
from components.session_lifecycle.session_routes import session_routes


class SessionLifecycle(pulumi.ComponentResource):
    """`routes` for `SessionApi.publish`, `checks` for others; functions and queues for outputs."""

    routes: tuple[Route, ...]
    functions: tuple[HandlerFunction, ...]
    checks: MessageQueue
    queues: Mapping[str, MessageQueue]
    failure_queues: Mapping[str, MessageQueue]

    def __init__(
        self, name: str, args: SessionLifecycleArgs, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__("live-sessions:session_lifecycle:SessionLifecycle", name, None, opts)
        self._args = args
        self._child = ResourceOptions(parent=self)
        checks = self._create_checks(name)
        self.checks = checks.queue
        connection = HandlerFunction(
            "connection", connection_function(args, self.checks), self._child
        )
        disconnect = self._create_disconnect()
        heartbeat = HandlerFunction("heartbeat", heartbeat_function(args), self._child)
        refresh = HandlerFunction("refresh", refresh_function(args), self._child)
        reconciler = self._create_reconciler(name)
        self.routes = session_routes(
            connection=connection, disconnect=disconnect, heartbeat=heartbeat, refresh=refresh
        )
        self.functions = (connection, disconnect, heartbeat, refresh, reconciler.function)
        self.queues = {"sessionChecks": checks.queue}
        self.failure_queues = {
            "sessionCheckFailures": checks.failures,
            "reconcileFailures": reconciler.failures,
        }
        self.register_outputs({"sessionChecksUrl": self.checks.url})

    def _create_checks(self, name: str) -> SessionChecks:
        checks = SessionChecksArgs(
            prefix=self._args.platform.prefix, consumer_timeout_seconds=TIMEOUT_SECONDS
        )
        return SessionChecks(f"{name}-checks", checks, self._child)

    def _create_disconnect(self) -> HandlerFunction:
        function = HandlerFunction(
            "disconnect", disconnect_function(self._args, self.checks), self._child
        )
        function.consume("session-checks", self.checks.arn)
        return function

    def _create_reconciler(self, name: str) -> SessionReconciler:
        reconciler = SessionReconcilerArgs(
            platform=self._args.platform,
            store=self._args.store,
            fan_out=self._args.fan_out,
            speaker_grace_seconds=self._args.session_rules.speaker_grace_seconds,
            status_shards=self._args.status_shards,
        )
        return SessionReconciler(f"{name}-reconciler", reconciler, self._child)
