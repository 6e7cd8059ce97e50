"""How many connections are open at once, of all addresses and of each."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager


class Places:
    """At most `most` connections, and `most_per_address` of one address."""

    def __init__(self, most: int, most_per_address: int) -> None:
        self._most = most
        self._most_per_address = most_per_address
        self._open: Counter[str] = Counter()

    @contextmanager
    def taken(self, address: str) -> Iterator[bool]:
        """Count a connection until the block ends; True if there is a place for it."""
        self._open[address] += 1
        try:
            is_within = self._open[address] <= self._most_per_address
            yield is_within and self._open.total() <= self._most
        finally:
            self._open[address] -= 1
            self._open += Counter()  # forgets addresses without one
