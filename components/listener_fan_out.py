"""The function that tells all listeners of a session something, apart from the speaker's reply.

It is invoked asynchronously, hands out pages of listeners to further invocations of itself (one
level deep), and what fails for good is kept in a queue.
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
from components.message_queue import LONGEST_RETENTION_SECONDS, MessageQueue, MessageQueueArgs
from components.policies import Statement
from components.session_api import SessionApi
from components.settings import SessionRules

ENTRY = "fan_out"
# News for listeners that is older is no news.
MAXIMUM_EVENT_AGE_SECONDS = 60


@dataclass(frozen=True, kw_only=True)
class ListenerFanOutArgs:
    """What it reads, the API whose connections it posts to, and when it tells the speaker too."""

    platform: FunctionPlatform
    store: ConnectionStore
    api: SessionApi
    session_rules: SessionRules


class ListenerFanOut(pulumi.ComponentResource):
    """The function, for others to invoke, and the queue of its failures."""

    function: HandlerFunction
    failures: MessageQueue

    def __init__(
        self, name: str, args: ListenerFanOutArgs, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__("live-sessions:listener_fan_out:ListenerFanOut", name, None, opts)
        child = ResourceOptions(parent=self)
        self.failures = MessageQueue(
            f"{name}-failures",
            MessageQueueArgs(
                physical_name=f"{args.platform.prefix}-fan-out-failures",
                retention_seconds=LONGEST_RETENTION_SECONDS,
            ),
            child,
        )
        self.function = self._create_function(args, child)
        self.register_outputs({"functionName": self.function.name})

    def _create_function(self, args: ListenerFanOutArgs, child: ResourceOptions) -> HandlerFunction:
        invoke_itself = Statement(
            sid="InvokeItself",
            actions=("lambda:InvokeFunction",),
            resources=(args.platform.function_arn(ENTRY),),
        )
        return HandlerFunction(
            "fan-out",
            HandlerFunctionArgs(
                platform=args.platform,
                entry=ENTRY,
                memory_megabytes=1024,
                timeout_seconds=60,
                statements=(
                    args.store.sessions_statement("ReadUpdateSessions", "GetItem", "UpdateItem"),
                    args.store.connections_statement(
                        "ReleaseConnections", "UpdateItem", "DeleteItem"
                    ),
                    args.store.listeners_statement("QueryListeners"),
                    args.api.connections_statement("PostToConnections", "POST"),
                    invoke_itself,
                    self.failures.send_statement("SendFailures"),
                ),
                environment={
                    "SESSIONS_TABLE": args.store.sessions_table,
                    "CONNECTIONS_TABLE": args.store.connections_table,
                    "API_GATEWAY_ENDPOINT": args.api.management_endpoint,
                    "LISTENER_COUNT_CHANGE_THRESHOLD_PERCENT": str(
                        args.session_rules.listener_count_change_threshold_percent
                    ),
                },
                asynchronous=AsynchronousInvocation(
                    on_failure_queue_arn=self.failures.arn,
                    maximum_retries=1,
                    maximum_event_age_seconds=MAXIMUM_EVENT_AGE_SECONDS,
                ),
            ),
            child,
        )
