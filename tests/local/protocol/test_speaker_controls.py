"""Pausing, muting, volume: the reply to the speaker and the frame sent to each listener."""

from typing import Any

import pytest

from local.cloud import LocalCloud
from tests.local.protocol.people import joined, refusal, session_of, state_of

# Each control: its fields, its frame, and what it makes of a fresh broadcast.
CONTROLS = {
    "pauseBroadcast": ({}, "broadcastPaused", {"isPaused": True}),
    "resumeBroadcast": ({}, "broadcastResumed", {"isPaused": False}),
    "muteBroadcast": ({}, "broadcastMuted", {"isMuted": True}),
    "unmuteBroadcast": ({}, "broadcastUnmuted", {"isMuted": False}),
    "setVolume": ({"volumeLevel": 0.25}, "volumeChanged", {"volume": 0.25}),
    "speakerStateChange": (
        {"state": {"isPaused": True, "isMuted": True, "volume": 0.75}},
        "speakerStateChanged",
        {"isPaused": True, "isMuted": True, "volume": 0.75},
    ),
}
# What the two that undo something need before them.
BEFORE = {"resumeBroadcast": "pauseBroadcast", "unmuteBroadcast": "muteBroadcast"}


@pytest.mark.parametrize("action", CONTROLS)
def test_a_control_is_answered_and_sent_to_every_listener_with_the_same_version(
    cloud: LocalCloud, action: str
) -> None:
    fields, frame_type, changed = CONTROLS[action]
    session = session_of(cloud, "es", "es", "fr")
    if action in BEFORE:
        session.speaker.ask(BEFORE[action])
    before = state_of(session.speaker)
    reply = session.speaker.ask(action, **fields)
    state = reply["broadcastState"]
    assert reply.type == frame_type
    assert state == {
        **before,
        **changed,
        "version": before["version"] + 1,
        "lastStateChange": state["lastStateChange"],
    }
    assert state["lastStateChange"] > before["lastStateChange"]
    for listener in session.listeners:
        received = listener.expect(frame_type)
        assert received["broadcastState"] == state
        assert "requestId" not in received.body
    assert state_of(session.speaker) == state


def test_listeners_of_another_session_and_those_who_left_are_sent_nothing(
    cloud: LocalCloud,
) -> None:
    session = session_of(cloud, "es", "fr")
    other = session_of(cloud, "es", speaker=cloud.speaker(token=cloud.token_of_another_speaker()))
    stayed, left = session.listeners
    assert left.ask("leaveSession").type == "sessionLeft"
    session.speaker.pause()
    stayed.expect("broadcastPaused")
    # Whatever was posted to them before this comes before it on their sockets.
    other.speaker.set_volume(0.5)
    other.listener.expect("volumeChanged")
    assert left.ask("heartbeat")["code"] == "CONNECTION_NOT_FOUND"
    for stranger in (left, other.listener, other.speaker):
        assert stranger.received("broadcastPaused") == []


def test_a_listener_who_joins_later_receives_the_present_state(cloud: LocalCloud) -> None:
    session = session_of(cloud)
    session.speaker.pause()
    state = session.speaker.set_volume(0)["broadcastState"]
    late = joined(cloud, session.session_id, "es")
    assert late.received("sessionJoined")[0]["broadcastState"] == state
    assert (state["isPaused"], state["volume"], state["version"]) == (True, 0, 3)


@pytest.mark.parametrize("action", CONTROLS)
def test_a_control_that_changes_nothing_keeps_the_version_and_is_not_sent_to_listeners(
    cloud: LocalCloud, action: str
) -> None:
    fields, frame_type, _ = CONTROLS[action]
    session = session_of(cloud, "es")
    if action not in BEFORE:
        session.speaker.ask(action, **fields)
        session.listener.expect(frame_type)
    before = state_of(session.speaker)
    again = session.speaker.ask(action, **fields)
    assert again.type == frame_type
    assert again["broadcastState"] == before
    if action == "resumeBroadcast":
        assert again["pausedSeconds"] == 0
    # The next frame is sent for the next control that changes the state.
    version = session.speaker.set_volume(0.125)["broadcastState"]["version"]
    assert session.listener.expect("volumeChanged", volumeLevel=0.125)["broadcastState"][
        "version"
    ] == (version)
    versions = [frame["broadcastState"]["version"] for frame in session.listener.received()[1:]]
    assert versions.count(before["version"]) == (0 if action in BEFORE else 1)
    assert version == before["version"] + 1


