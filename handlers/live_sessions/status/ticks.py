"""The periodic status: a tick from the schedule, handed out shard by shard."""

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from live_sessions.follow_ups import send_batches

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


class Tick(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One beat of the cadence: `offset_seconds` after the rule fired at `scheduled_at`."""

    scheduled_at: datetime
    offset_seconds: int

    def due_at_ms(self) -> int:
        return int(self.scheduled_at.timestamp() * 1000) + self.offset_seconds * 1000

    def is_stale(self, now_ms: int, interval_seconds: int) -> bool:
        """Older than one interval: the next tick is due, so this one is dropped."""
        return now_ms - self.due_at_ms() > interval_seconds * 1000


class TickMessage(msgspec.Struct, frozen=True, kw_only=True):
    """What the rule's targets carry; with `shard` it is one shard's part of the tick."""

    tick: Tick
    shard: int | None = None


class ShardQueue:
    """The queue of a tick's parts; its client is built at the first use."""

    def __init__(self, client: "Callable[[], SQSClient]", queue_url: str) -> None:
        self._client = client
        self._queue_url = queue_url

    def hand_out(self, tick: Tick, shards: int) -> int:
        """Queue the tick once per shard; returns how many shards the queue refused."""
        messages = [
            (msgspec.json.encode(TickMessage(tick=tick, shard=shard)), 0) for shard in range(shards)
        ]
        return send_batches(self._client(), self._queue_url, messages)
