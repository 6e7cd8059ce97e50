"""The fan-out: frames to every listener of a session, in an invocation of its own.

The first invocation reads the pages of listeners and starts another invocation for each; a session
of one page is served at once. Nothing starts after the invocation's time is up, and no listener
delays another one's frame.

Captions come as single pages, which the translation function hands out and waits for.
"""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import msgspec
from botocore.exceptions import BotoCoreError, ClientError

from contract import metrics
from live_sessions.aws.runtime import Clock, emit, logger
from live_sessions.listeners.end_notices import EndNotices
from live_sessions.listeners.membership import Membership
from live_sessions.sessions.connections import Connection, ConnectionTable, NoticeClaim
from live_sessions.sessions.follow_ups import (
    CLOSING_DELAY_SECONDS,
    AnyFanOutTask,
    CaptionPage,
    FanOut,
    FrameFanOut,
    SessionEndedFanOut,
    TranscriptQueue,
    TranscriptTask,
)
from live_sessions.sessions.rows import Session, SessionTable
from live_sessions.status.pushes import EventPushes
from live_sessions.wire.frames import SessionEnded
from live_sessions.wire.sockets import Delivery, DeliveryReport, PostResult, Sockets

PAGE_SIZE = 500
TIME_RESERVE_SECONDS = 20
"""More than the longest claim, post and delete together, with all their attempts."""

CONCURRENT_REMOVALS = 8
"""They all change the counts of one session row."""


@dataclass(frozen=True)
class Departures:
    """Removes listeners whose sockets are gone, and pushes the new count to the speaker."""

    membership: Membership
    pushes: EventPushes
    clock: Clock
    threads: Callable[[int], Executor] = ThreadPoolExecutor

    def release_place(self, removed: Connection) -> None:
        """Release the place of a listener whose row was deleted."""
        session = self.membership.release(removed)
        if session is not None:
            self.pushes.push_count(session)

    def remove(self, gone: Sequence[str], session_id: str, *, until_seconds: float) -> int:
        """Remove rows and counts, and return how many; the next frame finds the others again.

        No removal starts after `until_seconds` (of the monotonic clock).
        """
        sessions: list[Session] = []

        def leave(connection_id: str) -> bool:
            if self.clock.monotonic() >= until_seconds:
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
        with self.threads(min(len(gone), CONCURRENT_REMOVALS)) as pool:
            removed = sum(pool.map(leave, gone))
        if sessions:
            self.pushes.push_count(max(sessions, key=lambda each: each.membership_version))
        return removed


