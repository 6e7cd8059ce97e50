"""Each AWS call behind a caption fails in each way it can: who still gets which caption."""

from __future__ import annotations

from typing import Any

import pytest

from tests.handlers.faults.line import Call
from tests.handlers.faults.test_every_call_can_fail import Scene, clean_run, fates_of
from tests.handlers.faults.translation_scenarios import TEXT, TRANSLATION
from tests.handlers.properties.interleaving import Fate, Operation, Turn
from tests.handlers.properties.world import World

ANSWER_LOST = frozenset({Fate.ANSWER_LOST, Fate.FAILED_AFTER})


def run(scene: Scene, number: int, fate: Fate, *, for_good: bool) -> Operation:
    """The scenario with its call of that number failing, or with each further one like it."""
    world, operation = scene.world, scene.begin()
    operation.context["faulty"] = True
    for _ in range(number - 1):
        world.step(operation)
    failing = operation.call
    world.step(operation, Turn(fate))
    while not operation.over:
        fails = for_good and operation.call == failing
        world.step(operation, Turn(fate) if fails else Turn())
    return operation


def captions(world: World, listener: str) -> list[dict[str, Any]]:
    return world.stage.sockets.frames_of(listener, "caption")


@pytest.mark.parametrize("for_good", [False, True], ids=["once", "for good"])
@pytest.mark.parametrize("scenario", list(TRANSLATION)[:2])
def test_each_other_listener_gets_each_caption_once_whichever_call_fails(
    world: World, scenario: str, for_good: bool
) -> None:
    scene = Scene(world, "translation", scenario)
    calls = clean_run(scene).calls
    assert {call.service for call in calls} == {"dynamodb", "translate", "execute-api"}
    for number, call in enumerate(calls, 1):
        for fate in fates_of(call):
            operation = run(scene, number, fate, for_good=for_good)
            try:
                _require_captions(world, operation, call, fate, for_good=for_good)
            except AssertionError as problem:
                pytest.fail(f"call {number}, {call}: {fate.value}: {problem}")


def _require_captions(
    world: World, operation: Operation, failed: Call, fate: Fate, *, for_good: bool
) -> None:
    listeners = [
        each.connection_id
        for each in world.connections
        if each.role == "listener" and each.state == "open"
    ]
    if failed.operation in ("GetItem", "Query"):
        assert operation.failure is not None, "nothing was posted, so the handler must raise"
        assert not any(captions(world, each) for each in listeners)
        return
    assert operation.failure is None, repr(operation.failure)
    for listener in listeners:
        read = captions(world, listener)
        if failed.subject == listener and failed.operation == "POST":
            is_lost = fate not in ANSWER_LOST
            assert len(read) <= 1, f"{listener} got it twice"
            assert not (is_lost and for_good and read)
            continue
        assert len(read) == 1, f"{listener} got {len(read)} captions"
        _require_text(read[0], failed, for_good=for_good)


def _require_text(caption: dict[str, Any], failed: Call, *, for_good: bool) -> None:
    target = caption["targetLanguage"]
    is_original = caption["text"] == TEXT
    assert is_original or caption["text"] == f"[{target}] {TEXT}"
    assert caption["translated"] is not is_original
    if target == "en":
        assert is_original
    elif (failed.operation, failed.subject) != ("TranslateText", target):
        assert not is_original, "its translation did not fail"
    elif for_good:
        assert is_original
