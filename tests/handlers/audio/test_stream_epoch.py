"""The stream's epoch rises when audio goes on after a silence or on another socket."""

from __future__ import annotations

from typing import Any

import pytest

from tests.handlers.audio.chunk_maker import broadcasting
from tests.handlers.conftest import Stage
from tests.handlers.faults.setting import session
from tests.handlers.properties.interleaving import Fate, Operation, Turn
from tests.handlers.properties.world import World

RISING: dict[str, tuple[list[tuple[str, dict[str, Any]]], tuple[str, dict[str, Any]]]] = {
    "resume": ([("pauseBroadcast", {})], ("resumeBroadcast", {})),
    "unmute": ([("muteBroadcast", {})], ("unmuteBroadcast", {})),
    "volume": ([("setVolume", {"volumeLevel": 0})], ("setVolume", {"volumeLevel": 0.5})),
    "state": (
        [("speakerStateChange", {"state": {"isPaused": True, "volume": 0}})],
        ("speakerStateChange", {"state": {"isPaused": False, "volume": 1}}),
    ),
}
STAYING: dict[str, tuple[str, dict[str, Any]]] = {
    "pause": ("pauseBroadcast", {}),
    "mute": ("muteBroadcast", {}),
    "volume 0": ("setVolume", {"volumeLevel": 0}),
    "state": ("speakerStateChange", {"state": {"isPaused": True, "isMuted": True, "volume": 0}}),
    "resume of what runs": ("resumeBroadcast", {}),
    "unmute of what is heard": ("unmuteBroadcast", {}),
    "another volume": ("setVolume", {"volumeLevel": 0.5}),
    "another volume of what is not muted": (
        "speakerStateChange",
        {"state": {"isMuted": False, "volume": 0.5}},
    ),
    "the volume as it is": ("setVolume", {"volumeLevel": 1}),
}


def epoch(stage: Stage, session_id: str) -> int:
    return stage.session(session_id)["streamEpoch"]


@pytest.mark.parametrize("name", RISING)
def test_what_ends_a_silence_raises_it_by_one_each_time(stage: Stage, name: str) -> None:
    speaker, session_id = broadcasting(stage)
    before, (action, fields) = RISING[name]
    for expected in (1, 2):
        for earlier, earlier_fields in before:
            stage.send(speaker, earlier, **earlier_fields)
            assert epoch(stage, session_id) == expected - 1
        for _ in range(2):
            stage.send(speaker, action, **fields)
            assert epoch(stage, session_id) == expected


@pytest.mark.parametrize("name", STAYING)
def test_what_silences_or_changes_nothing_leaves_it(stage: Stage, name: str) -> None:
    speaker, session_id = broadcasting(stage)
    action, fields = STAYING[name]
    stage.send(speaker, action, **fields)
    assert epoch(stage, session_id) == 0
    assert stage.session(session_id)["audibleSince"] == 0


@pytest.mark.parametrize("name", RISING)
def test_the_end_of_a_silence_is_when_audio_counts_from(stage: Stage, name: str) -> None:
    speaker, session_id = broadcasting(stage)
    before, (action, fields) = RISING[name]
    for earlier, earlier_fields in before:
        stage.send(speaker, earlier, **earlier_fields)
    state = stage.send(speaker, action, **fields)["broadcastState"]
    assert stage.session(session_id)["audibleSince"] == state["lastStateChange"]


def test_a_refresh_raises_it_and_a_second_one_of_the_same_socket_does_not(stage: Stage) -> None:
    _, session_id = broadcasting(stage, "user-1")
    new = stage.connect_speaker("user-1")
    for _ in range(2):
        stage.send(new, "refreshConnection", sessionId=session_id)
        assert epoch(stage, session_id) == 1


def test_a_session_written_before_there_was_an_epoch_gets_one(stage: Stage) -> None:
    speaker, session_id = broadcasting(stage)
    row = stage.session(session_id)
    del row["streamEpoch"]
    stage.replace("sessions", row)
    stage.send(speaker, "muteBroadcast")
    stage.send(speaker, "unmuteBroadcast")
    assert epoch(stage, session_id) == 1


# ---- a change whose silence another one ends or begins


def stand_before_update(world: World, operation: Operation) -> Operation:
    while operation.call is not None and str(operation.call) != "dynamodb UpdateItem sessions":
        world.step(operation)
    assert not operation.over
    return operation


INTERFERENCE: dict[str, tuple[list[str], tuple[str, dict[str, Any]], list[str], int, bool]] = {
    "muted meanwhile": ([], ("setVolume", {"volumeLevel": 0.5}), ["muteBroadcast"], 1, True),
    "unmuted meanwhile": (
        ["muteBroadcast"],
        ("speakerStateChange", {"state": {"isMuted": False, "volume": 0.5}}),
        ["unmuteBroadcast"],
        1,
        False,
    ),
    "resumed meanwhile": (
        ["pauseBroadcast"],
        ("resumeBroadcast", {}),
        ["resumeBroadcast"],
        1,
        False,
    ),
    "paused anew meanwhile": (
        ["pauseBroadcast"],
        ("resumeBroadcast", {}),
        ["resumeBroadcast", "pauseBroadcast"],
        2,
        False,
    ),
}
"""What was before, the control, what comes in between, the epoch afterwards, whether it is silent.

The epoch may rise once too often, by a change during another silence, and never too seldom.
"""


@pytest.mark.parametrize("name", INTERFERENCE)
def test_a_control_is_carried_out_whatever_comes_in_between(world: World, name: str) -> None:
    before, (action, fields), between, epoch_after, is_silent = INTERFERENCE[name]
    speaker, session_id = session(world)
    for earlier in before:
        world.finish(world.send(speaker, earlier))
    control = stand_before_update(world, world.send(speaker, action, **fields))
    for other in between:
        world.finish(world.send(speaker, other))
    world.finish(control)
    frame = control.context["record"].answer(control.result)
    assert frame["type"] != "error"
    row = world.stage.session(session_id)
    assert row["broadcastState"] == frame["broadcastState"]
    assert row["streamEpoch"] == epoch_after
    state = row["broadcastState"]
    assert (state["isPaused"] or state["isMuted"] or state["volume"] == 0) is is_silent


@pytest.mark.parametrize("fate", [Fate.ANSWER_LOST, Fate.CALL_LOST])
@pytest.mark.parametrize("step", [1, 2])
def test_an_end_of_silence_whose_answer_is_lost_counts_once(
    world: World, fate: Fate, step: int
) -> None:
    """A volume is first set as if the broadcast were heard, then as what ends its silence."""
    speaker, session_id = session(world)
    world.finish(world.send(speaker, "setVolume", volumeLevel=0))
    version = world.stage.session(session_id)["broadcastState"]["version"]
    world.fan_outs.clear()
    control = stand_before_update(world, world.send(speaker, "setVolume", volumeLevel=0.5))
    for _ in range(1, step):
        world.step(control)
    control.context["faulty"] = True
    world.step(control, Turn(fate))
    world.finish(control)
    row = world.stage.session(session_id)
    assert control.context["record"].answer(control.result)["type"] == "volumeChanged"
    assert (row["streamEpoch"], row["broadcastState"]["version"]) == (1, version + 1)
    assert len(world.fan_outs) == 1, "the listeners are notified once"
