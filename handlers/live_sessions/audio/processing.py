"""One processor's work: a session's chunks from its slot's queue into Transcribe, while it holds
the lease, and an orderly end: when nobody speaks, the session ends, or its time is nearly over.
"""

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from botocore.exceptions import BotoCoreError, ClientError

from live_sessions.audio.chunk_order import ChunkOrder
from live_sessions.audio.chunk_queues import BATCH, ChunkQueues
from live_sessions.audio.chunk_rate import ChunkRate
from live_sessions.audio.chunks import Chunk
from live_sessions.audio.claims import StartProcessor
from live_sessions.audio.lease import Lease, LeaseLost
from live_sessions.audio.narration import RESERVED_CAPTIONS, Narration
from live_sessions.audio.quiet import Quiet
from live_sessions.audio.speaker_notices import SpeakerNotices
from live_sessions.audio.transcription import Transcription
from live_sessions.captions.pipeline import CaptionQueue
from live_sessions.sessions import now_ms
from live_sessions.stream_claim import StreamPosition
from live_sessions.telemetry import count, logger

CYCLE_SECONDS = 0.2
"""Chunks that come within it are taken in one call."""

WAIT_SECONDS = 1
BEHIND_SECONDS = 0.5
"""A chunk that is older has others behind it, though SQS gave fewer than it has: they are taken at
once.
"""

IDLE_SECONDS = 60
RESERVE_SECONDS = 30
"""Of the processor's own time, for an orderly end; a third of it where that is less."""

PAUSE_SOUGHT = 1.5
"""From so many times the reserve on, it ends as soon as the speaker pauses."""

LAST_RESULTS_SHARE = 1 / 2
"""Of the reserve."""

RELEASE_SHARE = 1 / 6
"""Of the reserve; what is left between is for the last captions."""

POLL_SECONDS = 0.05


class Ending(StrEnum):
    """Why a processor stopped; after HANDED_OVER the next chunk starts another one."""

    IDLE = "idle"
    SESSION_ENDED = "session ended"
    HANDED_OVER = "handed over"


@dataclass
class Allowance:
    """`left_seconds` is what remains of the function's time."""

    left_seconds: Callable[[], float]
    reserve_seconds: float = field(init=False)

    def __post_init__(self) -> None:
        self.reserve_seconds = min(RESERVE_SECONDS, self.left_seconds() / 3)

    def is_over(self, *, in_a_pause: bool) -> bool:
        reserves = PAUSE_SOUGHT if in_a_pause else 1
        return self.left_seconds() <= self.reserve_seconds * reserves


