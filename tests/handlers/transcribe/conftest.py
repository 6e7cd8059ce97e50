"""Of a stream's limits a test meets only those that it sets itself."""

from __future__ import annotations

import pytest

from live_sessions.transcribe import connection as connection_module
from live_sessions.transcribe import stream as stream_module
from tests.handlers.transcribe.clock import Clock
from tests.patience import OUT_OF_REACH_SECONDS


@pytest.fixture(autouse=True)
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    for limit in ("OPEN_LIMIT_SECONDS", "SEND_LIMIT_SECONDS", "CLOSE_LIMIT_SECONDS"):
        monkeypatch.setattr(connection_module, limit, OUT_OF_REACH_SECONDS)
    for limit in ("TAKEN_WITHIN_SECONDS", "_VERDICT_LIMIT_SECONDS"):
        monkeypatch.setattr(stream_module, limit, OUT_OF_REACH_SECONDS)


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """By which a stream counts silence, and the time from its end."""
    clock = Clock()
    monkeypatch.setattr(stream_module, "time", clock)
    monkeypatch.setattr(stream_module, "_TICK_SECONDS", 0.001)
    return clock
