"""The speaker's controls: each change is one version, and reaches every listener once."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.handlers.conftest import OpenSockets, Stage
from tests.handlers.intercepted_clients import THROTTLED, fail_with, intercepted

CONTROLS = {
    "pauseBroadcast": ({}, "broadcastPaused", {"isPaused": True}),
    "muteBroadcast": ({}, "broadcastMuted", {"isMuted": True}),
    "setVolume": ({"volumeLevel": 0.25}, "volumeChanged", {"volume": 0.25}),
    "speakerStateChange": (
        {"state": {"isPaused": True, "isMuted": True, "volume": 0}},
        "speakerStateChanged",
        {"isPaused": True, "isMuted": True, "volume": 0},
    ),
}
UNDONE_BY = {"pauseBroadcast": "resumeBroadcast", "muteBroadcast": "unmuteBroadcast"}


@pytest.mark.parametrize("action", CONTROLS)
def test_a_control_raises_the_version_by_one_and_reaches_each_listener(
    stage: Stage, sockets: OpenSockets, action: str
) -> None:
    fields, frame_type, change = CONTROLS[action]
    speaker = stage.connect_speaker()
    session_id = stage.create_session(speaker)
    listeners = [stage.join(session_id, language) for language in ("es", "fr")]
    bystander = stage.join(stage.create_session(stage.connect_speaker("user-2")))
    frame = stage.send(speaker, action, requestId="r1", **fields)
    assert (frame["type"], frame["requestId"]) == (frame_type, "r1")
    state = frame["broadcastState"]
    assert state.items() >= {**change, "version": 2, "isActive": True}.items()
    assert stage.session(session_id)["broadcastState"] == state
    assert not [each for each, _ in sockets.posts if each in listeners], (
        "the reply does not wait for the fan-out"
    )
    stage.run_fan_outs()
    for listener in listeners:
        (sent,) = sockets.frames_of(listener, frame_type)
        assert sent["broadcastState"] == state
        assert "requestId" not in sent
    assert [each for each, _ in sockets.posts if each == bystander] == []


@pytest.mark.parametrize("action", CONTROLS)
def test_a_control_that_changes_nothing_is_answered_with_the_state_and_not_sent_to_listeners(
    stage: Stage, action: str
) -> None:
    fields, frame_type, _ = CONTROLS[action]
    speaker = stage.connect_speaker()
    session_id = stage.create_session(speaker)
    first = stage.send(speaker, action, **fields)
    stage.fan_outs.clear()
    before = stage.session(session_id)
    again = stage.send(speaker, action, **fields)
    assert (again["type"], again["broadcastState"]) == (frame_type, first["broadcastState"])
    assert stage.fan_outs == []
    assert stage.session(session_id) == before


@pytest.mark.parametrize(("action", "undo"), UNDONE_BY.items())
def test_a_switch_can_be_switched_back(stage: Stage, action: str, undo: str) -> None:
    speaker = stage.connect_speaker()
    before = stage.session(stage.create_session(speaker))["broadcastState"]
    stage.send(speaker, action)
    after = stage.send(speaker, undo)["broadcastState"]
    assert after.pop("version") == 3
    assert {name: before[name] for name in after if name != "lastStateChange"} == {
        name: value for name, value in after.items() if name != "lastStateChange"
    }


def test_a_resume_is_answered_with_the_length_of_the_pause(stage: Stage) -> None:
    speaker = stage.connect_speaker()
    session_id = stage.create_session(speaker)
    assert stage.send(speaker, "resumeBroadcast")["pausedSeconds"] == 0
    stage.send(speaker, "pauseBroadcast")
    paused_at = stage.session(session_id)["pausedAt"] - 12_500
    stage.change("sessions", {"sessionId": session_id}, pausedAt=paused_at)
    stage.send(speaker, "speakerStateChange", state={"isPaused": True, "volume": 0.5})
    resumed = stage.send(speaker, "resumeBroadcast")
    assert 12.5 <= resumed["pausedSeconds"] < 60
    assert "pausedAt" not in stage.session(session_id)
    assert stage.send(speaker, "resumeBroadcast")["pausedSeconds"] == 0


def test_a_volume_is_rounded_to_a_number_that_dynamodb_can_store(stage: Stage) -> None:
    speaker = stage.connect_speaker()
    session_id = stage.create_session(speaker)
    assert stage.send(speaker, "setVolume", volumeLevel=0.33333)["volumeLevel"] == 0.333
    frame = stage.send_text(speaker, '{"action": "setVolume", "volumeLevel": 1e-200}', "setVolume")
    assert frame["volumeLevel"] == 0
    again = stage.send_text(speaker, '{"action": "setVolume", "volumeLevel": -0.0}', "setVolume")
    assert str(again["volumeLevel"]) == str(frame["volumeLevel"]), "minus zero is zero"
    assert stage.session(session_id)["broadcastState"]["version"] == 3


INVALID_CONTROLS: list[tuple[str, dict[str, Any]]] = [
    ("setVolume", {}),
    ("setVolume", {"volumeLevel": 1.01}),
    ("setVolume", {"volumeLevel": -0.01}),
    ("setVolume", {"volumeLevel": "0.5"}),
    ("setVolume", {"volumeLevel": True}),
    ("setVolume", {"volumeLevel": None}),
    ("speakerStateChange", {}),
    ("speakerStateChange", {"state": {}}),
    ("speakerStateChange", {"state": {"isPaused": None}}),
    ("speakerStateChange", {"state": {"isActive": False}}),
    ("speakerStateChange", {"state": {"isPaused": True, "version": 9}}),
    ("speakerStateChange", {"state": {"volume": 2}}),
]


def test_a_control_with_an_invalid_parameter_changes_nothing_and_the_refusal_names_it(
    stage: Stage,
) -> None:
    speaker = stage.connect_speaker()
    session_id = stage.create_session(speaker)
    before = stage.session(session_id)
    for action, fields in INVALID_CONTROLS:
        frame = stage.send(speaker, action, **fields)
        assert frame["code"] == "INVALID_PARAMETER", (action, fields, frame)
        assert frame["details"]["parameter"] in {"volumeLevel", "state"}, (action, fields)
        assert stage.session(session_id) == before, (action, fields)
        assert stage.fan_outs == [], (action, fields)


def test_each_control_needs_a_speaker_in_a_live_session(stage: Stage) -> None:
    controls = {action: fields for action, (fields, _, _) in CONTROLS.items()}
    controls |= {action: {} for action in UNDONE_BY.values()}

    def codes(connection_id: str) -> set[str]:
        return {
            stage.send(connection_id, action, **fields)["code"]
            for action, fields in controls.items()
        }

    speaker = stage.connect_speaker()
    assert codes(speaker) == {"CONNECTION_NOT_FOUND"}
    session_id = stage.create_session(speaker)
    assert codes(stage.join(session_id)) == {"UNAUTHORIZED_ACTION"}
    stage.change("sessions", {"sessionId": session_id}, expiresAt=1)
    assert codes(speaker) == {"SESSION_ENDED"}
    stage.dynamodb.delete_item(TableName="sessions", Key={"sessionId": {"S": session_id}})
    assert codes(speaker) == {"SESSION_NOT_FOUND"}
    assert stage.session(session_id) == {}, "no update creates a row"


def test_a_socket_that_is_no_longer_the_speakers_controls_nothing(stage: Stage) -> None:
    speaker = stage.connect_speaker()
    session_id = stage.create_session(speaker)
    stage.change("sessions", {"sessionId": session_id}, speakerConnectionId="another=")
    before = stage.session(session_id)
    assert stage.send(speaker, "pauseBroadcast")["code"] == "CONNECTION_NOT_FOUND"
    assert stage.send(speaker, "endSession")["code"] == "CONNECTION_NOT_FOUND"
    assert stage.session(session_id) == before


def test_a_fan_out_that_cannot_be_started_is_replaced_by_a_check(
    stage: Stage, sockets: OpenSockets
) -> None:
    clients = intercepted(stage)
    speaker = stage.connect_speaker()
    session_id = stage.create_session(speaker)
    listener = stage.join(session_id)
    with clients.intercept("invoke", fail_with(THROTTLED)):
        frame = stage.send(speaker, "pauseBroadcast")
    assert frame["type"] == "broadcastPaused"
    stage.run_checks()
    stage.run_fan_outs()
    (sent,) = sockets.frames_of(listener, "speakerStateChanged")
    assert sent["broadcastState"] == frame["broadcastState"]


def test_a_state_is_sent_again_while_a_new_listener_may_be_missing_from_the_index(
    stage: Stage, sockets: OpenSockets
) -> None:
    speaker = stage.connect_speaker()
    session_id = stage.create_session(speaker)
    listener = stage.join(session_id)
    frame = stage.send(speaker, "pauseBroadcast")
    stage.fan_outs.clear()
    ((body, delay_seconds),) = stage.queued_with_delay("session-checks")
    assert delay_seconds == 5
    stage.deliver_check(json.loads(body))
    stage.run_fan_outs()
    (sent,) = sockets.frames_of(listener, "speakerStateChanged")
    assert sent["broadcastState"] == frame["broadcastState"]


def test_a_state_is_sent_once_if_no_listener_joined_or_left_recently(stage: Stage) -> None:
    speaker = stage.connect_speaker()
    session_id = stage.create_session(speaker)
    long_ago = stage.session(session_id)["createdAt"] - 5_000
    stage.change("sessions", {"sessionId": session_id}, membershipChangedAt=long_ago)
    stage.send(speaker, "pauseBroadcast")
    assert len(stage.fan_outs) == 1
    assert stage.queued("session-checks") == []


def test_a_state_that_a_later_control_changed_is_not_sent_again(stage: Stage) -> None:
    speaker = stage.connect_speaker()
    session_id = stage.create_session(speaker)
    stage.send(speaker, "pauseBroadcast")
    stage.send(speaker, "resumeBroadcast")
    stage.fan_outs.clear()
    stage.deliver_check({"check": "broadcast", "sessionId": session_id, "version": 2})
    assert stage.fan_outs == []


def test_a_check_on_the_broadcast_of_an_ended_session_sends_nothing(stage: Stage) -> None:
    speaker = stage.connect_speaker()
    session_id = stage.create_session(speaker)
    stage.send(speaker, "endSession")
    stage.fan_outs.clear()
    stage.deliver_check({"check": "broadcast", "sessionId": session_id, "version": 2})
    assert stage.fan_outs == []


def test_the_fan_out_task_has_the_frame_as_listeners_receive_it(stage: Stage) -> None:
    speaker = stage.connect_speaker()
    session_id = stage.create_session(speaker)
    stage.send(speaker, "setVolume", volumeLevel=0.5)
    (task,) = stage.fan_outs
    assert (task["task"], task["sessionId"]) == ("frame", session_id)
    assert json.loads(task["frame"])["type"] == "volumeChanged"
