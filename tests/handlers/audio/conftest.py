"""No time passes in audio's tests but what a test lets pass, so that a slow machine ends no lease.

A world has a clock of its own.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from tests.handlers.audio.clock import StandingClock
from tests.handlers.properties.whole_world import world
from tests.patience import wait_until

__all__ = ["no_thread_is_left", "standing_clock", "world"]

THREADS = {"captions", "results"}


@pytest.fixture(autouse=True)
def standing_clock(request: pytest.FixtureRequest) -> StandingClock | None:
    """The stage's clock."""
    if "world" in request.fixturenames:
        return None
    clock = StandingClock()
    if "stage" in request.fixturenames:
        stage = request.getfixturevalue("stage")
        stage.clock = clock.handlers
        stage.connected_at = clock.now_ms
    return clock


@pytest.fixture
def no_thread_is_left() -> Iterator[None]:
    """The test leaves none of the threads that send transcripts or read results."""
    before = set(threading.enumerate())
    yield

    def names() -> set[str]:
        return {thread.name for thread in set(threading.enumerate()) - before}

    wait_until(lambda: not THREADS & names())
