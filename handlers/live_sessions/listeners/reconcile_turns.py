"""Reconcile's schedule: each firing of its rule gives every shard with sessions one turn.

The turns are messages of a queue and this function's own events, so that shards are looked after
beside each other, whatever their number.
"""

import random
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec
from botocore.exceptions import BotoCoreError, ClientError

from contract import metrics
from contract.tables import STATUS_SHARDS_LIMIT
from live_sessions.aws.runtime import emit, logger
from live_sessions.listeners.reconciling import Reconciliation
from live_sessions.sessions.follow_ups import send_batches
from live_sessions.sessions.rows import SessionTable

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

CONCURRENT_SHARDS = 8


class ShardTurn(msgspec.Struct, frozen=True, kw_only=True):
    """A message of the queue: reconcile the sessions of one shard."""

    shard: int


@dataclass(frozen=True)
class TurnQueue:
    """The queue of turns; its client is built at the first use."""

    client: "Callable[[], SQSClient]"
    queue_url: str

    def hand_out(self, shards: list[int]) -> int:
        """Queue a turn for each shard; returns how many the queue refused."""
        messages = [(msgspec.json.encode(ShardTurn(shard=shard)), 0) for shard in shards]
        return send_batches(self.client(), self.queue_url, messages) if messages else 0


@dataclass(frozen=True)
class ShardContents:
    """How many sessions a shard lists, how many are live, and how many listeners these have."""

    sessions: int
    live: int
    listeners: int


@dataclass(frozen=True, kw_only=True)
class ReconcileHandler:
    """The reconcile function; `shards_swept` covers every shard that config may have used."""

    sessions: SessionTable
    turns: TurnQueue
    reconciliation: Reconciliation
    shards_swept: int = STATUS_SHARDS_LIMIT
    threads: Callable[[int], Executor] = ThreadPoolExecutor

    def __call__(self, event: Mapping[str, Any], context: Any) -> None:
        """Take the turns in the queue's event; hand turns out on the rule's."""
        if "Records" not in event:
            self._hand_out()
            return
        for record in event["Records"]:
            turn = msgspec.json.decode(record["body"], type=ShardTurn)
            self.reconciliation.reconcile_shard(turn.shard, context.get_remaining_time_in_millis)

    def _hand_out(self) -> None:
        """Give a turn to each shard that has sessions, or could not be read, in a random order."""
        shards = range(self.shards_swept)
        with self.threads(CONCURRENT_SHARDS) as pool:
            contents = dict(zip(shards, pool.map(self._contents_of, shards), strict=True))
        due = [shard for shard, found in contents.items() if found is None or found.sessions]
        random.shuffle(due)
        refused = self.turns.hand_out(due)
        read = [found for found in contents.values() if found is not None]
        # At least one session of each refused shard.
        emit({metrics.SESSIONS_NOT_RECONCILED: refused})
        if len(read) == len(contents):
            # Otherwise, the totals would be too low.
            emit(
                {
                    metrics.ACTIVE_SESSIONS: sum(found.live for found in read),
                    metrics.ACTIVE_LISTENERS: sum(found.listeners for found in read),
                }
            )
        logger.info("handed out", extra={"shards": len(due), "refused": refused})

    def _contents_of(self, shard: int) -> ShardContents | None:
        """None if the shard cannot be read; its turn tries again."""
        try:
            sessions = list(self.sessions.active_in_shard(shard))
        except (ClientError, BotoCoreError):
            logger.exception("A shard could not be read", extra={"shard": shard})
            return None
        live = [session for session in sessions if session.ended_at is None]
        return ShardContents(
            len(sessions), len(live), sum(session.listener_count for session in live)
        )
