"""A processor at work on a speech that comes by the clock, with nothing of AWS."""

from __future__ import annotations

import heapq
import itertools
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, cast

import msgspec
from botocore.exceptions import ConnectTimeoutError

from live_sessions.audio.chunks import Chunk, ChunkOrder, ChunkRate, SequenceLeaps
from live_sessions.audio.processing import Allowance, Processing, SpeakerNotices
from live_sessions.audio.slots import (
    LEASE_SECONDS,
    RENEWED_EVERY_SECONDS,
    LeaseLost,
    StartProcessor,
)
from live_sessions.audio.transcription import Numbering, Transcription
from live_sessions.captions.transcripts import Transcript, TranscriptQueue
from live_sessions.sessions.rows import LAST_WORDS_SECONDS, StreamPosition
from live_sessions.wire.frames import Frame
from live_sessions.wire.sockets import Delivery
from tests.handlers.audio.clock import StandingClock
from tests.handlers.audio.recogniser import Plan, Recogniser, chunk
from tests.patience import OUT_OF_REACH_SECONDS, wait_until

CHUNK_SECONDS = 0.1
TASK = StartProcessor(session_id="session", slot=1, claim_id="claim")


class LiveUntil:
    """What the processor asks of a session."""

    def __init__(self, ends_at: float, *, keeps_transcript: bool) -> None:
        self._ends_at = ends_at
        self._keeps_transcript = keeps_transcript

    @property
    def over_at(self) -> int:
        return round(self._ends_at * 1000)

    def is_live(self, at_ms: int) -> bool:
        return at_ms < self._ends_at * 1000

    def takes_last_words(self, at_ms: int) -> bool:
        is_soon = at_ms < self.over_at + LAST_WORDS_SECONDS * 1000
        return self._keeps_transcript and not self.is_live(at_ms) and is_soon


class KeptLease:
    """Not renewed while there is `trouble`, which may raise; the session lives until `ends_at`."""

    def __init__(self, clock: StandingClock) -> None:
        self.clock = clock
        self.ends_at = float("inf")
        self.keeps_transcript = False
        self.trouble: Callable[[], bool] = lambda: False
        self.renewals: list[tuple[float, int]] = []
        self.released: tuple[int, StreamPosition | None] | None = None
        self.until = clock.now + LEASE_SECONDS

    @property
    def is_due(self) -> bool:
        return self.clock.now >= self.until - LEASE_SECONDS + RENEWED_EVERY_SECONDS

    @property
    def is_over(self) -> bool:
        return self.clock.now >= self.until

    def renew(self, *, next_caption: int) -> LiveUntil | None:
        self.renewals.append((self.clock.now, next_caption))
        until = self.clock.now + LEASE_SECONDS
        if self.trouble():
            return None
        self.until = until
        return LiveUntil(self.ends_at, keeps_transcript=self.keeps_transcript)

    def release(self, *, next_caption: int, reached: StreamPosition | None) -> None:
        self.released = (next_caption, reached)

    def longest_hold(self) -> float:
        times = [at for at, _ in self.renewals]
        return max(later - sooner for sooner, later in itertools.pairwise(times))


class Queue:
    """A slot's queue: chunks with the time from which on they can be taken, `most` at once."""

    def __init__(self, clock: StandingClock) -> None:
        self.clock = clock
        self.coming: list[tuple[float, int, Chunk]] = []
        self.takes: list[float] = []
        self.is_out: Callable[[], bool] = lambda: False
        self.most = 10
        self._numbers = itertools.count()

    def add(self, at: float, chunk: Chunk) -> None:
        heapq.heappush(self.coming, (at, next(self._numbers), chunk))

    def drop(self, sequence: int) -> None:
        """The chunk of that sequence never comes."""
        self.coming = [each for each in self.coming if each[2].sequence != sequence]
        heapq.heapify(self.coming)

    def take(self, slot: int, *, wait_seconds: int) -> list[Chunk]:
        assert slot == TASK.slot
        self.takes.append(self.clock.now)
        if self.is_out():
            raise ConnectTimeoutError(endpoint_url="https://sqs")
        if not self._is_there():
            next_at = self.coming[0][0] if self.coming else float("inf")
            self.clock.sleep(min(wait_seconds, max(0.0, next_at - self.clock.now)))
        taken: list[Chunk] = []
        while self._is_there() and len(taken) < self.most:
            taken.append(heapq.heappop(self.coming)[2])
        return taken

    def _is_there(self) -> bool:
        return bool(self.coming) and self.coming[0][0] <= self.clock.now + 1e-6


