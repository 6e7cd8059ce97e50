"""From the text of a message to a checked request, and its answer as a frame."""

import json
from typing import Any

import msgspec
import pytest

from contract.actions import Role
from live_sessions.aws.runtime import SYSTEM_CLOCK
from live_sessions.wire.frames import BroadcastState, HeartbeatAck, SessionJoined
from live_sessions.wire.messages import ClientMessage, CreateSession, JoinSession, SendAudio
from live_sessions.wire.refusals import ErrorCode, ProtocolError
from live_sessions.wire.requests import (
    CONTROL_MESSAGES,
    Answer,
    Answers,
    EnvelopeError,
    MessageHandler,
    Request,
    open_envelope,
    read_message,
)

NOT_JSON_OBJECTS = ["", "{", "hello", "[]", '"text"', "42", "null", "true", '{"a":NaN}', "\x00\xff"]


@pytest.mark.parametrize("body", NOT_JSON_OBJECTS)
def test_a_message_that_is_not_a_json_object_is_invalid(body: str) -> None:
    with pytest.raises(EnvelopeError) as refusal:
        open_envelope(body)
    assert refusal.value.code is ErrorCode.INVALID_MESSAGE


@pytest.mark.parametrize(
    "body",
    ['{"a":"\ud800"}', '{"action":"\\ud800"}', '{"action":' + "[" * 2000 + "]" * 2000 + "}"],
    ids=["lone surrogate", "escaped lone surrogate", "deep nesting"],
)
def test_text_that_cannot_be_decoded_is_refused(body: str) -> None:
    with pytest.raises(EnvelopeError) as refusal:
        open_envelope(body)
    assert refusal.value.code in {ErrorCode.INVALID_MESSAGE, ErrorCode.INVALID_ACTION}


def test_deep_nesting_in_an_unknown_field_is_ignored() -> None:
    nested = '{"action":"heartbeat","x":' + "[" * 900 + "]" * 900 + "}"
    assert read_message(open_envelope(nested), ClientMessage) == ClientMessage()


def test_a_control_message_has_at_most_4096_bytes() -> None:
    frame = json.dumps({"action": "heartbeat", "x": ""})
    full = json.dumps(
        {"action": "heartbeat", "x": "a" * (CONTROL_MESSAGES.limit_bytes - len(frame))}
    )
    assert len(full) == CONTROL_MESSAGES.limit_bytes
    assert open_envelope(full).action == "heartbeat"
    with pytest.raises(EnvelopeError) as refusal:
        open_envelope(full + " ")
    assert refusal.value.code is ErrorCode.MESSAGE_TOO_LARGE


def test_the_size_is_counted_in_bytes() -> None:
    with pytest.raises(EnvelopeError) as refusal:
        open_envelope(json.dumps({"x": "é" * 2500}, ensure_ascii=False))
    assert refusal.value.code is ErrorCode.MESSAGE_TOO_LARGE


def test_a_message_without_action_is_refused_with_the_actions_there_are() -> None:
    with pytest.raises(EnvelopeError) as refusal:
        open_envelope('{"requestId": "r1"}')
    assert refusal.value.code is ErrorCode.MISSING_ACTION
    assert refusal.value.request_id == "r1"
    assert "joinSession" in refusal.value.message


@pytest.mark.parametrize(
    "action", ["nonsense", "JOINSESSION", "$connect", "$disconnect", "$default", 5, None, [], {}]
)
def test_an_unknown_action_is_refused(action: object) -> None:
    with pytest.raises(EnvelopeError) as refusal:
        open_envelope(json.dumps({"action": action, "requestId": "r1"}))
    assert refusal.value.code is ErrorCode.INVALID_ACTION
    assert refusal.value.request_id == "r1"


def test_a_long_unknown_action_is_cut_in_the_refusal() -> None:
    with pytest.raises(EnvelopeError) as refusal:
        open_envelope(json.dumps({"action": "x" * 3000}))
    assert len(refusal.value.message) < 500


def test_a_number_beyond_64_bits_is_refused() -> None:
    with pytest.raises(EnvelopeError) as refusal:
        open_envelope('{"action": 123456789012345678901234567890}')
    assert refusal.value.code is ErrorCode.INVALID_ACTION


@pytest.mark.parametrize("request_id", [5, "x" * 65, {}, ["r"]])
def test_an_invalid_request_id_is_refused_and_not_echoed(request_id: object) -> None:
    with pytest.raises(EnvelopeError) as refusal:
        open_envelope(json.dumps({"action": "heartbeat", "requestId": request_id}))
    assert refusal.value.code is ErrorCode.INVALID_PARAMETER
    assert refusal.value.request_id is None
    assert "requestId" in refusal.value.message


def test_the_action_is_checked_before_the_request_id() -> None:
    with pytest.raises(EnvelopeError) as refusal:
        open_envelope('{"action": "nonsense", "requestId": 5}')
    assert refusal.value.code is ErrorCode.INVALID_ACTION


def test_a_null_request_id_counts_as_left_out() -> None:
    assert open_envelope('{"action": "heartbeat", "requestId": null}').request_id is None


