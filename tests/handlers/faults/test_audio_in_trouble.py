"""Each AWS call behind a chunk fails in each way it can; accepted chunks have a processor."""

from __future__ import annotations

from typing import Any

import pytest

from live_sessions.aws.dynamodb import plain
from tests.handlers.audio.chunk_maker import queued_sequences
from tests.handlers.audio.test_lease import lease_of
from tests.handlers.faults.audio_scenarios import AUDIO_INGEST, speak
from tests.handlers.faults.line import Call
from tests.handlers.faults.test_every_call_can_fail import Scene, clean_run, fates_of
from tests.handlers.properties.interleaving import Fate, Operation, Turn
from tests.handlers.properties.world import World

HEARD = [scenario for scenario in AUDIO_INGEST if scenario != "chunk in silence"]
SLOT_STAYS_CLAIMED = frozenset({Fate.FAILED_AFTER})
"""Until its lease is over, because ingest does not know that it claimed the slot."""


@pytest.mark.parametrize("scenario", HEARD)
def test_an_accepted_chunk_has_one_processor_and_its_slot_one_claim_whichever_call_fails(
    world: World, scenario: str
) -> None:
    scene = Scene(world, "audio_ingest", scenario)
    for number, call in enumerate(clean_run(scene).calls, 1):
        for fate in fates_of(call):
            operation = run(scene, number, fate)
            try:
                _require_order(world, operation, call, fate)
                _require_that_the_next_chunk_is_processed(world)
            except AssertionError as problem:
                pytest.fail(f"call {number}, {call}: {fate.value}: {problem}")


def run(scene: Scene, number: int, fate: Fate) -> Operation:
    world, operation = scene.world, scene.begin()
    operation.context["faulty"] = True
    for queue in ("audio-0", "audio-1", "audio-2"):
        world.stage.queued(queue)
    for _ in range(number - 1):
        world.step(operation)
    world.step(operation, Turn(fate))
    world.finish(operation)
    return operation


def _require_order(world: World, operation: Operation, failed: Call, fate: Fate) -> None:
    claim, slots, now_ms = _claim(world), _slots(world), world.clock.now_ms
    held_claim = claim if claim and claim["leaseUntil"] > now_ms else None
    answer = operation.context["record"].answer(operation.result)
    queued = queued_sequences(world.stage)
    if answer["type"] == "accepted":
        assert held_claim is not None, "the chunk was accepted without a claim"
        assert list(queued) == [held_claim["slot"]], f"{queued} is not in the claim's queue"
    elif failed.service == "sqs" and fate is Fate.FAILED_AFTER:
        assert len(queued) == 1
    else:
        assert queued == {}
    if held_claim is not None:
        assert held_claim["claimId"] in _started(world), "no processor was started for the claim"
        assert slots[held_claim["slot"]]["claimId"] == held_claim["claimId"]
    if failed.subject == "audio-slots" and fate in SLOT_STAYS_CLAIMED:
        return
    held = {row["claimId"] for row in slots.values() if row["leaseUntil"] > now_ms}
    assert held <= ({held_claim["claimId"]} if held_claim else set()), (
        "a slot is held without a claim"
    )


def _require_that_the_next_chunk_is_processed(world: World) -> None:
    speaker = world.of_role("speaker", "open")[0]
    again = speak(world, speaker, 9)
    world.finish(again)
    assert again.context["record"].answer(again.result)["type"] == "accepted"
    claim = _claim(world)
    assert claim is not None
    assert queued_sequences(world.stage) == {claim["slot"]: [9]}
    starts = world.stage.processor_starts
    took = [task["claimId"] for task in starts if lease_of(world.stage, task).take() is not None]
    assert took == [claim["claimId"]], f"of {len(starts)} processors {len(took)} work"


def _claim(world: World) -> dict[str, Any] | None:
    return world.stage.session(world.known_sessions[0]).get("audioClaim")


def _slots(world: World) -> dict[int, dict[str, Any]]:
    rows = world.stage.dynamodb.scan(TableName="audio-slots")["Items"]
    return {row["slot"]: row for row in map(plain, rows)}


def _started(world: World) -> set[str]:
    return {task["claimId"] for task in world.stage.processor_starts}
