"""One page of a session's listeners: told its end, or posted a frame."""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from botocore.exceptions import BotoCoreError, ClientError

from live_sessions.follow_ups import AnyFanOutTask, FrameFanOut, SessionEndedFanOut
from live_sessions.membership import Membership
from live_sessions.posts.deliveries import Attempt, Delivery, DeliveryReport, deliver_all
from live_sessions.posts.sockets import Sockets
from live_sessions.protocol import SessionEnded
from live_sessions.sessions import Session, now_ms
from live_sessions.status.event_status import EventStatus
from live_sessions.tables.connection_table import ConnectionTable
from live_sessions.telemetry import count, logger

CONCURRENT_REMOVALS = 8
"""They all move the counts of one session row."""


@dataclass(frozen=True)
class ListenerPosts:
    """Nothing is begun after `until_seconds` (monotonic clock); no listener costs another its
    frame.
    """

    connections: ConnectionTable
    membership: Membership
    sockets: Sockets
    event_status: EventStatus

    def tell(
        self, task: AnyFanOutTask, connection_ids: Sequence[str], *, until_seconds: float
    ) -> None:
        if isinstance(task, SessionEndedFanOut):
            self._end(task, connection_ids, until_seconds)
        else:
            self._post(task, connection_ids, until_seconds)

    def _end(
        self, task: SessionEndedFanOut, connection_ids: Sequence[str], until_seconds: float
    ) -> None:
        """Delete each listener's row and post to it: whoever deletes the row tells the listener.

        Who deleted a row with an answer that was lost can only be guessed: it was this call.
        """
        frame = ended_frame(task)
        removed: set[str] = set()

        def remove_and_post(connection_id: str) -> Attempt | None:
            if connection_id not in removed:
                try:
                    removal = self.connections.remove(connection_id, session_id=task.session_id)
                except (ClientError, BotoCoreError):
                    return Attempt(Delivery.UNTRIED)
                if removal.row is None and not removal.is_doubtful:
                    return None
                removed.add(connection_id)
            return self.sockets.attempt(connection_id, frame)

        report = deliver_all(connection_ids, remove_and_post, until_seconds=until_seconds)
        _record("session ended", task, report, ListenersLeftToNextPass=len(report.untried))

    def _post(self, task: FrameFanOut, connection_ids: Sequence[str], until_seconds: float) -> None:
        """Post the frame to each listener; those who are gone lose their place."""
        frame = task.frame.encode()
        report = self.sockets.post_all(
            dict.fromkeys(connection_ids, frame), until_seconds=until_seconds
        )
        removed = self._remove(report.gone, task.session_id, until_seconds)
        _record(
            "frame",
            task,
            report,
            ListenersUntried=len(report.untried),
            RemovalsFailed=len(report.gone) - removed,
        )

    def _remove(self, gone: Sequence[str], session_id: str, until_seconds: float) -> int:
        """Remove rows and counts, and return how many; the next frame finds the rest again."""
        sessions: list[Session] = []

        def leave(connection_id: str) -> bool:
            if time.monotonic() >= until_seconds:
                return False
            try:
                session = self.membership.leave(connection_id, session_id)
            except (ClientError, BotoCoreError):
                return False
            if session is not None:
                sessions.append(session)
            return True

        if not gone:
            return 0
        with ThreadPoolExecutor(min(len(gone), CONCURRENT_REMOVALS)) as pool:
            removed = sum(pool.map(leave, gone))
        if sessions:
            latest = max(sessions, key=lambda session: session.membership_version)
            self.event_status.tell_count(latest)
        return removed


def ended_frame(task: SessionEndedFanOut) -> bytes:
    return SessionEnded(timestamp=now_ms(), session_id=task.session_id, reason=task.reason).encode()


def _record(what: str, task: AnyFanOutTask, report: DeliveryReport, **counters: int) -> None:
    count(
        FramesDelivered=len(report.delivered),
        ConnectionsGone=len(report.gone),
        PostsRetried=report.retried,
        PostsFailed=len(report.failed),
        **counters,
    )
    logger.info(
        what,
        extra={
            "session": task.session_id,
            "delivered": len(report.delivered),
            "gone": len(report.gone),
            "retried": report.retried,
            "failed": dict(report.failures),
            "untried": len(report.untried),
        },
    )