def test_a_resume_reports_the_length_of_the_pause(cloud: LocalCloud) -> None:
    session = session_of(cloud, "es")
    paused = session.speaker.pause()["broadcastState"]
    resumed = session.speaker.resume()
    lasted_ms = resumed["broadcastState"]["lastStateChange"] - paused["lastStateChange"]
    assert resumed["pausedSeconds"] == pytest.approx(lasted_ms / 1000)
    assert session.listener.expect("broadcastResumed")["pausedSeconds"] == resumed["pausedSeconds"]


@pytest.mark.parametrize(
    ("level", "volume"), [(0, 0), (1, 1), (0.123456, 0.123), (0.0004, 0), (1e-320, 0)]
)
def test_a_volume_is_rounded_to_three_decimals(
    cloud: LocalCloud, level: float, volume: float
) -> None:
    reply = session_of(cloud).speaker.set_volume(level)
    assert reply["volumeLevel"] == volume
    assert reply["broadcastState"]["volume"] == volume


@pytest.mark.parametrize("level", [-0.001, 1.001, "0.5", None, True, [0.5]])
def test_a_volume_out_of_bounds_is_refused(cloud: LocalCloud, level: object) -> None:
    session = session_of(cloud)
    reply = session.speaker.ask("setVolume", volumeLevel=level)
    assert refusal(reply) == "INVALID_PARAMETER"
    assert reply["details"]["parameter"] == "volumeLevel"
    assert state_of(session.speaker)["version"] == 1


@pytest.mark.parametrize("number", ["NaN", "Infinity", "1e999"])
def test_a_number_that_json_does_not_have_is_refused(cloud: LocalCloud, number: str) -> None:
    session = session_of(cloud)
    session.speaker.send_text(f'{{"action": "setVolume", "volumeLevel": {number}}}')
    assert session.speaker.expect("error")["code"] in ("INVALID_MESSAGE", "INVALID_PARAMETER")
    assert state_of(session.speaker)["version"] == 1


@pytest.mark.parametrize(
    "state",
    [
        {"isPaused": True},
        {"isMuted": True},
        {"volume": 0.5},
        {"isMuted": True, "volume": 0},
        {"isPaused": False, "isMuted": True},
    ],
)
def test_any_part_of_the_state_can_be_set_at_once(
    cloud: LocalCloud, state: dict[str, object]
) -> None:
    session = session_of(cloud)
    before = state_of(session.speaker)
    after = session.speaker.ask("speakerStateChange", state=state)["broadcastState"]
    changed = {name: after[name] for name in ("isPaused", "isMuted", "volume")}
    assert changed == {name: before[name] for name in changed} | state
    assert after["version"] == before["version"] + 1


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"state": {}},
        {"state": None},
        {"state": []},
        {"state": {"isPaused": 1}},
        {"state": {"isMuted": None}},
        {"state": {"volume": 1.5}},
        {"state": {"isActive": False}},
        {"state": {"isPaused": True, "version": 9}},
        {"isPaused": True},
    ],
)
def test_an_invalid_state_is_refused_as_a_whole(cloud: LocalCloud, fields: dict[str, Any]) -> None:
    session = session_of(cloud)
    before = state_of(session.speaker)
    assert refusal(session.speaker.ask("speakerStateChange", **fields)) == "INVALID_PARAMETER"
    assert state_of(session.speaker) == before


@pytest.mark.parametrize("action", CONTROLS)
def test_the_broadcast_is_the_speakers_alone(cloud: LocalCloud, action: str) -> None:
    fields = CONTROLS[action][0]
    session = session_of(cloud, "es")
    assert refusal(session.listener.ask(action, **fields)) == "UNAUTHORIZED_ACTION"
    idle = cloud.speaker(token=cloud.token_of_another_speaker())
    reply = idle.ask(action, **fields, sessionId=session.session_id)
    assert refusal(reply) == "CONNECTION_NOT_FOUND"
    assert state_of(session.speaker)["version"] == 1


def test_an_ended_session_is_controlled_no_more(cloud: LocalCloud) -> None:
    session = session_of(cloud, "es")
    assert session.speaker.ask("endSession").type == "sessionEnded"
    assert refusal(session.speaker.pause()) == "CONNECTION_NOT_FOUND"
    session.listener.expect("sessionEnded")
    assert session.listener.received("broadcastPaused") == []


def test_a_session_that_keeps_no_transcript_has_none(cloud: LocalCloud) -> None:
    session = session_of(cloud, "es")
    assert refusal(session.speaker.ask("getTranscript")) == "TRANSCRIPT_NOT_AVAILABLE"
    assert refusal(session.listener.ask("getTranscript")) == "UNAUTHORIZED_ACTION"
    joined = session.listener.received("sessionJoined")[0]
    assert joined["isTranscriptKept"] is False
