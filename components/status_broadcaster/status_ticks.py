"""The ticks that keep the status interval: a rule, queues that delay ticks, and a queue of shards.

The rule invokes the function for the first tick of a minute; each later tick goes through its own
queue. What cannot be delivered or keeps failing is moved to `failures`.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
from pulumi import ResourceOptions

from components.cadence import SECONDS_PER_MINUTE, cadence_of
from components.grants import Grant
from components.handler_function import HandlerFunction
from components.message_queue import (
    LONGEST_RETENTION_SECONDS,
    DeadLetters,
    MessageQueue,
    MessageQueueArgs,
)
from components.schedule import EventShape, Schedule, ScheduleArgs
from components.status_broadcaster.tick_names import TICK_NAMES, TickName
from contract.ticks import tick_event

# The function drops a tick that is older than one interval, so a later retry is of no use.
RETENTION_SECONDS = 2 * SECONDS_PER_MINUTE
MAXIMUM_RECEIVES = 2
# The retry must come within the interval: a later one would be dropped as stale, and the failure
# would be kept nowhere.
TIMEOUTS_HIDDEN = 2
MAXIMUM_EVENT_AGE_SECONDS = SECONDS_PER_MINUTE


@dataclass(frozen=True, kw_only=True)
class StatusTicksArgs:
    """`enabled`: whether the rule fires.

    `consumer_timeout_seconds` is the time limit of the function that consumes the ticks.
    """

    prefix: str
    interval_seconds: int
    enabled: bool
    consumer_timeout_seconds: int


class StatusTicks(pulumi.ComponentResource):
    """The rule and the queues, `delay_queues` by their delay in seconds."""

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
        self._ticks = tuple(zip(TICK_NAMES, self._cadence.offsets_seconds, strict=False))
        self.delay_queues = {
            offset: self._create_delay_queue(tick, offset) for tick, offset in self._ticks[1:]
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

    def _create_delay_queue(self, tick: TickName, delay_seconds: int) -> MessageQueue:
        names = [f"{self._resource_name}-ticks-{former}" for former in tick.former_labels]
        return self._create_queue(
            f"ticks-{tick.label}",
            delay_seconds=delay_seconds,
            rule_arn=self._schedule.arn,
            aliases=[pulumi.Alias(name=name) for name in names],
        )

    def _create_queue(
        self,
        label: str,
        *,
        delay_seconds: int = 0,
        rule_arn: pulumi.Output[str] | None = None,
        aliases: Sequence[pulumi.Alias] = (),
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
            ResourceOptions(parent=self, aliases=aliases),
        )

    def grants(self) -> tuple[Grant, ...]:
        """Sending shards, and consuming shards and ticks."""
        return (
            self.shard_queue.sending("SendShards", "STATUS_SHARD_QUEUE_URL"),
            self.shard_queue.consuming("ConsumeShards"),
            *(
                self.delay_queues[offset].consuming(f"ConsumeTicks{tick.label}")
                for tick, offset in self._ticks[1:]
            ),
        )

    def feed(self, function: HandlerFunction) -> None:
        """Delivers ticks and shards to the function, which needs `grants`."""
        function.consume("status-shards", self.shard_queue.arn)
        for tick, offset in self._ticks:
            self._schedule.add_target(
                f"tick-{tick.label}",
                self.delay_queues.get(offset, function),
                failures=self.failures,
                maximum_event_age_seconds=MAXIMUM_EVENT_AGE_SECONDS,
                shape=_tick(offset),
                former_labels=[f"tick-{former}" for former in tick.former_labels],
            )
            if offset in self.delay_queues:
                function.consume(
                    f"status-ticks-{tick.label}",
                    self.delay_queues[offset].arn,
                    former_names=[f"status-ticks-{former}" for former in tick.former_labels],
                )


def _tick(offset_seconds: int) -> EventShape:
    """The time at which the rule fired, in ISO 8601, and how many seconds later the tick is due.

    The event's own `time` may be the scheduled minute, tens of seconds earlier.
    """
    # EventBridge replaces the variable with a quoted string:
    # https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html
    fired_at = "<aws.events.event.ingestion-time>"
    template = json.dumps(tick_event(fired_at, offset_seconds))
    return EventShape(template=template.replace(f'"{fired_at}"', fired_at))
