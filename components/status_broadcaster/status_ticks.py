"""The ticks that keep the status interval: a rule, queues that hold ticks back, and one of shards.

The tick at the start of a minute reaches the function directly, each later one through a queue of
its own. What cannot be delivered or worked off ends in `failures`.
"""

import json
from dataclasses import dataclass

import pulumi
from pulumi import ResourceOptions

from components.cadence import SECONDS_PER_MINUTE, cadence_of
from components.handler_function import HandlerFunction
from components.message_queue import (
    LONGEST_RETENTION_SECONDS,
    DeadLetters,
    MessageQueue,
    MessageQueueArgs,
)
from components.policies import Statement
from components.schedule import EventShape, Schedule, ScheduleArgs

# A tick older than one interval is dropped by the function: a retry later than this is of no use.
RETENTION_SECONDS = 2 * SECONDS_PER_MINUTE
MAXIMUM_RECEIVES = 2
# The second try has to come within the interval, or the function would drop the tick as stale and
# the failure would be kept nowhere.
TIMEOUTS_HIDDEN = 2
MAXIMUM_EVENT_AGE_SECONDS = SECONDS_PER_MINUTE


@dataclass(frozen=True, kw_only=True)
class StatusTicksArgs:
    """`enabled`: whether there are ticks; `consumer_timeout_seconds`: the time limit of the
    function that takes them.
    """

    prefix: str
    interval_seconds: int
    enabled: bool
    consumer_timeout_seconds: int


class StatusTicks(pulumi.ComponentResource):
    """The queues and the rule's name; `feed` connects them to the function."""

    rule_name: pulumi.Output[str]
    shard_queue: MessageQueue
    delay_queues: dict[int, MessageQueue]
    failures: MessageQueue

    def __init__(
        self, name: str, args: StatusTicksArgs, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__("live-sessions:status_ticks:StatusTicks", name, None, opts)
        self._resource_name = name
        self._args = args
        self._child = ResourceOptions(parent=self)
        self._cadence = cadence_of(args.interval_seconds)
        self._schedule = self._create_schedule()
        self.rule_name = self._schedule.name
        self.failures = self._create_failures()
        self.shard_queue = self._create_queue("shards")
        self.delay_queues = {
            offset: self._create_queue(f"ticks-{offset}s", offset, self._schedule.arn)
            for offset in self._cadence.offsets_seconds
            if offset > 0
        }
        self.register_outputs({"ruleName": self.rule_name})

    def _create_schedule(self) -> Schedule:
        return Schedule(
            f"{self._resource_name}-schedule",
            ScheduleArgs(
                physical_name=f"{self._args.prefix}-status",
                expression=self._cadence.schedule_expression,
                enabled=self._args.enabled,
            ),
            self._child,
        )

    def _create_failures(self) -> MessageQueue:
        return MessageQueue(
            f"{self._resource_name}-failures",
            MessageQueueArgs(
                physical_name=f"{self._args.prefix}-status-failures",
                retention_seconds=LONGEST_RETENTION_SECONDS,
                rule_arn=self._schedule.arn,
            ),
            self._child,
        )

    def _create_queue(
        self, label: str, delay_seconds: int = 0, rule_arn: pulumi.Output[str] | None = None
    ) -> MessageQueue:
        return MessageQueue(
            f"{self._resource_name}-{label}",
            MessageQueueArgs(
                physical_name=f"{self._args.prefix}-status-{label}",
                retention_seconds=RETENTION_SECONDS,
                delay_seconds=delay_seconds,
                consumer_timeout_seconds=self._args.consumer_timeout_seconds,
                timeouts_hidden=TIMEOUTS_HIDDEN,
                dead_letters=DeadLetters(arn=self.failures.arn, maximum_receives=MAXIMUM_RECEIVES),
                rule_arn=rule_arn,
            ),
            self._child,
        )

    def statements(self) -> tuple[Statement, ...]:
        """What the function needs for its queues."""
        return (
            self.shard_queue.send_statement("SendShards"),
            self.shard_queue.consume_statement("ConsumeShards"),
            *(
                queue.consume_statement(f"ConsumeTicks{offset}s")
                for offset, queue in self.delay_queues.items()
            ),
            self.failures.send_statement("SendFailures"),
        )

    def feed(self, function: HandlerFunction) -> None:
        """Gives the function the ticks and shards; the rule alone may invoke it with a tick."""
        function.consume("status-shards", self.shard_queue.arn)
        for offset in self._cadence.offsets_seconds:
            first = offset == 0
            self._schedule.add_target(
                f"tick-{offset}s",
                function if first else self.delay_queues[offset],
                failures=self.failures,
                maximum_event_age_seconds=MAXIMUM_EVENT_AGE_SECONDS,
                shape=_tick(offset),
            )
            if not first:
                function.consume(f"status-ticks-{offset}s", self.delay_queues[offset].arn)


def _tick(offset_seconds: int) -> EventShape:
    """When the rule really fired, in ISO 8601, and how long after it the tick is due.

    The event's own `time` may be the minute it was meant for, tens of seconds earlier.
    """
    # EventBridge puts a quoted text in the variable's place:
    # https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html
    fired_at = "<aws.events.event.ingestion-time>"
    template = json.dumps({"tick": {"scheduledAt": fired_at, "offsetSeconds": offset_seconds}})
    return EventShape(template=template.replace(f'"{fired_at}"', fired_at))