def refused(message_type: type[ClientMessage], **fields: object) -> ProtocolError:
    with pytest.raises(ProtocolError) as refusal:
        read_message(open_envelope(json.dumps(fields)), message_type)
    return refusal.value


def test_a_missing_field_is_named() -> None:
    refusal = refused(JoinSession, action="joinSession", sessionId="calm-river-417")
    assert refusal.code is ErrorCode.INVALID_PARAMETER
    assert refusal.details is not None
    assert refusal.details["parameter"] == "targetLanguage"


@pytest.mark.parametrize("session_id", [5, None, "", "x" * 65, ["a"], {"S": "a"}])
def test_an_invalid_session_id_is_refused_with_its_value(session_id: object) -> None:
    refusal = refused(JoinSession, action="joinSession", sessionId=session_id, targetLanguage="es")
    assert refusal.code is ErrorCode.INVALID_PARAMETER
    assert refusal.details is not None
    assert refusal.details["parameter"] == "sessionId"
    assert len(str(refusal.details["value"])) <= 64


def test_an_unknown_quality_tier_is_refused_with_the_known_ones() -> None:
    refusal = refused(
        CreateSession, action="createSession", sourceLanguage="en", qualityTier="gold"
    )
    assert refusal.code is ErrorCode.INVALID_PARAMETER
    assert "standard, premium" in refusal.message
    assert refusal.details is not None
    assert refusal.details["value"] == "gold"


def test_an_unsupported_language_is_refused_with_the_supported_ones() -> None:
    for refusal in (
        refused(CreateSession, action="createSession", sourceLanguage="tlh"),
        refused(JoinSession, action="joinSession", sessionId="a", targetLanguage="tlh-Latn"),
    ):
        assert refusal.code is ErrorCode.UNSUPPORTED_LANGUAGE
        assert refusal.details is not None
        assert "en" in refusal.details["supported"]


def test_defaults_are_filled_in_and_unknown_fields_ignored() -> None:
    created = read_message(
        open_envelope('{"action":"createSession","sourceLanguage":"en"}'), CreateSession
    )
    joined = read_message(
        open_envelope('{"action":"joinSession","sessionId":"a","targetLanguage":"es","role":"x"}'),
        JoinSession,
    )
    assert created == CreateSession(source_language="en", quality_tier="standard")
    assert joined == JoinSession(session_id="a", target_language="es")


# ---- The handler


def acknowledge(request: Request[Any]) -> HeartbeatAck:
    return HeartbeatAck(timestamp=request.at_ms, request_id=request.request_id)


def message_event(role: Role, body: str, route_key: str) -> dict[str, Any]:
    return {
        "requestContext": {
            "eventType": "MESSAGE",
            "routeKey": route_key,
            "connectionId": "a=",
            "connectedAt": 0,
            "authorizer": {"role": role.value},
            "identity": {"sourceIp": "203.0.113.7"},
        },
        "body": body,
    }


def test_the_role_is_checked_before_the_parameters() -> None:
    handle = MessageHandler(
        function="audio_ingest",
        answers={"sendAudio": {Role.SPEAKER: Answer(SendAudio, acknowledge)}},
        clock=SYSTEM_CLOCK,
    )
    codes = {
        role: json.loads(
            handle(message_event(role, '{"action": "sendAudio"}', "sendAudio"))["body"]
        )["code"]
        for role in Role
    }
    assert codes == {Role.LISTENER: "UNAUTHORIZED_ACTION", Role.SPEAKER: "INVALID_PARAMETER"}


@pytest.mark.parametrize(
    "answers",
    [
        {},
        {"heartbeat": {Role.SPEAKER: Answer(ClientMessage, acknowledge)}},
        {"sendAudio": {Role.SPEAKER: Answer(SendAudio, acknowledge)}},
    ],
    ids=["no action", "one of two roles", "another function's action"],
)
def test_a_handler_must_answer_exactly_the_actions_of_its_function(answers: Answers) -> None:
    with pytest.raises(ValueError, match="heartbeat must answer"):
        MessageHandler(function="heartbeat", answers=answers, clock=SYSTEM_CLOCK)


def test_a_handler_of_actions_with_rates_needs_rate_limits() -> None:
    with pytest.raises(ValueError, match="no rate limits"):
        MessageHandler(
            function="session_status",
            answers={"getSessionStatus": {Role.SPEAKER: Answer(ClientMessage, acknowledge)}},
            clock=SYSTEM_CLOCK,
        )


def test_a_frame_is_json_in_camel_case_with_its_type_and_without_an_empty_request_id() -> None:
    frame = SessionJoined(
        timestamp=1,
        session_id="a",
        target_language="es",
        source_language="en",
        connection_id="c=",
        broadcast_state=BroadcastState(last_state_change=2),
        is_transcript_kept=False,
    )
    assert msgspec.json.decode(frame.encode()) == {
        "type": "sessionJoined",
        "timestamp": 1,
        "sessionId": "a",
        "targetLanguage": "es",
        "sourceLanguage": "en",
        "connectionId": "c=",
        "broadcastState": {
            "isActive": True,
            "isPaused": False,
            "isMuted": False,
            "volume": 1.0,
            "version": 1,
            "lastStateChange": 2,
        },
        "isTranscriptKept": False,
    }
