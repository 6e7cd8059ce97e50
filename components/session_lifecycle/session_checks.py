"""Checks put off for a while: a lost speaker's grace period, the second pass after a session's end.

One queue whose messages carry their own delay; those that fail for good end in a second one.
"""

from dataclasses import dataclass

import pulumi
from pulumi import ResourceOptions

from components.message_queue import (
    LONGEST_RETENTION_SECONDS,
    DeadLetters,
    MessageQueue,
    MessageQueueArgs,
)

# A check is still worth making an hour after it was due; afterwards reconcile has made it.
RETENTION_SECONDS = 3_600
MAXIMUM_RECEIVES = 5
# A speaker's grace period is ten seconds: a failed check should not wait minutes to be tried again.
TIMEOUTS_HIDDEN = 1


@dataclass(frozen=True, kw_only=True)
class SessionChecksArgs:
    """`consumer_timeout_seconds`: the time limit of the function that makes the checks."""

    prefix: str
    consumer_timeout_seconds: int


class SessionChecks(pulumi.ComponentResource):
    """Both queues; others send to `queue`."""

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
