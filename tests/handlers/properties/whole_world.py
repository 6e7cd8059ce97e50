"""The world as a fixture, with indexes that do not lag."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.handlers.conftest import Stage
from tests.handlers.properties.world import World


@pytest.fixture
def world(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    world = World(stage, monkeypatch, lag=False)
    yield world
    world.interleaver.kill_all()
