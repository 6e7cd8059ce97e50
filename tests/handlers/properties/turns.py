"""Turns: hypothesis decides which operation makes the next call; the machines add operations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from hypothesis import note
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from tests.handlers.properties.interleaving import Operation, Turn
from tests.handlers.properties.invariants import Invariants
from tests.handlers.properties.records import Socket
from tests.handlers.properties.rest import come_to_rest
from tests.handlers.properties.world import World

AT_ONCE = 5
"""The most operations that run at a time."""

ALL = 1000
LANGUAGES = ("es", "fr")
USERS = ("user-1", "user-2")
LISTENERS_AT_FIRST = ((), ("es",), ("es", "fr"), ("es", "es", "fr"))
"""Their languages, up to a full session."""

calls = st.sampled_from([ALL, 1, 2, 3, 4, 5, 6, 7, 0])
"""How many of its calls an operation makes when it begins."""

picks = st.integers(0, 11)
views = st.one_of(st.just(0), st.integers(0, 4095))
T = TypeVar("T")


def pick(options: Sequence[T], number: int) -> T:
    return options[number % len(options)]


class Tally:
    """What all examples of a machine did together."""

    def __init__(self) -> None:
        self.examples = self.rules = self.calls = self.operations = self.faults = 0

    def __str__(self) -> str:
        return (
            f"{self.examples} examples, {self.rules} rules, {self.operations} operations, "
            f"{self.calls} AWS calls one at a time, {self.faults} deaths and lost answers"
        )


class Turns(RuleBasedStateMachine):
    """Begins with a live session, and ends once everything has finished."""

    def __init__(self, world: World, tally: Tally) -> None:
        super().__init__()
        self.world = world
        self.tally = tally
        world.reset()
        world.log = note
        self.laws = Invariants(world)
        world.observe = self.laws.at_every_moment
        world.ended = self.laws.at_every_end
        self.faults = self.view_at_rest = 0
        tally.examples += 1

    @invariant()
    def counted(self) -> None:
        self.tally.rules += 1

    @initialize(languages=st.sampled_from(LISTENERS_AT_FIRST), view_at_rest=views)
    def a_session_is_live(self, languages: Sequence[str], view_at_rest: int) -> None:
        """Most failures need a live session."""
        world = self.world
        self.view_at_rest = view_at_rest
        speaker = self._connected("speaker", USERS[0])
        world.finish(world.send(speaker, "createSession", sourceLanguage="en"))
        for language in languages:
            listener = self._connected("listener", None)
            fields = {"sessionId": self._sessions()[0], "targetLanguage": language}
            world.finish(world.send(listener, "joinSession", **fields))

    def _connected(self, role: str, user_id: str | None) -> Socket:
        self.world.finish(self.world.connect(role, user_id))
        return self.world.connections[-1]

    # ---- whose turn it is

    def _running(self) -> list[Operation]:
        return self.world.interleaver.running

    def _may_start(self) -> bool:
        return len(self._running()) < AT_ONCE

    @precondition(lambda self: self._running())
    @rule(turns=st.lists(st.tuples(picks, views), min_size=1, max_size=12))
    def take_turns(self, turns: list[tuple[int, int]]) -> None:
        for number, view in turns:
            if self._running():
                self.world.step(pick(self._running(), number), Turn(view=view))

    def _begin(self, operation: Operation, calls: int, view: int = 0) -> None:
        for _ in range(calls):
            if not operation.over:
                self.world.step(operation, Turn(view=view))

    def _send(self, socket: Socket, calls: int, action: str, **fields: Any) -> None:
        self._begin(self.world.send(socket, action, **fields), calls)

    @precondition(lambda self: self._running())
    @rule(number=picks)
    def finish(self, number: int) -> None:
        self.world.finish(pick(self._running(), number))

    @rule(milliseconds=st.sampled_from([1, 1_000, 5_000, 10_000, 31_000, 61_000]))
    def time_passes(self, milliseconds: int) -> None:
        self.world.advance(milliseconds)

    def _open(self, role: str) -> list[Socket]:
        return [each for each in self.world.of_role(role, "open") if not each.is_cut]

    def _sessions(self) -> list[str]:
        """Those that a client knows, the newest first, because low numbers are picked most."""
        return self.world.known_sessions[::-1]

    def _may_connect(self, role: str, at_most: int) -> bool:
        return self._may_start() and len(self.world.of_role(role, "open", "opening")) < at_most

    # ---- rest

    def teardown(self) -> None:
        try:
            come_to_rest(self.world, self.laws, self.view_at_rest)
        finally:
            self.world.interleaver.kill_all()
            self.tally.calls += self.world.interleaver.calls
            self.tally.operations += self.world.interleaver.operations
            self.tally.faults += self.faults
