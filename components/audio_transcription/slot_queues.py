"""The queues in which audio waits, one for each slot, with alarms for captions that lag.

A slot belongs to one live session at a time; what an earlier one left behind is thrown away by
whoever receives it.
"""

from dataclasses import dataclass

import pulumi
from pulumi import ResourceOptions

from components.alarms import Alarm, Breach, Metric, create_alarm
from components.message_queue import SHORTEST_RETENTION_SECONDS, MessageQueue, MessageQueueArgs
from components.policies import Statement

# A caption that comes later than this is no live caption.
RETENTION_SECONDS = SHORTEST_RETENTION_SECONDS
# Chunks are deleted as they are taken. Those of an answer that was lost on its way are there again
# before the processor gives up waiting for them (GAP_SECONDS of its chunk order).
HIDDEN_SECONDS = 1
# A chunk is taken at once. Behind a processor that died chunks wait for 10 s at most, until its
# lease is over (ADR 0009), and for its successor to start; what is older than this is late.
LATE_AFTER_SECONDS = 15
# SQS reports once a minute. What an ended session leaves behind is late for 45 s, until the queue
# forgets it, and so in one report; a queue that nobody works off is late in all.
REPORT_SECONDS = 60
LATE_REPORTS = 2


@dataclass(frozen=True, kw_only=True)
class SlotQueuesArgs:
    """`slots`: how many sessions may speak at once; `alarm_topic_arn`: None to have no alarms."""

    prefix: str
    slots: int
    alarm_topic_arn: pulumi.Input[str] | None


class SlotQueues(pulumi.ComponentResource):
    """`url_prefix` and a slot's number are that slot's queue URL; `names` and `urls` have all, by
    slot.
    """

    names: tuple[str, ...]
    url_prefix: pulumi.Output[str]
    urls: tuple[pulumi.Output[str], ...]

    def __init__(
        self, name: str, args: SlotQueuesArgs, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__("live-sessions:slot_queues:SlotQueues", name, None, opts)
        self._resource_name = name
        self._child = ResourceOptions(parent=self)
        self._queues = [self._create_queue(args.prefix, slot) for slot in range(args.slots)]
        if args.alarm_topic_arn is not None:
            for slot in range(args.slots):
                self._create_alarm(args.prefix, slot, args.alarm_topic_arn)
        self.names = tuple(queue.physical_name for queue in self._queues)
        self.urls = tuple(queue.url for queue in self._queues)
        self.url_prefix = self.urls[0].apply(lambda url: url.removesuffix("0"))
        self.register_outputs({"urlPrefix": self.url_prefix})

    def _create_queue(self, prefix: str, slot: int) -> MessageQueue:
        return MessageQueue(
            f"{self._resource_name}-{slot}",
            MessageQueueArgs(
                physical_name=_queue_name(prefix, slot),
                retention_seconds=RETENTION_SECONDS,
                consumer_timeout_seconds=HIDDEN_SECONDS,
                timeouts_hidden=1,
            ),
            self._child,
        )

    def _create_alarm(self, prefix: str, slot: int, topic_arn: pulumi.Input[str]) -> None:
        name = _queue_name(prefix, slot)
        alarm = Alarm(
            name=f"{name}-late",
            description=f"Audio of slot {slot} waits for more than {LATE_AFTER_SECONDS} s: the"
            " captions of its session are late or missing.",
            metric=Metric(
                namespace="AWS/SQS",
                name="ApproximateAgeOfOldestMessage",
                dimensions={"QueueName": name},
            ),
            statistic="Maximum",
            breaches=Breach.ABOVE,
            threshold=LATE_AFTER_SECONDS,
            period_seconds=REPORT_SECONDS,
            periods=LATE_REPORTS,
            breaching_periods=LATE_REPORTS,
        )
        create_alarm(f"{self._resource_name}-{slot}-alarm", alarm, topic_arn, self._child)

    def send_statement(self, sid: str) -> Statement:
        """Lets a role send to every slot's queue."""
        return self._statement(sid, "sqs:SendMessage")

    def receive_statement(self, sid: str) -> Statement:
        """Lets a role take messages off every slot's queue."""
        return self._statement(sid, "sqs:ReceiveMessage", "sqs:DeleteMessage")

    def _statement(self, sid: str, *actions: str) -> Statement:
        arns = tuple(queue.arn for queue in self._queues)
        return Statement(sid=sid, actions=actions, resources=arns)


def _queue_name(prefix: str, slot: int) -> str:
    return f"{prefix}-audio-{slot}"