@dataclass(kw_only=True)
class Processing:
    """`work` runs until the end and raises LeaseLost when it was taken for dead."""

    task: StartProcessor
    lease: Lease
    queues: ChunkQueues
    order: ChunkOrder
    rate: ChunkRate
    notices: SpeakerNotices
    narration: Narration
    transcription: Transcription
    captions: CaptionQueue
    allowance: Allowance
    _quiet: Quiet = field(default_factory=Quiet)
    _counters: Counter[str] = field(default_factory=Counter[str])
    _taken_at: float = 0.0
    _latest_epoch: int = -1
    _holds_numbers: bool = False
    _is_session_over: bool = False

    def work(self) -> None:
        try:
            ending = self._take_until_the_end()
            if ending is not Ending.SESSION_ENDED:
                self._flush()
            self.lease.release(
                next_caption=self.narration.next_caption, reached=self._reached(), at_ms=now_ms()
            )
            logger.info("processed", extra={"session": self.task.session_id, "ending": ending})
        finally:
            self.transcription.close()
            self.captions.close()
            self._emit_counters()

    def _take_until_the_end(self) -> Ending:
        self._taken_at = time.monotonic()
        while True:
            began_at = time.monotonic()
            self._hold()
            if self._is_session_over:
                return Ending.SESSION_ENDED
            if self.allowance.is_over(in_a_pause=self._quiet.is_pause):
                return Ending.HANDED_OVER
            is_more_there = self._holds_numbers and self._take()
            self._hold()
            for chunk in self.order.ready(time.monotonic()):
                self._quiet.hear(chunk.audio)
                self.transcription.feed(chunk)
            self.transcription.tick()
            now = time.monotonic()
            if now - self._taken_at >= IDLE_SECONDS:
                return Ending.IDLE
            if not is_more_there:
                time.sleep(max(0.0, began_at + CYCLE_SECONDS - now))

    def _hold(self) -> None:
        """Keep the lease up. Raises LeaseLost.

        No chunk is taken before it was renewed for the first time: that keeps the numbers of the
        captions from a successor.
        """
        if self.lease.is_due(at_ms=now_ms()) or not self._holds_numbers:
            self._emit_counters()
            session = self.lease.renew(
                next_caption=self.narration.next_caption + RESERVED_CAPTIONS, at_ms=now_ms()
            )
            if session is not None:
                self._holds_numbers = True
                self._is_session_over = not session.is_live(now_ms())
        if self.lease.is_over(at_ms=now_ms()):
            raise LeaseLost

    def _take(self) -> bool:
        """Whether more chunks may be there already."""
        wait_seconds = 0 if self.order.is_waiting else WAIT_SECONDS
        try:
            chunks = self.queues.take(self.task.slot, wait_seconds=wait_seconds)
        except (ClientError, BotoCoreError):
            logger.exception("No chunks could be taken", extra={"session": self.task.session_id})
            return False
        for chunk in chunks:
            self._take_in(chunk)
        oldest_ms = min((chunk.arrived_at for chunk in chunks), default=now_ms())
        return len(chunks) >= BATCH or now_ms() - oldest_ms >= BEHIND_SECONDS * 1000

    def _take_in(self, chunk: Chunk) -> None:
        if chunk.session_id != self.task.session_id:
            self._counters["ChunksOfOthers"] += 1
            return
        self._taken_at = time.monotonic()
        if chunk.stream_epoch >= self._latest_epoch:
            self._latest_epoch = chunk.stream_epoch
            self.notices.connection_id = chunk.connection_id
        is_admitted = self.rate.admits(chunk.arrived_at, chunk.sequence)
        self.order.add(chunk, self._taken_at, dropped=not is_admitted)
        if is_admitted:
            return
        self._counters["ChunksOverRate"] += 1
        verdict = self.rate.verdict()
        if verdict is not None:
            self.notices.carry_out(verdict)

    def _flush(self) -> None:
        """What was taken becomes captions."""
        for chunk in self.order.rest():
            self.transcription.feed(chunk)
        seconds = min(self.allowance.reserve_seconds, self.allowance.left_seconds())
        ends_at = time.monotonic() + seconds
        self._hold_until(self.transcription.finish, ends_at - seconds * LAST_RESULTS_SHARE)
        self.transcription.close()
        self._hold_until(self.captions.is_idle, ends_at - seconds * RELEASE_SHARE)

    def _hold_until(self, is_done: Callable[[], bool], ends_at: float) -> None:
        while not is_done() and time.monotonic() < ends_at:
            self._hold()
            time.sleep(POLL_SECONDS)

    def _reached(self) -> StreamPosition | None:
        if self.order.next_sequence is None:
            return None
        return StreamPosition(
            connection_id=self.order.connection_id,
            stream_epoch=self.order.stream_epoch,
            next_sequence=self.order.next_sequence,
        )

    def _emit_counters(self) -> None:
        self._counters["ChunksLost"] = self.order.lost
        self._counters["ChunksDiscarded"] = self.order.discarded
        self._counters["ChunksNotTranscribed"] = self.transcription.lost
        self.order.lost = self.order.discarded = self.transcription.lost = 0
        count(**self._counters)
        self._counters.clear()
