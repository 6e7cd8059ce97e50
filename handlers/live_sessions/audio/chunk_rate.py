"""How many chunks a second a speaker sends: the excess is dropped, and if it goes on he is told."""

from collections import defaultdict
from enum import Enum, auto

MS_PER_SECOND = 1000
WARNED_AFTER_SECONDS = 5
CLOSED_AFTER_SECONDS = 30


class RateVerdict(Enum):
    """What the speaker is due, once in an unbroken row of seconds of excess."""

    WARN = auto()
    CLOSE = auto()


REMEMBERED_SECONDS = 120
"""Chunks come in any order, but none after its queue's retention."""


class ChunkRate:
    """Seconds of the clock, by when chunks arrived; `limit` of them pass in each.

    A chunk that comes again, because it could not be deleted, is the same one still.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._chunks: defaultdict[int, set[tuple[int, int]]] = defaultdict(set)
        self._second = 0
        self._told: dict[RateVerdict, int] = {}

    def admits(self, arrived_at: int, sequence: int) -> bool:
        """Count a chunk that arrived then (epoch ms); False when its second is full."""
        self._second = arrived_at // MS_PER_SECOND
        self._chunks[self._second].add((arrived_at, sequence))
        if len(self._chunks) > REMEMBERED_SECONDS:
            del self._chunks[min(self._chunks)]
        return self._count(self._second) <= self.limit

    def verdict(self) -> RateVerdict | None:
        """To be asked after each chunk that was not admitted."""
        if self._count(self._second) != self.limit + 1:
            return None
        row = self._row_of_excess()
        if len(row) < WARNED_AFTER_SECONDS:
            return None
        due = RateVerdict.WARN if len(row) < CLOSED_AFTER_SECONDS else RateVerdict.CLOSE
        if self._told.get(due) in row:
            return None
        self._told[due] = self._second
        return due

    def _row_of_excess(self) -> range:
        """The seconds around the chunk's, without a gap, that each had too many."""
        first = last = self._second
        while self._count(first - 1) > self.limit:
            first -= 1
        while self._count(last + 1) > self.limit:
            last += 1
        return range(first, last + 1)

    def _count(self, second: int) -> int:
        return len(self._chunks.get(second, ()))
