"""Delayed checks: the end of a lost speaker's grace period, the second pass after a session ends.

They wait in one queue, each message with its own delay; those that keep failing are moved to a
second one.
"""

from dataclasses import dataclass

import pulumi
from pulumi import ResourceOptions

from components.grants import Grant
from components.message_queue import (
    LONGEST_RETENTION_SECONDS,
    DeadLetters,
    MessageQueue,
    MessageQueueArgs,
)

# An hour after a check was due, reconcile has done the same.
RETENTION_SECONDS = 3_600
MAXIMUM_RECEIVES = 5
# A grace period is ten seconds: a failed check must not wait for minutes until it is retried.
TIMEOUTS_HIDDEN = 1


@dataclass(frozen=True, kw_only=True)
class SessionChecksArgs:
    """`consumer_timeout_seconds` is the time limit of the function that makes the checks."""

    prefix: str
    consumer_timeout_seconds: int


class SessionChecks(pulumi.ComponentResource):
    """The queue of checks and the queue of failures."""

    queue: MessageQueue
    failures: MessageQueue

    def __init__(
        self, name: str, args: SessionChecksArgs, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__("live-sessions:session_checks:SessionChecks", name, None, opts)
        child = ResourceOptions(parent=self)
        self.failures = MessageQueue(
            f"{name}-failures",
            MessageQueueArgs(
                physical_name=f"{args.prefix}-session-check-failures",
                retention_seconds=LONGEST_RETENTION_SECONDS,
            ),
            child,
        )
        self.queue = MessageQueue(
            name,
            MessageQueueArgs(
                physical_name=f"{args.prefix}-session-checks",
                retention_seconds=RETENTION_SECONDS,
                consumer_timeout_seconds=args.consumer_timeout_seconds,
                timeouts_hidden=TIMEOUTS_HIDDEN,
                dead_letters=DeadLetters(arn=self.failures.arn, maximum_receives=MAXIMUM_RECEIVES),
            ),
            child,
        )
        self.register_outputs({"url": self.queue.url})

    def sending(self) -> Grant:
        """Sending checks."""
        return self.queue.sending("SendSessionChecks", "SESSION_CHECKS_QUEUE_URL")

    def consuming(self) -> Grant:
        """Making the checks that are due."""
        return self.queue.consuming("ConsumeSessionChecks")
