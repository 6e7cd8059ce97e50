"""No time passes in audio's tests but what a test lets pass: a stall is no lapse of a lease."""

from __future__ import annotations

import pytest

from live_sessions.captions import pipeline
from tests.handlers.audio.clock import Clock
from tests.handlers.properties.whole_world import world
from tests.patience import OUT_OF_REACH_SECONDS

__all__ = ["standing_clock", "unhurried", "world"]


@pytest.fixture(autouse=True)
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "CLOSING_SECONDS", OUT_OF_REACH_SECONDS)


@pytest.fixture(autouse=True)
def standing_clock(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Clock | None:
    """A world has a clock of its own."""
    if "world" in request.fixturenames:
        return None
    clock = Clock(monkeypatch)
    if "stage" in request.fixturenames:
        request.getfixturevalue("stage").connected_at = clock.now_ms
    return clock
