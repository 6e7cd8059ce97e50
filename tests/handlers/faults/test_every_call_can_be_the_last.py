"""A function dies before or after each of its AWS calls: nothing that it began is lost.

Every listener of an ended session gets sessionEnded, at worst twice; every listener of a live one
gets the state after the last control; a dead socket is removed and counted once; the transcript of
an ended session is asked for.
"""

from __future__ import annotations

import pytest

from tests.handlers.faults.scenarios import SCENARIOS
from tests.handlers.faults.test_every_call_can_fail import Scene, clean_run
from tests.handlers.properties.interleaving import Fate, Turn
from tests.handlers.properties.invariants import listeners_of
from tests.handlers.properties.rest import come_to_rest
from tests.handlers.properties.world import World

ENTRIES = [
    (function, scenario)
    for function in ("connection", "disconnect", "fan_out", "reconcile")
    for scenario in SCENARIOS[function]
    # A client whose handshake fails connects again.
    if scenario != "$connect"
]


@pytest.mark.parametrize("fate", [Fate.DEATH_BEFORE, Fate.DEATH_AFTER], ids=str)
@pytest.mark.parametrize(("function", "scenario"), ENTRIES)
def test_whichever_call_is_the_last_nothing_is_lost(
    world: World, function: str, scenario: str, fate: Fate
) -> None:
    scene = Scene(world, function, scenario)
    clean = clean_run(scene)
    assert clean.calls
    for number, call in enumerate(clean.calls, 1):
        try:
            die(scene, number, fate)
        except AssertionError as problem:
            pytest.fail(f"{scenario}: call {number}, {call}: {fate.value}: {problem}")


def die(scene: Scene, number: int, fate: Fate) -> None:
    world, operation = scene.world, scene.begin()
    for _ in range(number - 1):
        world.step(operation)
    operation.context["faulty"] = True
    world.step(operation, Turn(fate))
    assert operation.died
    come_to_rest(world, scene.laws)
    every_listener_knows_the_state(world)
    every_transcript_is_asked_for(world)


def every_listener_knows_the_state(world: World) -> None:
    """All of them joined before the control that a scenario is about."""
    for session_id, session in world.tables.rows["sessions"].items():
        version = session["broadcastState"]["version"]
        if "endedAt" in session or version == 1:
            continue
        for listener in listeners_of(world, session_id):
            versions = [
                frame["broadcastState"]["version"]
                for connection_id, frame in world.stage.sockets.posts
                if connection_id == listener["connectionId"] and "broadcastState" in frame
            ]
            assert max(versions, default=1) == version, (
                f"{listener['connectionId']} knows {versions}, but the state is {version}"
            )


def every_transcript_is_asked_for(world: World) -> None:
    asked = {task["sessionId"] for task in world.stage.queued("transcripts")}
    kept = {
        session_id
        for session_id, session in world.tables.rows["sessions"].items()
        if session.get("keepTranscript") and "endedAt" in session
    }
    assert asked == kept
