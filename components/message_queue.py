"""A standard queue, encrypted with keys of SQS, whose policy denies plain HTTP.

Dead-letter queues are of this kind too. Its grants let a function send or consume, and no more.
"""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from components.grants import Grant
from components.policies import Statement, queue_access

# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html
MAXIMUM_DELAY_SECONDS = 900
SHORTEST_RETENTION_SECONDS = 60
LONGEST_RETENTION_SECONDS = 1_209_600
MAXIMUM_NAME_LENGTH = 80
# A message in flight is hidden for this many times its consumer's time limit. Lambda requires 1 and
# advises 6: https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
ADVISED_TIMEOUTS_HIDDEN = 6


@dataclass(frozen=True, kw_only=True)
class DeadLetters:
    """The queue that a message is moved to after `maximum_receives` receives without deletion."""

    arn: pulumi.Input[str]
    maximum_receives: int


@dataclass(frozen=True, kw_only=True)
class MessageQueueArgs:
    """`consumer_timeout_seconds` is how long the consumer may take for a message, such as the time
    limit of the function that consumes it; a failed message is visible again after
    `timeouts_hidden` times as long. `rule_arn` is the EventBridge rule that may send to it, if any.
    """

    physical_name: str
    retention_seconds: int
    delay_seconds: int = 0
    consumer_timeout_seconds: int = 5
    timeouts_hidden: int = ADVISED_TIMEOUTS_HIDDEN
    dead_letters: DeadLetters | None = None
    rule_arn: pulumi.Input[str] | None = None

    def __post_init__(self) -> None:
        if len(self.physical_name) > MAXIMUM_NAME_LENGTH:
            raise ValueError(
                f"Queue name {self.physical_name!r} must have at most {MAXIMUM_NAME_LENGTH}"
                " characters: shorten the stack's name."
            )
        if not 0 <= self.delay_seconds <= MAXIMUM_DELAY_SECONDS:
            raise ValueError(
                f"Queue {self.physical_name} delays by {self.delay_seconds} s: a delay must be"
                f" from 0 to {MAXIMUM_DELAY_SECONDS} s."
            )
        if not SHORTEST_RETENTION_SECONDS <= self.retention_seconds <= LONGEST_RETENTION_SECONDS:
            raise ValueError(
                f"Queue {self.physical_name} keeps messages for {self.retention_seconds} s: it must"
                f" be from {SHORTEST_RETENTION_SECONDS} to {LONGEST_RETENTION_SECONDS} s."
            )


class MessageQueue(pulumi.ComponentResource):
    """One queue and its policy."""

    physical_name: str
    arn: pulumi.Output[str]
    url: pulumi.Output[str]
    policy: aws.sqs.QueuePolicy

    def __init__(
        self, name: str, args: MessageQueueArgs, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__("live-sessions:message_queue:MessageQueue", name, None, opts)
        child = ResourceOptions(parent=self)
        queue = self._create_queue(name, args, child)
        self.physical_name = args.physical_name
        self.arn = queue.arn
        self.url = queue.url
        self.policy = self._create_policy(name, args, child)
        self.register_outputs({"arn": self.arn, "url": self.url})

    def _create_queue(
        self, name: str, args: MessageQueueArgs, child: ResourceOptions
    ) -> aws.sqs.Queue:
        redrive = None
        if args.dead_letters is not None:
            redrive = pulumi.Output.json_dumps(
                {
                    "deadLetterTargetArn": args.dead_letters.arn,
                    "maxReceiveCount": args.dead_letters.maximum_receives,
                }
            )
        return aws.sqs.Queue(
            f"{name}-queue",
            name=args.physical_name,
            delay_seconds=args.delay_seconds,
            message_retention_seconds=args.retention_seconds,
            visibility_timeout_seconds=args.timeouts_hidden * args.consumer_timeout_seconds,
            sqs_managed_sse_enabled=True,
            redrive_policy=redrive,
            opts=child,
        )

    def _create_policy(
        self, name: str, args: MessageQueueArgs, child: ResourceOptions
    ) -> aws.sqs.QueuePolicy:
        return aws.sqs.QueuePolicy(
            f"{name}-policy",
            queue_url=self.url,
            policy=queue_access(self.arn, args.rule_arn),
            opts=child,
        )

    def sending(self, sid: str, variable: str) -> Grant:
        """Sending to this queue, whose URL is in `variable`."""
        statement = Statement(sid=sid, actions=("sqs:SendMessage",), resources=(self.arn,))
        return Grant(statements=(statement,), variables={variable: self.url})

    def consuming(self, sid: str) -> Grant:
        """Consuming this queue through an event source mapping, which needs no variable."""
        statement = Statement(
            sid=sid,
            actions=("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"),
            resources=(self.arn,),
        )
        return Grant(statements=(statement,))
