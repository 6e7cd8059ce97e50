"""One page of a session's listeners: told its end, or posted a frame."""

from collections.abc import Sequence
from dataclasses import dataclass

from botocore.exceptions import BotoCoreError, ClientError

from live_sessions.departures import Departures
from live_sessions.follow_ups import AnyFanOutTask, FrameFanOut, SessionEndedFanOut
from live_sessions.posts.deliveries import Attempt, Delivery, DeliveryReport, deliver_all
from live_sessions.posts.sockets import Sockets
from live_sessions.protocol import SessionEnded
from live_sessions.sessions import now_ms
from live_sessions.tables.connection_table import ConnectionTable
from live_sessions.telemetry import count, logger


@dataclass(frozen=True)
class ListenerPosts:
    """Nothing is begun after `until_seconds` (monotonic clock); no listener costs another its
    frame.
    """

    connections: ConnectionTable
    sockets: Sockets
    departures: Departures

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
        removed = self.departures.remove(report.gone, task.session_id, until_seconds=until_seconds)
        _record(
            "frame",
            task,
            report,
            ListenersUntried=len(report.untried),
            RemovalsFailed=len(report.gone) - removed,
        )


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
