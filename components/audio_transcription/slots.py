"""The slots of sessions that speak: a table of who has which, and a queue of audio for each.

A slot belongs to one live session at a time. The next processor discards what it finds in the queue
from an earlier session.
"""

from dataclasses import dataclass

import pulumi
from pulumi import ResourceOptions

from components.alarms import Alarm, Breach, create_alarm, queue_metric
from components.connection_store import StackTable, TableSafety
from components.grants import Grant
from components.message_queue import SHORTEST_RETENTION_SECONDS, MessageQueue, MessageQueueArgs
from components.policies import Statement
from contract.tables import AUDIO_SLOTS

# A caption that is later than this is of no use.
RETENTION_SECONDS = SHORTEST_RETENTION_SECONDS
# Chunks are deleted when they are received. If a response of SQS is lost, its chunks are visible
# again before the processor stops waiting for them (GAP_SECONDS of its chunk order).
HIDDEN_SECONDS = 1
# A chunk is received at once. After a processor died, chunks wait for at most 10 s until its lease
# ends (ADR 0009), and until its successor has started; older ones are late.
LATE_AFTER_SECONDS = 15
# SQS reports the age once a minute. What an ended session leaves behind is late for 45 s until it
# expires, and so in one report; where no processor runs, every report is late.
REPORT_SECONDS = 60
LATE_REPORTS = 2


@dataclass(frozen=True, kw_only=True)
class SlotTableArgs:
    """`prefix` starts the table's physical name."""

    prefix: str
    safety: TableSafety


class SlotTable(pulumi.ComponentResource):
    """Which session has which slot until when: one item for each slot, by its number."""

    table: StackTable

    def __init__(self, name: str, args: SlotTableArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("live-sessions:slot_table:SlotTable", name, None, opts)
        self.table = StackTable(f"{name}-table", AUDIO_SLOTS, args.prefix, args.safety, self)
        self.register_outputs({"name": self.table.name})


@dataclass(frozen=True, kw_only=True)
class SlotQueuesArgs:
    """`slots` is how many sessions may speak at once; without `alarm_topic_arn` no alarms exist."""

    prefix: str
    slots: int
    alarm_topic_arn: pulumi.Input[str] | None


class SlotQueues(pulumi.ComponentResource):
    """The queues by slot; `url_prefix` and a slot's number make the URL of that slot's queue."""

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
                self._create_alarm(slot, args.alarm_topic_arn)
        self.names = tuple(queue.physical_name for queue in self._queues)
        self.urls = tuple(queue.url for queue in self._queues)
        self.url_prefix = self.urls[0].apply(lambda url: url.removesuffix("0"))
        self.register_outputs({"urlPrefix": self.url_prefix})

    def _create_queue(self, prefix: str, slot: int) -> MessageQueue:
        return MessageQueue(
            f"{self._resource_name}-{slot}",
            MessageQueueArgs(
                physical_name=f"{prefix}-audio-{slot}",
                retention_seconds=RETENTION_SECONDS,
                consumer_timeout_seconds=HIDDEN_SECONDS,
                timeouts_hidden=1,
            ),
            self._child,
        )

    def _create_alarm(self, slot: int, topic_arn: pulumi.Input[str]) -> None:
        name = self._queues[slot].physical_name
        alarm = Alarm(
            name=f"{name}-late",
            description=f"Audio of slot {slot} waits for more than {LATE_AFTER_SECONDS} s: the"
            " captions of its session are late or missing.",
            metric=queue_metric(name, "ApproximateAgeOfOldestMessage"),
            statistic="Maximum",
            breaches=Breach.ABOVE,
            threshold=LATE_AFTER_SECONDS,
            period_seconds=REPORT_SECONDS,
            periods=LATE_REPORTS,
            breaching_periods=LATE_REPORTS,
        )
        create_alarm(f"{self._resource_name}-{slot}-alarm", alarm, topic_arn, self._child)

    def sending(self) -> Grant:
        """Sending audio to every slot's queue."""
        return self._grant("SendAudio", "sqs:SendMessage")

    def receiving(self) -> Grant:
        """Receiving audio from every slot's queue."""
        return self._grant("ReceiveAudio", "sqs:ReceiveMessage", "sqs:DeleteMessage")

    def _grant(self, sid: str, *actions: str) -> Grant:
        arns = tuple(queue.arn for queue in self._queues)
        return Grant(
            statements=(Statement(sid=sid, actions=actions, resources=arns),),
            variables={"AUDIO_QUEUE_URL_PREFIX": self.url_prefix},
        )
