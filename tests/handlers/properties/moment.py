"""A state of the world to return to, so that a scenario is set up only once."""

from __future__ import annotations

import copy
from typing import Any

from tests.handlers.properties.invariants import Invariants
from tests.handlers.properties.world import World


class Moment:
    """What `World.reset` empties, as it is now; except the audio queues, which are not read here.

    Nothing may be under way, neither now nor when the world is taken back.
    """

    def __init__(self, world: World, laws: Invariants) -> None:
        assert not world.interleaver.running
        self._world, self._laws = world, laws
        self._now_ms = world.clock.now_ms
        self._session_numbers = world.session_numbers
        self._shards = world.shards
        self._entries = dict(world.stage.entries)
        self._tables = world.tables.copied()
        self._contents = [copy.copy(each) for each in self._collections()]
        # In place: a scenario goes on holding the sockets and messages that it has made.
        self._fields = [
            (each, copy.deepcopy(vars(each)))
            for each in (*world.connections, *world.checks, *world.fan_outs)
        ]

    def return_to(self) -> None:
        world = self._world
        assert not world.interleaver.running
        world.reset()
        world.clock.now_ms = self._now_ms
        world.session_numbers = self._session_numbers
        world.shards = self._shards
        world.stage.entries.update(self._entries)
        world.tables.put_back(self._tables)
        for collection, contents in zip(self._collections(), self._contents, strict=True):
            collection.clear()
            getattr(collection, "extend" if isinstance(collection, list) else "update")(contents)
        for each, fields in self._fields:
            vars(each).update(copy.deepcopy(fields))

    def _collections(self) -> list[Any]:
        world, stage, laws = self._world, self._world.stage, self._laws
        return [
            *(world.connections, world.checks, world.fan_outs, world.known_sessions),
            *(stage.fan_outs, stage.processor_starts, stage.sockets.posts, stage.sockets.open),
            *(laws.removals, laws.disconnects_lost, laws.faulty),
        ]