class SpeakerSocket:
    """What is posted to the speaker, and when it was posted or closed."""

    def __init__(self, clock: StandingClock) -> None:
        self.posts: list[tuple[str, dict[str, Any]]] = []
        self.closed: list[str] = []
        self.times: list[float] = []
        self._clock = clock

    def post(self, connection_id: str, frame: Frame) -> Delivery:
        self.posts.append((connection_id, msgspec.to_builtins(frame)))
        self.times.append(self._clock.now)
        return Delivery.DELIVERED

    def close(self, connection_id: str) -> None:
        self.closed.append(connection_id)
        self.times.append(self._clock.now)

    def frames(self) -> list[dict[str, Any]]:
        return [frame for _, frame in self.posts]


class Scene:
    """`closing_seconds` is how long the processor waits for a transcript that is being sent."""

    def __init__(
        self,
        *plans: Plan,
        limit_seconds: float = 900,
        next_caption: int = 0,
        with_partials: bool = False,
        chunks_per_second: int = 50,
        order: ChunkOrder | None = None,
        closing_seconds: float = OUT_OF_REACH_SECONDS,
    ) -> None:
        self.clock = StandingClock()
        self.recogniser = Recogniser(deque(plans))
        self.lease = KeptLease(self.clock)
        self.queue = Queue(self.clock)
        self.socket = SpeakerSocket(self.clock)
        self.sent: list[Transcript] = []
        self.sent_at: list[float] = []
        self.pipeline: Callable[[Transcript], object] = lambda transcript: None
        self.transcripts = TranscriptQueue(self._send, closing_seconds=closing_seconds)
        self.is_pipeline_stuck = False
        self.clock.settle = self.settle
        self.began_at = self.clock.now
        ends_at = self.clock.now + limit_seconds
        clock = self.clock.handlers
        notices = SpeakerNotices(cast(Any, self.socket), TASK.session_id, chunks_per_second, clock)
        numbering = Numbering(
            session_id=TASK.session_id,
            source_language="en",
            next_caption=next_caption,
            with_partials=with_partials,
        )
        transcription = Transcription(
            self.recogniser.open, numbering, self.transcripts.add, notices.report_failure, clock
        )
        self.processing = Processing(
            task=TASK,
            lease=cast(Any, self.lease),
            queues=cast(Any, self.queue),
            order=order or ChunkOrder(),
            leaps=SequenceLeaps(chunks_per_second, session_created_at=self.clock.now_ms),
            rate=ChunkRate(chunks_per_second),
            notices=notices,
            transcription=transcription,
            transcripts=self.transcripts,
            allowance=Allowance(lambda: ends_at - self.clock.now),
            clock=clock,
        )

    def _send(self, transcript: Transcript) -> None:
        self.pipeline(transcript)
        self.sent.append(transcript)
        self.sent_at.append(self.seconds)

    def settle(self) -> None:
        self.recogniser.settle()
        if not (self.is_pipeline_stuck or self.transcripts.is_idle()):
            wait_until(self.transcripts.is_idle)

    @property
    def seconds(self) -> float:
        """Since the scene began."""
        return self.clock.now - self.began_at

    def comes(self, at_seconds: float, *chunks: Chunk) -> None:
        """Chunks that can be taken from then on."""
        for each in chunks:
            self.queue.add(self.began_at + at_seconds, each)

    def says(self, audio: Sequence[bytes], at_seconds: float = 0, first: int = 0) -> float:
        """A chunk after the other in real time; returns when the last one is there."""
        for number, each in enumerate(audio, 1):
            at = self.began_at + at_seconds + number * CHUNK_SECONDS
            self.queue.add(at, chunk(first + number - 1, each, round(at * 1000)))
        return at_seconds + len(audio) * CHUNK_SECONDS

    def work(self) -> bool:
        """Whether the lease was held to the end."""
        try:
            self.processing.run()
        except LeaseLost:
            return False
        return True

    def words(self) -> list[int]:
        finals = [each for each in self.sent if not each.is_partial]
        return [int(each) for final in finals for each in final.text.split()]
