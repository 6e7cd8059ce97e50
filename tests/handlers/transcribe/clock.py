"""A clock that a busy machine does not move."""

from __future__ import annotations

import threading

from live_sessions.aws.runtime import Clock
from tests.patience import PATIENCE_SECONDS


class SteppedClock:
    """Stands still but for the seconds that it is allowed, one with each look at it."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._now_seconds = self._allowed_seconds = 1000.0
        self.handlers = Clock(monotonic=self.monotonic)

    def monotonic(self) -> float:
        with self._changed:
            if self._now_seconds < self._allowed_seconds:
                self._now_seconds += 1
                self._changed.notify_all()
            return self._now_seconds

    def jump(self, seconds: float) -> None:
        """Move at once, without waiting for reads."""
        with self._changed:
            self._now_seconds += seconds
            self._allowed_seconds = self._now_seconds

    def allow(self, seconds: float) -> None:
        with self._changed:
            self._allowed_seconds = self._now_seconds + seconds

    def pass_by(self, seconds: float) -> None:
        """Wait until the code under test has read the clock up to that time."""
        self.allow(seconds)
        with self._changed:
            assert self._changed.wait_for(self._has_stopped, PATIENCE_SECONDS)

    def _has_stopped(self) -> bool:
        return self._now_seconds >= self._allowed_seconds
