"""The function that posts a frame to every listener of a session, apart from the speaker's reply.

It is invoked asynchronously and invokes itself for further pages of listeners (one level deep).
Events that keep failing are kept in a queue.
"""

from dataclasses import dataclass

import pulumi
from pulumi import ResourceOptions

from components.connection_store import ConnectionStore
from components.grants import Grant
from components.handler_function import (
    AsynchronousInvocation,
    FunctionPlatform,
    HandlerFunction,
    HandlerFunctionArgs,
)
from components.message_queue import LONGEST_RETENTION_SECONDS, MessageQueue, MessageQueueArgs
from components.session_api import SessionApi
from components.transcript_store import TranscriptStore
from contract.functions import FAN_OUT

# Older events are stale and dropped.
MAXIMUM_EVENT_AGE_SECONDS = 60
VARIABLE = "FAN_OUT_FUNCTION"


@dataclass(frozen=True, kw_only=True)
class ListenerFanOutArgs:
    """The tables that the function reads, and the API whose connections it posts to."""

    platform: FunctionPlatform
    store: ConnectionStore
    api: SessionApi
    transcripts: TranscriptStore


class ListenerFanOut(pulumi.ComponentResource):
    """The function, which others invoke, and the queue of its failed events."""

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
        invoking_itself = args.platform.invoking(FAN_OUT, "InvokeItself", VARIABLE)
        return HandlerFunction(
            "fan-out",
            HandlerFunctionArgs(
                platform=args.platform,
                function=FAN_OUT,
                memory_megabytes=1024,
                timeout_seconds=60,
                grants=(
                    args.store.sessions("ReadUpdateSessions", "GetItem", "UpdateItem"),
                    args.store.connections("ReleaseConnections", "UpdateItem", "DeleteItem"),
                    args.store.querying_listeners(),
                    args.api.managing_connections("POST"),
                    invoking_itself,
                    args.transcripts.starting(),
                ),
                asynchronous=AsynchronousInvocation(
                    on_failure_queue_arn=self.failures.arn,
                    maximum_retries=1,
                    maximum_event_age_seconds=MAXIMUM_EVENT_AGE_SECONDS,
                ),
            ),
            child,
        )

    def invoking(self) -> Grant:
        """Invoking the fan-out."""
        return self.function.invoking("InvokeFanOut", VARIABLE)
