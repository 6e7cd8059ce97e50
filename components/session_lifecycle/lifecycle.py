"""A session's life: the functions that open, run, end and repair it, and its delayed checks.

What goes to many listeners is sent by the fan-out function; reconcile corrects counts that drifted.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
from pulumi import ResourceOptions

from components.caption_history import CaptionHistory
from components.connection_store import ConnectionStore
from components.grants import Grant
from components.handler_function import FunctionPlatform, HandlerFunction, HandlerFunctionArgs
from components.listener_fan_out import ListenerFanOut
from components.message_queue import MessageQueue
from components.session_api import Route, SessionApi, routes_of, socket_routes
from components.session_lifecycle.session_checks import SessionChecks, SessionChecksArgs
from components.session_lifecycle.session_reconciler import SessionReconciler, SessionReconcilerArgs
from components.transcript_store import TranscriptStore
from contract.functions import CONNECTION, DISCONNECT, HEARTBEAT, REFRESH, Function

DISCONNECT_TIMEOUT_SECONDS = 30


@dataclass(frozen=True, kw_only=True)
class SessionLifecycleArgs:
    """The parts of the stack that these functions use."""

    platform: FunctionPlatform
    store: ConnectionStore
    history: CaptionHistory
    transcripts: TranscriptStore
    api: SessionApi
    fan_out: ListenerFanOut


class SessionLifecycle(pulumi.ComponentResource):
    """`routes` are for `SessionApi.publish`; other functions may send `checks`, too."""

    routes: tuple[Route, ...]
    functions: tuple[HandlerFunction, ...]
    checks: SessionChecks
    queues: Mapping[str, MessageQueue]
    failure_queues: Mapping[str, MessageQueue]

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
        refresh = self._create_refresh()
        reconciler = self._create_reconciler(name)
        self.routes = (
            *socket_routes(connecting=connection, disconnecting=disconnect),
            *(route for each in (connection, heartbeat, refresh) for route in routes_of(each)),
        )
        self.functions = (connection, disconnect, heartbeat, refresh, reconciler.function)
        self.queues = {
            "sessionChecks": self.checks.queue,
            "reconcileShards": reconciler.shard_queue,
        }
        self.failure_queues = {
            "sessionCheckFailures": self.checks.failures,
            "reconcileFailures": reconciler.failures,
        }
        self.register_outputs({"sessionChecksUrl": self.checks.queue.url})

    def _create_checks(self, name: str) -> SessionChecks:
        checks = SessionChecksArgs(
            prefix=self._args.platform.prefix, consumer_timeout_seconds=DISCONNECT_TIMEOUT_SECONDS
        )
        return SessionChecks(f"{name}-checks", checks, self._child)

    def _create_connection(self) -> HandlerFunction:
        store, items = self._args.store, ("GetItem", "PutItem", "UpdateItem", "DeleteItem")
        grants = (
            store.sessions("ReadWriteSessions", *items),
            store.connections("ReadWriteConnections", *items),
            store.counting_rates(),
            self._args.history.reading(),
            self._args.transcripts.reading(),
            self._args.api.managing_connections("GET", "POST"),
            self._args.fan_out.invoking(),
            self.checks.sending(),
        )
        return self._create_function(CONNECTION, memory_megabytes=512, grants=grants)

    def _create_disconnect(self) -> HandlerFunction:
        grants = (
            self._args.store.sessions("ReadUpdateSessions", "GetItem", "UpdateItem"),
            self._args.store.connections("DeleteConnections", "DeleteItem"),
            self._args.api.managing_connections("POST"),
            self._args.fan_out.invoking(),
            self.checks.sending(),
            self.checks.consuming(),
        )
        function = self._create_function(
            DISCONNECT, timeout_seconds=DISCONNECT_TIMEOUT_SECONDS, grants=grants
        )
        function.consume("session-checks", self.checks.queue.arn)
        return function

    def _create_heartbeat(self) -> HandlerFunction:
        grants = (
            self._args.store.connections("ReadConnections", "GetItem"),
            self._args.store.hearing_connections(),
            self._args.api.managing_connections("POST"),
        )
        return self._create_function(
            HEARTBEAT, memory_megabytes=128, timeout_seconds=10, grants=grants
        )

    def _create_refresh(self) -> HandlerFunction:
        # Its transaction needs the permission of each write in it.
        grants = (
            self._args.store.sessions("ReadUpdateSessions", "GetItem", "UpdateItem"),
            self._args.store.connections(
                "ReadWriteConnections", "GetItem", "UpdateItem", "DeleteItem"
            ),
            self._args.store.counting_rates(),
            self._args.api.managing_connections("POST"),
        )
        return self._create_function(REFRESH, grants=grants)

    def _create_function(
        self,
        function: Function,
        *,
        grants: Sequence[Grant],
        memory_megabytes: int = 256,
        timeout_seconds: int = 30,
    ) -> HandlerFunction:
        args = HandlerFunctionArgs(
            platform=self._args.platform,
            function=function,
            memory_megabytes=memory_megabytes,
            timeout_seconds=timeout_seconds,
            grants=grants,
        )
        return HandlerFunction(function.entry, args, self._child)

    def _create_reconciler(self, name: str) -> SessionReconciler:
        reconciler = SessionReconcilerArgs(
            platform=self._args.platform,
            store=self._args.store,
            api=self._args.api,
            fan_out=self._args.fan_out,
            checks=self.checks,
        )
        return SessionReconciler(f"{name}-reconciler", reconciler, self._child)