@dataclass(frozen=True, kw_only=True)
class FanOutHandler:
    """The fan-out function; `itself` starts an invocation for each of several pages.

    `captions` posts a page of a caption until a moment of the monotonic clock, and reports.
    `transcripts` is None where the stack keeps none.
    """

    sessions: SessionTable
    connections: ConnectionTable
    sockets: Sockets
    departures: Departures
    notices: EndNotices
    itself: FanOut
    captions: Callable[[CaptionPage, float], object]
    clock: Clock
    transcripts: TranscriptQueue | None = None
    page_size: int = PAGE_SIZE

    def __call__(self, event: Mapping[str, Any], context: Any) -> object:
        """Carry out the task in the event within the invocation's time; return a page's report."""
        task = msgspec.convert(event, AnyFanOutTask | CaptionPage)
        left_seconds = context.get_remaining_time_in_millis() / 1000
        until_seconds = self.clock.monotonic() + left_seconds - TIME_RESERVE_SECONDS
        if isinstance(task, CaptionPage):
            return msgspec.to_builtins(self.captions(task, until_seconds))
        if task.connection_ids is not None:
            self._serve(task, task.connection_ids, until_seconds)
            return None
        found_listeners = self._serve_all(task, until_seconds)
        if isinstance(task, SessionEndedFanOut):
            self._finish_end(task, found_listeners)
        elif task.version is not None:
            self._note_announced(task.session_id, task.version)
        return None

    def _serve_all(self, task: AnyFanOutTask, until_seconds: float) -> bool:
        """Serve every page, here or in another invocation; False if there is no listener."""
        pages = [
            [listener.connection_id for listener in page]
            for page in self.connections.listener_pages(task.session_id, page_size=self.page_size)
            if page
        ]
        for page in pages:
            if len(pages) == 1 or not self._hand_out(task, page):
                self._serve(task, page, until_seconds)
        return bool(pages)

    def _hand_out(self, task: AnyFanOutTask, connection_ids: list[str]) -> bool:
        """Start an invocation for a page; False if it could not be started."""
        try:
            self.itself.start(msgspec.structs.replace(task, connection_ids=connection_ids))
        except (ClientError, BotoCoreError):
            logger.exception("A page is served here", extra={"session": task.session_id})
            return False
        return True

    def _serve(
        self, task: AnyFanOutTask, connection_ids: Sequence[str], until_seconds: float
    ) -> None:
        if isinstance(task, SessionEndedFanOut):
            self._end_memberships(task, connection_ids, until_seconds)
        else:
            self._post_frame(task, connection_ids, until_seconds)

    def _end_memberships(
        self, task: SessionEndedFanOut, connection_ids: Sequence[str], until_seconds: float
    ) -> None:
        """Send each listener its notice, unless another pass is at it."""
        frame = self._ended_frame(task)
        claimed: set[str] = set()

        def tell(connection_id: str) -> PostResult | None:
            if connection_id not in claimed:
                try:
                    claim = self.notices.claim(connection_id, task.session_id)
                except (ClientError, BotoCoreError):
                    return PostResult(Delivery.UNTRIED)
                if claim is not NoticeClaim.MINE:
                    return None
                claimed.add(connection_id)
            return self.notices.send_once(connection_id, frame)

        report = self.sockets.deliver_all(connection_ids, tell, until_seconds=until_seconds)
        left = len(report.untried)
        if self.notices.is_given_up(task.ended_at):
            for connection_id in report.failed:
                self.notices.remove(connection_id, task.session_id)
        else:
            left += len(report.failed)
        _record("session ended", task, report, {metrics.LISTENERS_LEFT_TO_NEXT_PASS: left})

    def _post_frame(
        self, task: FrameFanOut, connection_ids: Sequence[str], until_seconds: float
    ) -> None:
        """Post the frame to each listener; remove those whose sockets are gone."""
        frame = task.frame.encode()
        report = self.sockets.post_all(
            dict.fromkeys(connection_ids, frame), until_seconds=until_seconds
        )
        removed = self.departures.remove(report.gone, task.session_id, until_seconds=until_seconds)
        _record(
            "frame",
            task,
            report,
            {
                metrics.LISTENERS_UNTRIED: len(report.untried),
                metrics.REMOVALS_FAILED: len(report.gone) - removed,
            },
        )

    def _finish_end(self, task: SessionEndedFanOut, found_listeners: bool) -> None:
        """Notify the speaker, unless they ended the session; close it once all are notified."""
        is_done = self.notices.notify_speaker(
            task.speaker_connection_id, self._ended_frame(task), task.ended_at
        )
        if is_done and not found_listeners:
            self._close_if_due(task.session_id)

    def _note_announced(self, session_id: str, version: int) -> None:
        try:
            self.sessions.note_announced(session_id, version)
        except (ClientError, BotoCoreError):
            logger.exception("Reconcile sends the state again", extra={"session": session_id})

    def _close_if_due(self, session_id: str) -> None:
        session = self.sessions.get(session_id)
        if session is None or session.ended_at is None:
            return
        if self.clock.now_ms() - session.ended_at >= CLOSING_DELAY_SECONDS * 1000:
            # If this fails, the session stays in the active index, and reconcile comes back to it.
            self._have_transcript_written(session, session.ended_at)
            self.sessions.close(session_id)
            logger.info("closed", extra={"session": session_id})

    def _have_transcript_written(self, session: Session, ended_at: int) -> None:
        """By then the session's last words were kept: see CLOSING_DELAY_SECONDS."""
        user_id = session.speaker_user_id
        if self.transcripts is None or not session.keep_transcript or user_id is None:
            return
        self.transcripts.send(
            TranscriptTask(
                session_id=session.session_id,
                user_id=user_id,
                source_language=session.source_language,
                created_at=session.created_at,
                ended_at=ended_at,
            )
        )

    def _ended_frame(self, task: SessionEndedFanOut) -> SessionEnded:
        return SessionEnded(
            timestamp=self.clock.now_ms(), session_id=task.session_id, reason=task.reason
        )


def _record(
    what: str,
    task: AnyFanOutTask,
    report: DeliveryReport,
    further: Mapping[metrics.Metric, int],
) -> None:
    emit(
        {
            metrics.FRAMES_DELIVERED: len(report.delivered),
            metrics.CONNECTIONS_GONE: len(report.gone),
            metrics.POSTS_RETRIED: report.retried,
            metrics.POSTS_FAILED: len(report.failed),
            **further,
        }
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
