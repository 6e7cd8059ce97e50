"""Chunks in the order they were spoken, none twice, and none waited for longer than two seconds.

A standard queue brings them in any order, and some twice:
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/standard-queues.html
"""

import heapq
import math
from dataclasses import dataclass, field

from live_sessions.audio.chunks import Chunk

GAP_SECONDS = 2.0
"""How long a missing chunk holds up those behind it."""

SETTLING_SECONDS = 0.2
"""Where audio begins anew nothing says which chunk is the first: time for one that is overtaken."""


@dataclass(order=True)
class _Waiting:
    stream_epoch: int
    sequence: int
    is_dropped: bool
    added_at: float = field(compare=False)
    connection_id: str = field(compare=False)
    chunk: Chunk = field(compare=False)


class ChunkOrder:
    """Times are seconds of any clock that only rises.

    `connection_id`, `stream_epoch` and `next_sequence` are where the order has come to. Every epoch
    has one connection; a connection's sequence goes on from epoch to epoch.
    """

    def __init__(
        self, connection_id: str = "", stream_epoch: int = -1, next_sequence: int | None = None
    ) -> None:
        self.connection_id: str = connection_id
        self.stream_epoch: int = stream_epoch
        self.next_sequence: int | None = next_sequence
        self.lost = 0
        self.discarded = 0
        self._waiting: list[_Waiting] = []

    def add(self, chunk: Chunk, now_seconds: float, *, dropped: bool = False) -> None:
        """Take a chunk in; one that was `dropped` does not come out, but is not missed either."""
        waiting = _Waiting(
            chunk.stream_epoch,
            chunk.sequence,
            dropped,
            now_seconds,
            chunk.connection_id,
            chunk,
        )
        heapq.heappush(self._waiting, waiting)

    @property
    def is_waiting(self) -> bool:
        return bool(self._waiting)

    def rest(self) -> list[Chunk]:
        """All that are left, in order: nobody waits any more."""
        return self.ready(math.inf)

    def ready(self, now_seconds: float) -> list[Chunk]:
        """The chunks whose turn has come."""
        chunks: list[Chunk] = []
        while self._waiting:
            first = self._waiting[0]
            if self._is_past(first):
                self.discarded += 1
            elif not self._is_due(first, now_seconds):
                break
            else:
                self._advance(first)
                if not first.is_dropped:
                    chunks.append(first.chunk)
            heapq.heappop(self._waiting)
        return chunks

    def _is_past(self, waiting: _Waiting) -> bool:
        if waiting.connection_id == self.connection_id:
            return self.next_sequence is not None and waiting.sequence < self.next_sequence
        return waiting.stream_epoch < self.stream_epoch

    def _is_due(self, first: _Waiting, now_seconds: float) -> bool:
        if first.sequence == self._expected(first.connection_id):
            return True
        # Of all that wait: one that comes late and goes first must not hold up the others anew.
        waits_since = min(waiting.added_at for waiting in self._waiting)
        is_begun = first.stream_epoch == self.stream_epoch
        return waits_since + (GAP_SECONDS if is_begun else SETTLING_SECONDS) <= now_seconds

    def _expected(self, connection_id: str) -> int | None:
        """A connection's first chunk is 0."""
        return self.next_sequence if connection_id == self.connection_id else 0

    def _advance(self, waiting: _Waiting) -> None:
        if waiting.stream_epoch == self.stream_epoch and self.next_sequence is not None:
            self.lost += waiting.sequence - self.next_sequence
        self.connection_id = waiting.connection_id
        self.stream_epoch = waiting.stream_epoch
        self.next_sequence = waiting.sequence + 1
