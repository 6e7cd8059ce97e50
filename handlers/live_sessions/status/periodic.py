"""The periodic status: a tick becomes a part for each shard, a shard a post to each speaker."""

from dataclasses import dataclass

from live_sessions.follow_ups import AnyCheck, ExpiryCheck, SessionChecks, SpeakerLostCheck
from live_sessions.posts.sockets import DeliveryReport, Sockets
from live_sessions.protocol import UpdateReason
from live_sessions.sessions import Session, now_ms, periodic_status_is_due, status_frame
from live_sessions.status.ticks import ShardQueue, Tick, TickMessage
from live_sessions.tables.session_table import SessionTable
from live_sessions.telemetry import count, logger, took


@dataclass(frozen=True)
class PeriodicStatus:
    """`grace_seconds`: how long a session outlives a speaker whom a tick finds gone."""

    sessions: SessionTable
    sockets: Sockets
    shard_queue: ShardQueue
    checks: SessionChecks
    shards: int
    interval_seconds: int
    grace_seconds: int

    def beat(self, message: TickMessage, *, until_seconds: float) -> None:
        """Hand a tick out to its shards, or serve one shard; drop what is older than an interval.

        Nothing is posted after `until_seconds` (monotonic clock).
        """
        if message.tick.is_stale(now_ms(), self.interval_seconds):
            count(TicksDropped=1)
            took(TickDelayMilliseconds=now_ms() - message.tick.due_at_ms())
            logger.warning("A tick came too late", extra={"shard": message.shard})
        elif message.shard is None:
            self._hand_out(message.tick)
        else:
            self._push_to_shard(message.shard, until_seconds)

    def _hand_out(self, tick: Tick) -> None:
        refused = self.shard_queue.hand_out(tick, self.shards)
        count(Ticks=1, ShardsRefused=refused)
        took(TickDelayMilliseconds=now_ms() - tick.due_at_ms())
        logger.info("tick", extra={"offset_seconds": tick.offset_seconds, "refused": refused})

    def _push_to_shard(self, shard: int, until_seconds: float) -> None:
        at_ms = now_ms()
        sessions = list(self.sessions.active_in_shard(shard))
        due = {
            session.speaker_connection_id: session
            for session in sessions
            if periodic_status_is_due(session, at_ms, self.interval_seconds)
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
        self._tell(shard, report, len(expired))
        self._send_checks(lost, expired)

    def _send_checks(self, lost: list[Session], expired: list[Session]) -> None:
        """What a tick finds dead it leaves to the session checks; it writes nothing itself."""
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

    def _tell(self, shard: int, report: DeliveryReport, expired: int) -> None:
        count(
            StatusPushes=len(report.delivered),
            StatusPushesFailed=len(report.failed),
            StatusPushesOutOfTime=len(report.untried),
            SpeakersGone=len(report.gone),
            SessionsExpired=expired,
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
