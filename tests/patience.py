"""Waits for what must happen; they say nothing of how soon that should be."""

from __future__ import annotations

import time
from collections.abc import Callable

PATIENCE_SECONDS = 60
"""However busy the machine."""

OUT_OF_REACH_SECONDS = 600
"""A time limit that no test meets: pytest's own is shorter."""


def wait_until(condition: Callable[[], object]) -> None:
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < give_up_at
        time.sleep(0.001)
