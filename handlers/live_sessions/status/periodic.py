"""The periodic status: a tick of the schedule becomes a part for each shard, and each shard posts.

The tick's queue messages are this function's own events, too.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec

from contract import metrics
from live_sessions.aws.runtime import Clock, emit, logger
from live_sessions.sessions.follow_ups import (
    AnyCheck,
    ExpiryCheck,
    SessionChecks,
    SpeakerLostCheck,
    send_batches,
)
from live_sessions.sessions.rows import Session, SessionTable
from live_sessions.status.pushes import status_frame
from live_sessions.wire.frames import UpdateReason
from live_sessions.wire.sockets import DeliveryReport, Sockets

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

TIME_RESERVE_SECONDS = 2.5
"""More than one post, and the checks that follow the posts."""


class Tick(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One beat of the cadence: `offset_seconds` after the rule fired at `scheduled_at`."""

    scheduled_at: datetime
    offset_seconds: int

    def due_at_ms(self) -> int:
        """When the tick is due, in epoch milliseconds."""
        return int(self.scheduled_at.timestamp() * 1000) + self.offset_seconds * 1000

    def is_stale(self, now_ms: int, interval_seconds: int) -> bool:
        """Whether it is older than one interval: the next tick is due, so this one is dropped."""
        return now_ms - self.due_at_ms() > interval_seconds * 1000


class TickMessage(msgspec.Struct, frozen=True, kw_only=True):
    """What the rule's targets carry; with `shard` it is one shard's part of the tick."""

    tick: Tick
    shard: int | None = None


@dataclass(frozen=True)
class ShardQueue:
    """The queue of a tick's parts; its client is built at the first use."""

    client: "Callable[[], SQSClient]"
    queue_url: str

    def hand_out(self, tick: Tick, shards: int) -> int:
        """Queue the tick once per shard; returns how many shards the queue refused."""
        messages = [
            (msgspec.json.encode(TickMessage(tick=tick, shard=shard)), 0) for shard in range(shards)
        ]
        return send_batches(self.client(), self.queue_url, messages)


def is_due(session: Session, at_ms: int, interval_seconds: int) -> bool:
    """Whether a session is live and its status was not requested in the last half interval."""
    if not session.is_live(at_ms):
        return False
    requested_at = session.status_requested_at
    return requested_at is None or at_ms - requested_at >= interval_seconds * 1000 / 2


@dataclass(frozen=True, kw_only=True)
class TickHandler:
    """Handles a tick of the rule, or records of the delay queues and the shard queue.

    `grace_seconds` is how long a session lives on after a tick found its speaker gone.
    """

    sessions: SessionTable
    sockets: Sockets
    shard_queue: ShardQueue
    checks: SessionChecks
    clock: Clock
    shards: int
    interval_seconds: int
    grace_seconds: int

    def __call__(self, event: Mapping[str, Any], context: Any) -> dict[str, Any]:
        """Handle each message, and post nothing once the invocation's time is nearly over."""
        if "Records" in event:
            messages = [
                msgspec.json.decode(record["body"], type=TickMessage) for record in event["Records"]
            ]
        else:
            messages = [msgspec.convert(event, TickMessage)]
        left_seconds = context.get_remaining_time_in_millis() / 1000
        until_seconds = self.clock.monotonic() + left_seconds - TIME_RESERVE_SECONDS
        for message in messages:
            self._handle(message, until_seconds)
        return {"statusCode": 200}

    def _handle(self, message: TickMessage, until_seconds: float) -> None:
        now_ms = self.clock.now_ms()
        if message.tick.is_stale(now_ms, self.interval_seconds):
            emit(
                {
                    metrics.TICKS_DROPPED: 1,
                    metrics.TICK_DELAY_MILLISECONDS: now_ms - message.tick.due_at_ms(),
                }
            )
            logger.warning("A tick came too late", extra={"shard": message.shard})
        elif message.shard is None:
            self._hand_out(message.tick)
        else:
            self._push_to_shard(message.shard, until_seconds)

    def _hand_out(self, tick: Tick) -> None:
        refused = self.shard_queue.hand_out(tick, self.shards)
        emit(
            {
                metrics.TICKS: 1,
                metrics.SHARDS_REFUSED: refused,
                metrics.TICK_DELAY_MILLISECONDS: self.clock.now_ms() - tick.due_at_ms(),
            }
        )
        logger.info("tick", extra={"offset_seconds": tick.offset_seconds, "refused": refused})

    def _push_to_shard(self, shard: int, until_seconds: float) -> None:
        at_ms = self.clock.now_ms()
        sessions = list(self.sessions.active_in_shard(shard))
        due = {
            session.speaker_connection_id: session
            for session in sessions
            if is_due(session, at_ms, self.interval_seconds)
        }
        frames = {
            connection_id: status_frame(session, UpdateReason.PERIODIC, at_ms).encode()
            for connection_id, session in due.items()
        }
        report = self.sockets.post_all(frames, until_seconds=until_seconds)
        lost = [due[connection_id] for connection_id in report.gone]
        expired = [
            session
            for session in sessions
            if session.ended_at is None and session.has_expired(at_ms)
        ]
        _record(shard, report, len(expired))
        self._send_checks(lost, expired)

    def _send_checks(self, lost: list[Session], expired: list[Session]) -> None:
        """Leave lost speakers and expired sessions to the session checks; a tick writes nothing."""
        delayed: list[tuple[AnyCheck, int]] = [
            *(
                (
                    SpeakerLostCheck(
                        session_id=session.session_id, connection_id=session.speaker_connection_id
                    ),
                    self.grace_seconds,
                )
                for session in lost
            ),
            *((ExpiryCheck(session_id=session.session_id), 0) for session in expired),
        ]
        if refused := self.checks.send_all(delayed):
            logger.warning("Session checks are left to the next tick", extra={"refused": refused})


def _record(shard: int, report: DeliveryReport, expired: int) -> None:
    emit(
        {
            metrics.STATUS_PUSHES: len(report.delivered),
            metrics.STATUS_PUSHES_FAILED: len(report.failed),
            metrics.STATUS_PUSHES_OUT_OF_TIME: len(report.untried),
            metrics.SPEAKERS_GONE: len(report.gone),
            metrics.SESSIONS_EXPIRED: expired,
        }
    )
    logger.info(
        "shard",
        extra={
            "shard": shard,
            "delivered": len(report.delivered),
            "gone": len(report.gone),
            "failed": len(report.failed),
            "untried": len(report.untried),
            "expired": expired,
        },
    )
