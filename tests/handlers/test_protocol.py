"""The wire protocol's checks: pure logic."""

import json

import msgspec
import pytest

from live_sessions.protocol import (
    ACTIONS,
    CONTROL_MESSAGES,
    BroadcastState,
    CreateSession,
    EnvelopeError,
    ErrorCode,
    JoinSession,
    ProtocolError,
    Role,
    SessionJoined,
    open_envelope,
    read_message,
)

NOT_JSON_OBJECTS = ["", "{", "hello", "[]", '"text"', "42", "null", "true", '{"a":NaN}', "\x00\xff"]


@pytest.mark.parametrize("body", NOT_JSON_OBJECTS)
def test_what_is_not_a_json_object_is_an_invalid_message(body: str) -> None:
    with pytest.raises(EnvelopeError) as refusal:
        open_envelope(body)
    assert refusal.value.code is ErrorCode.INVALID_MESSAGE


@pytest.mark.parametrize(
    "body",
    ['{"a":"\ud800"}', '{"action":"\\ud800"}', '{"action":' + "[" * 2000 + "]" * 2000 + "}"],
    ids=["lone surrogate", "escaped lone surrogate", "deep nesting"],
)
def test_unreadable_text_is_refused_and_not_raised_through(body: str) -> None:
    with pytest.raises(EnvelopeError) as refusal:
        open_envelope(body)
    assert refusal.value.code in {ErrorCode.INVALID_MESSAGE, ErrorCode.INVALID_ACTION}


def test_deep_nesting_inside_a_known_action_harms_nothing() -> None:
    nested = '{"action":"heartbeat","x":' + "[" * 900 + "]" * 900 + "}"
    message = read_message(open_envelope(nested), Role.LISTENER)
    assert type(message) is ACTIONS["heartbeat"].messages[Role.LISTENER]


def test_a_control_message_may_have_4096_bytes_and_not_one_more() -> None:
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


def test_an_object_without_action_is_told_the_actions_there_are() -> None:
    with pytest.raises(EnvelopeError) as refusal:
        open_envelope('{"requestId": "r1"}')
    assert refusal.value.code is ErrorCode.MISSING_ACTION
    assert refusal.value.request_id == "r1"
    assert "joinSession" in refusal.value.message


@pytest.mark.parametrize(
    "action", ["nonsense", "JOINSESSION", "$connect", "$disconnect", "$default", 5, None, [], {}]
)
def test_an_unknown_action_is_refused_by_name(action: object) -> None:
    with pytest.raises(EnvelopeError) as refusal:
        open_envelope(json.dumps({"action": action, "requestId": "r1"}))
    assert refusal.value.code is ErrorCode.INVALID_ACTION
    assert refusal.value.request_id == "r1"


def test_a_long_unknown_action_does_not_come_back_whole() -> None:
    with pytest.raises(EnvelopeError) as refusal:
        open_envelope(json.dumps({"action": "x" * 3000}))
    assert len(refusal.value.message) < 500


def test_a_number_beyond_64_bits_is_refused_in_words() -> None:
    with pytest.raises(EnvelopeError) as refusal:
        open_envelope('{"action": 123456789012345678901234567890}')
    assert refusal.value.code is ErrorCode.INVALID_ACTION


@pytest.mark.parametrize("request_id", [5, "x" * 65, {}, ["r"]])
def test_a_bad_request_id_is_refused_and_not_echoed(request_id: object) -> None:
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


def refused(role: Role, **fields: object) -> ProtocolError:
    with pytest.raises(ProtocolError) as refusal:
        read_message(open_envelope(json.dumps(fields)), role)
    return refusal.value


def test_the_role_is_checked_before_the_parameters() -> None:
    assert refused(Role.LISTENER, action="createSession").code is ErrorCode.UNAUTHORIZED_ACTION
    assert refused(Role.SPEAKER, action="joinSession").code is ErrorCode.UNAUTHORIZED_ACTION


def test_a_missing_field_is_named() -> None:
    refusal = refused(Role.LISTENER, action="joinSession", sessionId="calm-river-417")
    assert refusal.code is ErrorCode.INVALID_PARAMETER
    assert refusal.details is not None
    assert refusal.details["parameter"] == "targetLanguage"


@pytest.mark.parametrize("session_id", [5, None, "", "x" * 65, ["a"], {"S": "a"}])
def test_a_session_id_of_the_wrong_shape_is_refused_with_its_value(session_id: object) -> None:
    refusal = refused(
        Role.LISTENER, action="joinSession", sessionId=session_id, targetLanguage="es"
    )
    assert refusal.code is ErrorCode.INVALID_PARAMETER
    assert refusal.details is not None
    assert refusal.details["parameter"] == "sessionId"
    assert len(str(refusal.details["value"])) <= 64


def test_an_unknown_quality_tier_is_refused() -> None:
    refusal = refused(Role.SPEAKER, action="createSession", sourceLanguage="en", qualityTier="gold")
    assert refusal.code is ErrorCode.INVALID_PARAMETER
    assert "standard, premium" in refusal.message
    assert refusal.details is not None
    assert refusal.details["value"] == "gold"


def test_an_unsupported_language_is_refused_with_the_supported_ones() -> None:
    for refusal in (
        refused(Role.SPEAKER, action="createSession", sourceLanguage="tlh"),
        refused(Role.LISTENER, action="joinSession", sessionId="a", targetLanguage="EN"),
    ):
        assert refusal.code is ErrorCode.UNSUPPORTED_LANGUAGE
        assert refusal.details is not None
        assert "en" in refusal.details["supported"]


def test_sound_messages_are_read_with_their_defaults() -> None:
    created = read_message(
        open_envelope('{"action":"createSession","sourceLanguage":"en"}'), Role.SPEAKER
    )
    joined = read_message(
        open_envelope('{"action":"joinSession","sessionId":"a","targetLanguage":"es","role":"x"}'),
        Role.LISTENER,
    )
    assert created == CreateSession(source_language="en", quality_tier="standard")
    assert joined == JoinSession(session_id="a", target_language="es")


def test_a_frame_carries_its_type_in_camel_case_and_no_empty_request_id() -> None:
    frame = SessionJoined(
        timestamp=1,
        session_id="a",
        target_language="es",
        source_language="en",
        connection_id="c=",
        broadcast_state=BroadcastState(last_state_change=2),
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
    }
