"""The world as a fixture, with indexes that do not lag."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.handlers.conftest import Stage
from tests.handlers.properties.world import World, without_logs


@pytest.fixture
def world(stage: Stage) -> Iterator[World]:
    with without_logs():
        world = World(stage, lag=False)
        yield world
        world.interleaver.kill_all()
