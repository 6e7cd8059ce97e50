"""The first failing check sends the error, which shows how far the message was read."""

import json
from typing import Any

import pytest

from client.sockets import Client
from local.cloud import LocalCloud
from tests.local.conftest import SMALL, CloudWith
from tests.local.protocol.people import joined, leave_one_place, refusal, session_of

MESSAGE_LIMIT_BYTES = 4096


def answer(client: Client, text: str) -> dict[str, Any]:
    client.send_text(text)
    return dict(client.expect("error").body)


def padded(message: dict[str, Any], size: int, filler: str = "p") -> str:
    """The message as JSON text of exactly so many bytes."""
    empty = json.dumps({**message, "padding": ""}, ensure_ascii=False)
    missing = size - len(empty.encode())
    count, rest = divmod(missing, len(filler.encode()))
    text = json.dumps({**message, "padding": filler * count + "p" * rest}, ensure_ascii=False)
    assert len(text.encode()) == size
    return text


@pytest.mark.parametrize("filler", ["p", "ü", "語"])
def test_a_message_is_measured_in_bytes(cloud: LocalCloud, filler: str) -> None:
    listener = cloud.listener()
    message = {"action": "heartbeat", "requestId": "fits"}
    listener.send_text(padded(message, MESSAGE_LIMIT_BYTES, filler))
    assert listener.expect("heartbeatAck", requestId="fits")
    error = answer(listener, padded(message, MESSAGE_LIMIT_BYTES + 1, filler))
    assert error["code"] == "MESSAGE_TOO_LARGE"
    assert "requestId" not in error, "what is too large is not read"


# Each fails two checks that follow one another; the first one answers.
TWO_FAULTS = {
    "size, then JSON": ("[" * (MESSAGE_LIMIT_BYTES + 1), "MESSAGE_TOO_LARGE"),
    "JSON, then action": ("[]", "INVALID_MESSAGE"),
    "no action, then requestId": ('{"requestId": 5}', "MISSING_ACTION"),
    "action, then requestId": ('{"action": "sing", "requestId": 5}', "INVALID_ACTION"),
    "requestId, then role": ('{"action": "pauseBroadcast", "requestId": 5}', "INVALID_PARAMETER"),
    "role, then parameters": ('{"action": "setVolume", "volumeLevel": 9}', "UNAUTHORIZED_ACTION"),
    "parameters, then language": (
        '{"action": "joinSession", "targetLanguage": "tlh"}',
        "INVALID_PARAMETER",
    ),
    "language, then membership": (
        '{"action": "changeLanguage", "targetLanguage": "tlh"}',
        "UNSUPPORTED_LANGUAGE",
    ),
    "membership, then state": ('{"action": "pausePlayback"}', "CONNECTION_NOT_FOUND"),
}


@pytest.mark.parametrize("faults", TWO_FAULTS)
def test_the_first_failing_check_answers(cloud: LocalCloud, faults: str) -> None:
    text, code = TWO_FAULTS[faults]
    assert answer(cloud.listener(), text)["code"] == code


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ('{"requestId": "r"}', "MISSING_ACTION"),
        ('{"action": "sing", "requestId": "r"}', "INVALID_ACTION"),
        ('{"action": "endSession", "requestId": "r"}', "UNAUTHORIZED_ACTION"),
        ('{"action": "changeLanguage", "requestId": "r"}', "INVALID_PARAMETER"),
        ('{"action": "leaveSession", "requestId": "r"}', "CONNECTION_NOT_FOUND"),
    ],
)
def test_a_refusal_answers_with_the_requestid_that_it_could_read(
    cloud: LocalCloud, text: str, code: str
) -> None:
    error = answer(cloud.listener(), text)
    assert (error["code"], error["requestId"]) == (code, "r")


@pytest.mark.parametrize("request_id", ["", "r" * 64, "é" * 64])
def test_a_requestid_comes_back_as_it_was(cloud: LocalCloud, request_id: str) -> None:
    listener = cloud.listener()
    listener.send_text(json.dumps({"action": "heartbeat", "requestId": request_id}))
    assert listener.expect("heartbeatAck")["requestId"] == request_id


def test_an_answer_without_requestid_has_none(cloud: LocalCloud) -> None:
    listener = cloud.listener()
    for message in ({"action": "heartbeat"}, {"action": "heartbeat", "requestId": None}):
        listener.send_text(json.dumps(message))
        assert "requestId" not in listener.expect("heartbeatAck").body


def test_details_name_the_parameter_and_its_value(cloud: LocalCloud) -> None:
    reply = cloud.speaker().ask("createSession", sourceLanguage="en", qualityTier="golden")
    assert refusal(reply) == "INVALID_PARAMETER"
    assert reply["details"].keys() == {"rule", "parameter", "value"}
    assert (reply["details"]["parameter"], reply["details"]["value"]) == ("qualityTier", "golden")
    assert "premium" in reply["message"]


def test_a_session_that_is_full_or_over_or_left_already_is_refused_with_its_code(
    cloud_with: CloudWith,
) -> None:
    cloud = cloud_with(**SMALL)
    session = session_of(cloud)
    leave_one_place(cloud, session.session_id)
    session.listeners.append(joined(cloud, session.session_id, "es"))
    again = session.listener.ask("joinSession", sessionId=session.session_id, targetLanguage="es")
    assert (refusal(again), again["details"]) == (
        "ALREADY_IN_SESSION",
        {"sessionId": session.session_id},
    )
    late = cloud.listener()
    full = late.ask("joinSession", sessionId=session.session_id, targetLanguage="es")
    assert (refusal(full), full["details"]) == ("SESSION_FULL", {"maxListeners": 50})
    assert session.listener.ask("leaveSession").type == "sessionLeft"
    assert joined(cloud, session.session_id, "fr").is_open
    session.speaker.ask("endSession")
    over = late.ask("joinSession", sessionId=session.session_id, targetLanguage="es")
    assert refusal(over) == "SESSION_ENDED"
    none = late.ask("joinSession", sessionId="no-such-session", targetLanguage="es")
    assert refusal(none) == "SESSION_NOT_FOUND"
