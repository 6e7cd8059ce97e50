"""A processor at work on a speech that comes by the clock, with nothing of AWS."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from botocore.exceptions import ConnectTimeoutError

from live_sessions.audio.chunk_order import ChunkOrder
from live_sessions.audio.chunk_rate import ChunkRate
from live_sessions.audio.chunks import Chunk
from live_sessions.audio.claims import StartProcessor
from live_sessions.audio.lease import LEASE_SECONDS, Lease, LeaseLost
from live_sessions.audio.narration import Narration
from live_sessions.audio.processing import Allowance, Processing
from live_sessions.audio.speaker_notices import SpeakerNotices
from live_sessions.audio.transcription import Transcription
from live_sessions.captions.pipeline import CaptionQueue
from live_sessions.captions.transcript import Transcript
from live_sessions.posts.deliveries import Delivery
from live_sessions.stream_claim import StreamPosition
from tests.handlers.audio.clock import Clock
from tests.handlers.audio.recogniser import Plan, Recogniser, chunk
from tests.patience import wait_until

CHUNK_SECONDS = 0.1
TASK = StartProcessor(session_id="session", slot=1, claim_id="claim")


class LiveUntil:
    """What the processor asks of a session."""

    def __init__(self, ends_at: float) -> None:
        self._ends_at = ends_at

    def is_live(self, at_ms: int) -> bool:
        return at_ms < self._ends_at * 1000


class KeptLease(Lease):
    """Not renewed while there is `trouble`, which may raise; the session lives until `ends_at`."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(None, None, TASK)  # pyright: ignore[reportArgumentType]
        self.clock = clock
        self.ends_at = float("inf")
        self.trouble: Callable[[], bool] = lambda: False
        self.renewals: list[tuple[float, int]] = []
        self.released: tuple[int, StreamPosition | None] | None = None
        self._until = clock.now_ms + LEASE_SECONDS * 1000

    def renew(self, *, next_caption: int, at_ms: int) -> Any:
        self.renewals.append((self.clock.now, next_caption))
        if self.trouble():
            return None
        self._until = at_ms + LEASE_SECONDS * 1000
        return LiveUntil(self.ends_at)

    def release(self, *, next_caption: int, reached: StreamPosition | None, at_ms: int) -> None:
        self.released = (next_caption, reached)

    def longest_hold(self) -> float:
        times = [at for at, _ in self.renewals]
        return max(later - sooner for sooner, later in itertools.pairwise(times))


class Queue:
    """A slot's queue: chunks with the time from which on they can be taken, `most` at once."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.coming: deque[tuple[float, Chunk]] = deque()
        self.takes: list[float] = []
        self.is_out: Callable[[], bool] = lambda: False
        self.most = 10

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
            taken.append(self.coming.popleft()[1])
        return taken

    def _is_there(self) -> bool:
        return bool(self.coming) and self.coming[0][0] <= self.clock.now + 1e-6


class SpeakerSocket:
    def __init__(self) -> None:
        self.posts: list[tuple[str, bytes]] = []
        self.closed: list[str] = []

    def post(self, connection_id: str, data: bytes) -> Delivery:
        self.posts.append((connection_id, data))
        return Delivery.DELIVERED

    def close(self, connection_id: str) -> None:
        self.closed.append(connection_id)


class Scene:
    def __init__(
        self,
        monkeypatch: pytest.MonkeyPatch,
        *plans: Plan,
        limit_seconds: float = 900,
        next_caption: int = 0,
        with_partials: bool = False,
        chunks_per_second: int = 50,
        order: ChunkOrder | None = None,
    ) -> None:
        self.clock = Clock(monkeypatch)
        self.recogniser = Recogniser(deque(plans))
        self.lease = KeptLease(self.clock)
        self.queue = Queue(self.clock)
        self.socket = SpeakerSocket()
        self.sent: list[Transcript] = []
        self.pipeline: Callable[[Transcript], None] = self.sent.append
        self.captions = CaptionQueue(lambda transcript: self.pipeline(transcript))
        self.is_pipeline_stuck = False
        self.clock.settle = self._settle
        self.began_at = self.clock.now
        ends_at = self.clock.now + limit_seconds
        notices = SpeakerNotices(self.socket, TASK.session_id, chunks_per_second)  # pyright: ignore[reportArgumentType]
        self.narration = Narration(
            TASK.session_id,
            "en",
            next_caption=next_caption,
            with_partials=with_partials,
            pass_on=self.captions.add,
            notices=notices,
        )
        self.processing = Processing(
            task=TASK,
            lease=self.lease,
            queues=self.queue,  # pyright: ignore[reportArgumentType]
            order=order or ChunkOrder(),
            rate=ChunkRate(chunks_per_second),
            notices=notices,
            narration=self.narration,
            transcription=Transcription(self.recogniser.open, self.narration),  # pyright: ignore[reportArgumentType]
            captions=self.captions,
            allowance=Allowance(lambda: ends_at - self.clock.now),
        )

    def _settle(self) -> None:
        self.recogniser.settle()
        wait_until(lambda: self.is_pipeline_stuck or self.captions.is_idle())

    @property
    def seconds(self) -> float:
        """Since the scene began."""
        return self.clock.now - self.began_at

    def comes(self, at_seconds: float, *chunks: Chunk) -> None:
        """Chunks that can be taken from then on."""
        coming = [*self.queue.coming, *((self.began_at + at_seconds, each) for each in chunks)]
        self.queue.coming = deque(sorted(coming, key=lambda each: each[0]))

    def says(self, audio: Sequence[bytes], at_seconds: float = 0, first: int = 0) -> float:
        """A chunk after the other in real time; returns when the last one is there."""
        for number, each in enumerate(audio, 1):
            at = at_seconds + number * CHUNK_SECONDS
            arrived_at = round((self.began_at + at) * 1000)
            self.comes(at, chunk(first + number - 1, each, arrived_at))
        return at_seconds + len(audio) * CHUNK_SECONDS

    def work(self) -> bool:
        """Whether the lease was held to the end."""
        try:
            self.processing.work()
        except LeaseLost:
            return False
        return True

    def words(self) -> list[int]:
        finals = [each for each in self.sent if not each.is_partial]
        return [int(each) for final in finals for each in final.text.split()]
