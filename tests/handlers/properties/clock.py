"""A clock that stands still until the test moves it."""

from __future__ import annotations

from collections.abc import Callable

from live_sessions.aws.runtime import Clock

SHORTEST_PAUSE_SECONDS = 1
"""A shorter pause, such as one between two attempts, takes no time at all."""

START_MS = 1_800_000_000_000


class FrozenClock:
    """`now_ms` is epoch milliseconds; `pause` is called for each pause of the handlers."""

    def __init__(self) -> None:
        self.now_ms = START_MS
        self.pause: Callable[[float], None] = lambda seconds: None

    def for_handlers(self) -> Clock:
        """The clock that handlers are built with."""
        return Clock(
            now_ms=lambda: self.now_ms,
            monotonic=lambda: self.now_ms / 1000,
            sleep=self._sleep,
        )

    def _sleep(self, seconds: float) -> None:
        if seconds >= SHORTEST_PAUSE_SECONDS:
            self.pause(seconds)
