"""A clock that moves when somebody sleeps, in place of `time` in the modules of the handlers."""

from __future__ import annotations

import importlib
import sys
import time
from collections.abc import Callable

import pytest

START_SECONDS = 1_800_000_000.0
MODULES = (
    "live_sessions.audio.processing",
    "live_sessions.audio.transcription",
    "live_sessions.aws.backoff",
    "live_sessions.sessions",
)


class Clock:
    """Calls `settle` after each step, for what other threads are to have done by then.

    Of two the later one counts.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = START_SECONDS
        self.settle: Callable[[], None] = lambda: None
        self.slept: list[float] = []
        for name in MODULES:
            importlib.import_module(name)
        for name, module in list(sys.modules.items()):
            is_handlers = name in MODULES or name.startswith("live_sessions.audio.")
            if not is_handlers:
                continue
            goes_by = getattr(module, "time", None)
            if goes_by is time or isinstance(goes_by, Clock):
                monkeypatch.setattr(module, "time", self)

    @property
    def now_ms(self) -> int:
        return round(self.now * 1000)

    def monotonic(self) -> float:
        return self.now

    def time(self) -> float:
        return self.now

    def time_ns(self) -> int:
        return self.now_ms * 1_000_000

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds
        self.settle()
