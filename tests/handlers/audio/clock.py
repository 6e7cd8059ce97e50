"""A clock that moves when the code under test sleeps; tests pass it to handlers."""

from __future__ import annotations

from collections.abc import Callable

from live_sessions.aws.runtime import Clock

START_SECONDS = 1_800_000_000.0


class StandingClock:
    """Calls `settle` after each sleep, for what other threads are to have done by then.

    `handlers` is this clock as the handlers take it.
    """

    def __init__(self) -> None:
        self.now = START_SECONDS
        self.settle: Callable[[], None] = lambda: None
        self.handlers = Clock(
            now_ms=lambda: self.now_ms,
            monotonic=lambda: self.now,
            sleep=lambda seconds: self.sleep(seconds),
        )

    @property
    def now_ms(self) -> int:
        return round(self.now * 1000)

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.settle()
