"""The handlers' clock, which stands still until the test moves it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from types import ModuleType

import pytest

SHORTEST_PAUSE_SECONDS = 1
"""What is shorter, such as a pause between two attempts, takes no time at all."""

START_MS = 1_800_000_000_000


class Clock:
    """In place of the `time` module in every module of the handlers."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, modules: Iterable[ModuleType]) -> None:
        self.now_ms = START_MS
        self.pause: Callable[[float], None] = lambda _: None
        for module in modules:
            if getattr(module, "time", None) is time:
                monkeypatch.setattr(module, "time", self)
            if hasattr(module, "sleep"):
                monkeypatch.setattr(module, "sleep", self.sleep)

    def time_ns(self) -> int:
        return self.now_ms * 1_000_000

    def time(self) -> float:
        return self.now_ms / 1000

    def monotonic(self) -> float:
        return self.now_ms / 1000

    def sleep(self, seconds: float) -> None:
        if seconds >= SHORTEST_PAUSE_SECONDS:
            self.pause(seconds)
