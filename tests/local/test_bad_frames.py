"""Bad frames: an error frame with the right code, the socket stays open, nothing changes."""

import contextlib
import json

import pytest
from websockets.exceptions import ConnectionClosed

from client.sockets import Client
from local.cloud import LocalCloud

BAD_FRAMES = {
    "not JSON": ("hello", "INVALID_MESSAGE"),
    "empty JSON text": ('""', "INVALID_MESSAGE"),
    "an array": ("[]", "INVALID_MESSAGE"),
    "a number": ("42", "INVALID_MESSAGE"),
    "null": ("null", "INVALID_MESSAGE"),
    "half an object": ('{"action": "heart', "INVALID_MESSAGE"),
    "control characters": ("\x00\x01\x02", "INVALID_MESSAGE"),
    "no action": ("{}", "MISSING_ACTION"),
    "an unknown action": ('{"action": "dance"}', "INVALID_ACTION"),
    "an action in other letters": ('{"action": "JoinSession"}', "INVALID_ACTION"),
    "an action that is a number": ('{"action": 5}', "INVALID_ACTION"),
    "an action that is null": ('{"action": null}', "INVALID_ACTION"),
    "an action that is an object": ('{"action": {"a": 1}}', "INVALID_ACTION"),
    "$connect as an action": ('{"action": "$connect"}', "INVALID_ACTION"),
    "$default as an action": ('{"action": "$default"}', "INVALID_ACTION"),
    "a requestId that is a number": (
        '{"action": "heartbeat", "requestId": 5}',
        "INVALID_PARAMETER",
    ),
    "a requestId that is too long": (
        json.dumps({"action": "heartbeat", "requestId": "r" * 65}),
        "INVALID_PARAMETER",
    ),
    "a listener's create": ('{"action": "createSession"}', "UNAUTHORIZED_ACTION"),
    "a missing field": ('{"action": "joinSession", "sessionId": "a"}', "INVALID_PARAMETER"),
    "a field of the wrong type": (
        '{"action": "joinSession", "sessionId": ["a"], "targetLanguage": "es"}',
        "INVALID_PARAMETER",
    ),
    "a string that is too long": (
        json.dumps({"action": "joinSession", "sessionId": "a" * 3000, "targetLanguage": "es"}),
        "INVALID_PARAMETER",
    ),
    "an unsupported language": (
        '{"action": "joinSession", "sessionId": "a", "targetLanguage": "tlh"}',
        "UNSUPPORTED_LANGUAGE",
    ),
    "a session that is not there": (
        '{"action": "joinSession", "sessionId": "a", "targetLanguage": "es"}',
        "SESSION_NOT_FOUND",
    ),
    "a control message over 4 KB": (
        json.dumps({"action": "heartbeat", "padding": "p" * 5000}),
        "MESSAGE_TOO_LARGE",
    ),
    "nesting deeper than Python's stack": (
        '{"action": "heartbeat", "x": ' + "[" * 2000,
        "INVALID_MESSAGE",
    ),
    "deep nesting as an action": (
        '{"action": ' + "[" * 500 + "]" * 500 + "}",
        "INVALID_ACTION",
    ),
}


@pytest.fixture
def listener(cloud: LocalCloud) -> Client:
    return cloud.listener()


@pytest.mark.parametrize("name", BAD_FRAMES)
def test_a_bad_frame_is_answered_with_its_code_and_the_socket_stays_open(
    listener: Client, name: str
) -> None:
    text, code = BAD_FRAMES[name]
    listener.send_text(text)
    frame = listener.expect("error")
    assert frame["code"] == code, frame.body
    assert frame["message"]
    assert len(json.dumps(dict(frame.body))) < 4096
    assert listener.ask("heartbeat").type == "heartbeatAck"


def test_bad_frames_of_a_member_change_nothing(cloud: LocalCloud) -> None:
    speaker, listener = cloud.speaker(), cloud.listener()
    session_id = speaker.create_session("en")
    listener.join(session_id, "es")
    listener.expect("sessionJoined")
    key = {"sessionId": {"S": session_id}}
    table = {"TableName": cloud.outputs["sessionsTable"], "Key": key}
    before = cloud.client("dynamodb").get_item(**table)["Item"]
    for text, _ in BAD_FRAMES.values():
        listener.send_text(text)
        listener.expect("error")
    assert len(listener.received("error")) == len(BAD_FRAMES)
    assert cloud.client("dynamodb").get_item(**table)["Item"] == before
    assert listener.received("sessionLeft") == []


def test_a_message_posing_as_the_disconnect_route_closes_no_socket(cloud: LocalCloud) -> None:
    speaker, listener = cloud.speaker(), cloud.listener()
    listener.join(speaker.create_session("en"), "es")
    listener.expect("sessionJoined")
    listener.send_text('{"action": "$disconnect"}')
    assert listener.ask("heartbeat").type == "heartbeatAck"
    assert speaker.ask_status()["listenerCount"] == 1


def test_a_binary_frame_closes_the_socket_with_1003(listener: Client) -> None:
    listener.send_bytes(b"\x00\x01")
    assert listener.expect_close() == 1003


def test_a_frame_over_32_kb_closes_the_socket_with_1009(listener: Client) -> None:
    listener.send_text(json.dumps({"action": "heartbeat", "padding": "p" * 33_000}))
    assert listener.expect_close() == 1009


def test_a_message_over_128_kb_closes_the_socket_with_1009_however_small_its_frames(
    listener: Client,
) -> None:
    # The service may close before the last of them is sent.
    with contextlib.suppress(ConnectionClosed):
        listener.send_text(["p" * 16_000] * 9)
    assert listener.expect_close() == 1009


def test_a_message_in_small_frames_within_128_kb_is_answered(listener: Client) -> None:
    listener.send_text(["p" * 16_000] * 6)
    assert listener.expect("error")["code"] == "MESSAGE_TOO_LARGE"
