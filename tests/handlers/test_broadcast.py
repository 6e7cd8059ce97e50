"""The speaker's controls: one version each, told to the listeners, and nothing told twice."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from live_sessions.aws import clients
from tests.handlers.conftest import OpenSockets, Stage

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
    assert not [each for each, _ in sockets.posts if each in listeners], "the ack comes first"
    stage.run_fan_outs()
    for listener in listeners:
        (told,) = sockets.frames_of(listener, frame_type)
        assert told["broadcastState"] == state
        assert "requestId" not in told
    assert [each for each, _ in sockets.posts if each == bystander] == []


@pytest.mark.parametrize("action", CONTROLS)
def test_a_control_that_changes_nothing_answers_the_state_and_tells_nobody(
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
def test_a_switch_is_switched_back(stage: Stage, action: str, undo: str) -> None:
    speaker = stage.connect_speaker()
    before = stage.session(stage.create_session(speaker))["broadcastState"]
    stage.send(speaker, action)
    after = stage.send(speaker, undo)["broadcastState"]
    assert after.pop("version") == 3
    assert {name: before[name] for name in after if name != "lastStateChange"} == {
        name: value for name, value in after.items() if name != "lastStateChange"
    }


def test_a_resume_tells_how_long_the_pause_lasted(stage: Stage) -> None:
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


def test_a_volume_is_rounded_so_that_every_one_can_be_stored(stage: Stage) -> None:
    speaker = stage.connect_speaker()
    session_id = stage.create_session(speaker)
    assert stage.send(speaker, "setVolume", volumeLevel=0.33333)["volumeLevel"] == 0.333
    frame = stage.send_text(speaker, '{"action": "setVolume", "volumeLevel": 1e-200}', "setVolume")
    assert frame["volumeLevel"] == 0
    assert (
        stage.send_text(speaker, '{"action": "setVolume", "volumeLevel": -0.0}', "setVolume")
        == {
            **frame,
            "timestamp": frame["timestamp"],
        }
        or stage.session(session_id)["broadcastState"]["version"] == 3
    )


@pytest.mark.parametrize(
    ("action", "fields"),
    [
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
    ],
)
def test_a_control_with_a_bad_parameter_changes_nothing_and_names_it(
    stage: Stage, action: str, fields: dict[str, Any]
) -> None:
    speaker = stage.connect_speaker()
    session_id = stage.create_session(speaker)
    before = stage.session(session_id)
    frame = stage.send(speaker, action, **fields)
    assert frame["code"] == "INVALID_PARAMETER", frame
    assert frame["details"]["parameter"] in {"volumeLevel", "state"}
    assert stage.session(session_id) == before
    assert stage.fan_outs == []


@pytest.mark.parametrize("action", [*CONTROLS, *UNDONE_BY.values()])
def test_a_control_needs_a_speaker_in_a_live_session(stage: Stage, action: str) -> None:
    fields = CONTROLS[action][0] if action in CONTROLS else {}
    speaker = stage.connect_speaker()
    assert stage.send(speaker, action, **fields)["code"] == "CONNECTION_NOT_FOUND"
    session_id = stage.create_session(speaker)
    listener = stage.join(session_id)
    assert stage.send(listener, action, **fields)["code"] == "UNAUTHORIZED_ACTION"
    stage.change("sessions", {"sessionId": session_id}, expiresAt=1)
    assert stage.send(speaker, action, **fields)["code"] == "SESSION_ENDED"
    stage.dynamodb.delete_item(TableName="sessions", Key={"sessionId": {"S": session_id}})
    assert stage.send(speaker, action, **fields)["code"] == "SESSION_NOT_FOUND"
    assert stage.session(session_id) == {}, "no update may make a row"


def test_a_socket_that_is_not_the_speakers_any_more_controls_nothing(stage: Stage) -> None:
    speaker = stage.connect_speaker()
    session_id = stage.create_session(speaker)
    stage.change("sessions", {"sessionId": session_id}, speakerConnectionId="another=")
    before = stage.session(session_id)
    assert stage.send(speaker, "pauseBroadcast")["code"] == "CONNECTION_NOT_FOUND"
    assert stage.send(speaker, "endSession")["code"] == "CONNECTION_NOT_FOUND"
    assert stage.session(session_id) == before


def test_a_fan_out_that_cannot_be_started_is_made_up_for_by_a_check(
    stage: Stage, sockets: OpenSockets, monkeypatch: pytest.MonkeyPatch
) -> None:
    speaker = stage.connect_speaker()
    session_id = stage.create_session(speaker)
    listener = stage.join(session_id)

    def refuse(**_: Any) -> None:
        raise ClientError({"Error": {"Code": "TooManyRequestsException"}}, "Invoke")

    with monkeypatch.context() as patch:
        patch.setattr(clients.lambda_(), "invoke", refuse)
        frame = stage.send(speaker, "pauseBroadcast")
    assert frame["type"] == "broadcastPaused"
    stage.run_checks()
    stage.run_fan_outs()
    (told,) = sockets.frames_of(listener, "speakerStateChanged")
    assert told["broadcastState"] == frame["broadcastState"]


def test_a_state_is_told_again_while_somebody_may_not_be_in_the_index_yet(
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
    (told,) = sockets.frames_of(listener, "speakerStateChanged")
    assert told["broadcastState"] == frame["broadcastState"]


def test_a_state_is_told_once_where_nobody_came_or_went_of_late(stage: Stage) -> None:
    speaker = stage.connect_speaker()
    session_id = stage.create_session(speaker)
    long_ago = stage.session(session_id)["createdAt"] - 5_000
    stage.change("sessions", {"sessionId": session_id}, membershipChangedAt=long_ago)
    stage.send(speaker, "pauseBroadcast")
    assert len(stage.fan_outs) == 1
    assert stage.queued("session-checks") == []


def test_a_state_that_a_later_control_changed_is_not_told_again(stage: Stage) -> None:
    speaker = stage.connect_speaker()
    session_id = stage.create_session(speaker)
    stage.send(speaker, "pauseBroadcast")
    stage.send(speaker, "resumeBroadcast")
    stage.fan_outs.clear()
    stage.deliver_check({"check": "broadcast", "sessionId": session_id, "version": 2})
    assert stage.fan_outs == []


def test_a_check_on_the_broadcast_of_an_ended_session_tells_nothing(stage: Stage) -> None:
    speaker = stage.connect_speaker()
    session_id = stage.create_session(speaker)
    stage.send(speaker, "endSession")
    stage.fan_outs.clear()
    stage.deliver_check({"check": "broadcast", "sessionId": session_id, "version": 2})
    assert stage.fan_outs == []


def test_the_fan_out_carries_the_frame_as_the_listeners_get_it(stage: Stage) -> None:
    speaker = stage.connect_speaker()
    session_id = stage.create_session(speaker)
    stage.send(speaker, "setVolume", volumeLevel=0.5)
    (task,) = stage.fan_outs
    assert (task["task"], task["sessionId"]) == ("frame", session_id)
    assert json.loads(task["frame"])["type"] == "volumeChanged"
