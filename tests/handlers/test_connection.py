"""createSession, joinSession, leaveSession and endSession on DynamoDB's own semantics."""

from __future__ import annotations

import json
import logging
import re
from typing import Any

import pytest

from tests.handlers.conftest import LambdaContext, OpenSockets, Stage
from tests.handlers.intercepted_clients import (
    THROTTLED,
    TIMED_OUT,
    Call,
    after,
    fail_with,
    intercepted,
    refusal,
)


def code_of(frame: dict[str, Any]) -> str:
    assert frame["type"] == "error", frame
    return frame["code"]


# ---- $connect


def test_a_connections_row_has_its_role_and_a_ttl_after_its_longest_lifetime(
    stage: Stage,
) -> None:
    speaker, listener = stage.connect_speaker("user-7"), stage.connect_listener()
    assert stage.connection(speaker) == {
        "connectionId": speaker,
        "role": "speaker",
        "userId": "user-7",
        "connectedAt": stage.connected_at,
        "ttl": stage.connected_at // 1000 + 7800,
    }
    assert "userId" not in stage.connection(listener)


def test_a_connect_event_delivered_twice_does_not_end_a_membership(stage: Stage) -> None:
    session_id = stage.create_session(stage.connect_speaker())
    listener = stage.join(session_id)
    before = stage.connection(listener)
    stage.entries["connection"](stage.event(listener, "CONNECT", "$connect"), LambdaContext())
    assert stage.connection(listener) == before


def connecting(
    stage: Stage, role: dict[str, str], *lines: str, query: str | None = None
) -> tuple[str, dict[str, Any]]:
    """A new socket's id, and what `$connect` returned for these lines of subprotocols."""
    connection_id = "opening="
    stage.open_socket(connection_id, role)
    event = stage.event(connection_id, "CONNECT", "$connect")
    event["multiValueHeaders"] = {"sec-websocket-protocol": list(lines)} if lines else {}
    if query is not None:
        event["multiValueQueryStringParameters"] = {"token": [query]}
    return connection_id, stage.entries["connection"](event, LambdaContext())


SPEAKER = {"role": "speaker", "userId": "user-7"}
OURS = "live-sessions.v1"


@pytest.mark.parametrize(
    "lines", [(f"{OURS}, bearer.t",), (f"bearer.t,{OURS}",), (OURS, "bearer.t")]
)
def test_our_subprotocol_is_the_answer_and_the_token_is_not(
    stage: Stage, lines: tuple[str, ...]
) -> None:
    connection_id, response = connecting(stage, SPEAKER, *lines)
    assert response == {"statusCode": 200, "headers": {"Sec-WebSocket-Protocol": OURS}}
    assert stage.connection(connection_id)["role"] == "speaker"


def test_a_listener_who_offers_our_subprotocol_is_answered_with_it(stage: Stage) -> None:
    _, response = connecting(stage, {"role": "listener"}, OURS)
    assert response["headers"] == {"Sec-WebSocket-Protocol": OURS}


@pytest.mark.parametrize(("role", "query"), [(SPEAKER, "t"), ({"role": "listener"}, None)])
def test_who_offers_no_subprotocol_is_answered_with_none(
    stage: Stage, role: dict[str, str], query: str | None
) -> None:
    assert connecting(stage, role, query=query)[1] == {"statusCode": 200}


@pytest.mark.parametrize("lines", [("chat",), ("bearer.t",), ("live-sessions.v2", "bearer.t")])
@pytest.mark.parametrize("role", [{}, SPEAKER, {"role": "listener"}], ids=str)
def test_an_offer_without_our_subprotocol_is_refused_with_400(
    stage: Stage, role: dict[str, str], lines: tuple[str, ...]
) -> None:
    connection_id, response = connecting(stage, role, *lines)
    assert response == {"statusCode": 400}
    assert stage.connection(connection_id) == {}


def test_a_token_that_the_authorizer_did_not_judge_is_refused_with_403(stage: Stage) -> None:
    connection_id, response = connecting(stage, {"role": "listener"}, f"{OURS}, bearer.t")
    assert response == {"statusCode": 403}
    assert stage.connection(connection_id) == {}


@pytest.mark.parametrize("action", ["$connect", "$disconnect", "$default"])
def test_a_message_is_not_taken_for_a_lifecycle_event(stage: Stage, action: str) -> None:
    session_id = stage.create_session(stage.connect_speaker())
    listener = stage.join(session_id)
    before = stage.connection(listener)
    event = stage.event(listener, "MESSAGE", action, json.dumps({"action": action}))
    response = stage.entries["connection"](event, LambdaContext())
    assert code_of(json.loads(response["body"])) == "INVALID_ACTION"
    stage.entries["disconnect"](event, LambdaContext())
    assert stage.connection(listener) == before
    assert stage.session(session_id)["listenerCount"] == 1


# ---- createSession


def test_the_reply_to_create_session_has_a_readable_id_and_the_expiry(stage: Stage) -> None:
    speaker = stage.connect_speaker("user-7")
    frame = stage.send(speaker, "createSession", sourceLanguage="en", requestId="r1")
    session_id = frame.pop("sessionId")
    assert re.fullmatch(r"[a-z]+-[a-z]+-\d{3}-\d{3}", session_id)
    row = stage.session(session_id)
    assert row["expiresAt"] == row["createdAt"] // 1000 + 8 * 3600
    assert frame.pop("expiresAt") == row["expiresAt"] * 1000
    assert frame.pop("timestamp") >= row["createdAt"]
    assert frame == {
        "type": "sessionCreated",
        "sourceLanguage": "en",
        "sourceLocale": "en-US",
        "qualityTier": "standard",
        "sampleRateHertz": 16_000,
        "access": "open",
        "connectionId": speaker,
        "requestId": "r1",
    }


@pytest.mark.parametrize("rate", [8_000, 44_100, 48_000])
def test_a_session_has_the_sample_rate_that_was_named(stage: Stage, rate: int) -> None:
    frame = stage.send(
        stage.connect_speaker(), "createSession", sourceLanguage="en", sampleRateHertz=rate
    )
    assert frame["sampleRateHertz"] == rate
    assert stage.session(frame["sessionId"])["sampleRateHertz"] == rate


@pytest.mark.parametrize("rate", [7_999, 48_001, 0, -16_000, "16000", 16_000.5, None, True])
def test_a_sample_rate_that_transcribe_does_not_take_is_refused(stage: Stage, rate: object) -> None:
    speaker = stage.connect_speaker()
    frame = stage.send(speaker, "createSession", sourceLanguage="en", sampleRateHertz=rate)
    assert frame["code"] == "INVALID_PARAMETER"
    assert frame["details"]["parameter"] == "sampleRateHertz"
    assert "sessionId" not in stage.connection(speaker)


def test_a_new_session_is_active_and_empty_and_its_ttl_is_after_its_expiry(stage: Stage) -> None:
    speaker = stage.connect_speaker("user-7")
    row = stage.session(stage.create_session(speaker))
    assert row["speakerConnectionId"] == speaker
    assert row["speakerUserId"] == "user-7"
    assert row["listenerCount"] == 0
    assert row["listenersByLanguage"] == {}
    assert row["broadcastState"]["isActive"] is True
    assert row["broadcastState"]["version"] == 1
    assert 0 <= row["activeShard"] < 4
    assert row["ttl"] > row["expiresAt"]


def test_a_speaker_has_one_session_at_a_time(stage: Stage) -> None:
    speaker = stage.connect_speaker()
    session_id = stage.create_session(speaker)
    frame = stage.send(speaker, "createSession", sourceLanguage="en")
    assert code_of(frame) == "ALREADY_IN_SESSION"
    assert frame["details"] == {"sessionId": session_id}
    assert stage.dynamodb.scan(TableName="sessions")["Count"] == 1


def test_a_session_id_that_is_taken_is_replaced_by_another(stage: Stage) -> None:
    clients = intercepted(stage)
    speaker = stage.connect_speaker()
    taken: list[Any] = []

    def take_its_id(call: Call) -> Any:
        taken.append(call.request["Item"]["sessionId"])
        stage.dynamodb.put_item(TableName="sessions", Item={"sessionId": taken[0]})
        return call.carry_out()

    with clients.intercept("put_item", take_its_id, TableName="sessions", times=1):
        session_id = stage.create_session(speaker)
    assert session_id != taken[0]["S"]
    assert stage.session(taken[0]["S"]) == {"sessionId": taken[0]["S"]}


def test_a_speaker_without_a_row_cannot_create_a_session(stage: Stage) -> None:
    speaker = stage.connect_speaker()
    stage.dynamodb.delete_item(TableName="connections", Key={"connectionId": {"S": speaker}})
    frame = stage.send(speaker, "createSession", sourceLanguage="en")
    assert code_of(frame) == "CONNECTION_NOT_FOUND"
    assert stage.dynamodb.scan(TableName="sessions")["Count"] == 0


def test_a_session_whose_speaker_could_not_enter_it_is_deleted(stage: Stage) -> None:
    clients = intercepted(stage)
    speaker = stage.connect_speaker()
    with clients.intercept(
        "update_item", fail_with(THROTTLED), TableName="connections", times=1
    ) as calls:
        frame = stage.send(speaker, "createSession", sourceLanguage="en")
    assert code_of(frame) == "SERVICE_UNAVAILABLE"
    assert len(calls) == 1
    assert stage.dynamodb.scan(TableName="sessions")["Count"] == 0
    assert stage.create_session(speaker)


def test_a_speaker_whose_session_was_deleted_may_create_another(stage: Stage) -> None:
    speaker = stage.connect_speaker()
    lost = stage.create_session(speaker)
    stage.dynamodb.delete_item(TableName="sessions", Key={"sessionId": {"S": lost}})
    assert stage.create_session(speaker) != lost


# ---- joinSession


def test_a_listener_joins_and_is_counted_once_in_its_language(stage: Stage) -> None:
    session_id = stage.create_session(stage.connect_speaker())
    listener = stage.connect_listener()
    frame = stage.send(
        listener, "joinSession", sessionId=session_id, targetLanguage="es", requestId="j"
    )
    assert frame["type"] == "sessionJoined"
    assert frame["sessionId"] == session_id
    assert (frame["targetLanguage"], frame["sourceLanguage"]) == ("es", "en")
    assert frame["connectionId"] == listener
    assert frame["requestId"] == "j"
    assert frame["broadcastState"]["isActive"] is True
    row = stage.session(session_id)
    assert (row["listenerCount"], row["listenersByLanguage"]) == (1, {"es": 1})
    assert stage.connection(listener)["sessionId"] == session_id


def test_a_join_delivered_twice_is_counted_once(stage: Stage) -> None:
    session_id = stage.create_session(stage.connect_speaker())
    listener = stage.connect_listener()
    event = stage.event(
        listener,
        "MESSAGE",
        "joinSession",
        json.dumps({"action": "joinSession", "sessionId": session_id, "targetLanguage": "es"}),
    )
    stage.entries["connection"](event, LambdaContext())
    second = json.loads(stage.entries["connection"](event, LambdaContext())["body"])
    assert code_of(second) == "ALREADY_IN_SESSION"
    assert stage.session(session_id)["listenerCount"] == 1


def test_a_full_session_admits_no_further_listener(stage: Stage) -> None:
    session_id = stage.create_session(stage.connect_speaker())
    for _ in range(3):
        stage.join(session_id)
    late = stage.connect_listener()
    frame = stage.send(late, "joinSession", sessionId=session_id, targetLanguage="es")
    assert code_of(frame) == "SESSION_FULL"
    assert frame["details"] == {"maxListeners": 3}
    assert stage.session(session_id)["listenerCount"] == 3
    assert "sessionId" not in stage.connection(late)


def test_a_join_of_an_unknown_session_is_refused_and_creates_no_row(stage: Stage) -> None:
    frame = stage.send(
        stage.connect_listener(), "joinSession", sessionId="calm-river-417", targetLanguage="es"
    )
    assert code_of(frame) == "SESSION_NOT_FOUND"
    assert stage.dynamodb.scan(TableName="sessions")["Count"] == 0


def test_an_expired_session_cannot_be_joined_although_its_row_still_exists(stage: Stage) -> None:
    session_id = stage.create_session(stage.connect_speaker())
    stage.change("sessions", {"sessionId": session_id}, expiresAt=1)
    frame = stage.send(
        stage.connect_listener(), "joinSession", sessionId=session_id, targetLanguage="es"
    )
    assert code_of(frame) == "SESSION_ENDED"
    assert stage.session(session_id)["listenerCount"] == 0


def test_a_join_is_undone_if_the_session_ends_before_the_row_is_written(stage: Stage) -> None:
    clients = intercepted(stage)
    speaker = stage.connect_speaker()
    session_id = stage.create_session(speaker)
    listener = stage.connect_listener()
    end_first = after(lambda: stage.send(speaker, "endSession"))
    with clients.intercept("update_item", end_first, TableName="connections", times=1):
        frame = stage.send(listener, "joinSession", sessionId=session_id, targetLanguage="es")
    assert code_of(frame) == "SESSION_ENDED"
    assert stage.connection(listener) == {}
    assert stage.session(session_id)["listenerCount"] == 0


@pytest.mark.parametrize("failure", [THROTTLED, TIMED_OUT], ids=["throttled", "timed out"])
def test_a_join_whose_row_cannot_be_written_releases_its_place(
    stage: Stage, failure: Exception
) -> None:
    clients = intercepted(stage)
    session_id = stage.create_session(stage.connect_speaker())
    listener = stage.connect_listener()
    with clients.intercept("update_item", fail_with(failure), TableName="connections"):
        frame = stage.send(listener, "joinSession", sessionId=session_id, targetLanguage="es")
    assert code_of(frame) == "SERVICE_UNAVAILABLE"
    assert stage.session(session_id)["listenerCount"] == 0
    assert stage.session(session_id)["listenersByLanguage"] == {"es": 0}


def test_a_listener_that_left_may_join_again_on_the_same_socket(stage: Stage) -> None:
    session_id = stage.create_session(stage.connect_speaker())
    listener = stage.join(session_id)
    stage.send(listener, "leaveSession")
    frame = stage.send(listener, "joinSession", sessionId=session_id, targetLanguage="fr")
    assert frame["type"] == "sessionJoined"
    assert stage.session(session_id)["listenersByLanguage"] == {"es": 0, "fr": 1}
    assert stage.connection(listener)["ttl"] == stage.connected_at // 1000 + 7800


def test_a_late_join_of_a_closed_socket_leaves_no_row_and_no_count(
    stage: Stage, sockets: OpenSockets
) -> None:
    session_id = stage.create_session(stage.connect_speaker())
    listener = stage.join(session_id)
    stage.send(listener, "leaveSession")
    stage.disconnect(listener)
    frame = stage.send(listener, "joinSession", sessionId=session_id, targetLanguage="es")
    assert code_of(frame) == "CONNECTION_NOT_FOUND"
    assert stage.connection(listener) == {}
    assert stage.session(session_id)["listenerCount"] == 0


def test_a_join_is_undone_if_it_is_unknown_whether_its_socket_is_open(
    stage: Stage, sockets: OpenSockets
) -> None:
    session_id = stage.create_session(stage.connect_speaker())
    listener = stage.join(session_id)
    stage.send(listener, "leaveSession")
    sockets.failing.add(listener)
    frame = stage.send(listener, "joinSession", sessionId=session_id, targetLanguage="es")
    assert frame["type"] == "error"
    assert stage.connection(listener) == {}
    assert stage.session(session_id)["listenerCount"] == 0


# ---- leaveSession


def test_a_listener_that_leaves_is_no_longer_counted(stage: Stage) -> None:
    session_id = stage.create_session(stage.connect_speaker())
    listener = stage.join(session_id)
    assert stage.send(listener, "leaveSession", requestId="l")["type"] == "sessionLeft"
    assert stage.session(session_id)["listenerCount"] == 0
    assert code_of(stage.send(listener, "leaveSession")) == "CONNECTION_NOT_FOUND"
    assert stage.session(session_id)["listenerCount"] == 0


def test_a_connection_in_no_session_cannot_leave_or_end_one(stage: Stage) -> None:
    assert code_of(stage.send(stage.connect_listener(), "leaveSession")) == "CONNECTION_NOT_FOUND"
    assert code_of(stage.send(stage.connect_speaker(), "endSession")) == "CONNECTION_NOT_FOUND"


# ---- endSession


def test_the_end_of_a_session_is_sent_to_each_listener_once_and_removes_its_row(
    stage: Stage, sockets: OpenSockets
) -> None:
    speaker = stage.connect_speaker()
    session_id = stage.create_session(speaker)
    listeners = [stage.join(session_id, language) for language in ("es", "fr", "es")]
    frame = stage.send(speaker, "endSession", requestId="e")
    assert frame["type"] == "sessionEnded"
    assert (frame["sessionId"], frame["reason"]) == (session_id, "speakerEnded")
    stage.run_fan_outs()
    stage.run_checks()
    stage.run_fan_outs()
    for listener in listeners:
        (ended,) = sockets.frames_of(listener, "sessionEnded")
        assert ended["reason"] == "speakerEnded"
        assert stage.connection(listener) == {}
    assert sockets.frames_of(speaker, "sessionEnded") == []
    row = stage.session(session_id)
    assert row["broadcastState"]["isActive"] is False
    assert row["broadcastState"]["version"] == 2
    assert (row["listenerCount"], row["listenersByLanguage"]) == (0, {})


def test_a_session_ends_once(stage: Stage) -> None:
    speaker = stage.connect_speaker()
    session_id = stage.create_session(speaker)
    stage.send(speaker, "endSession")
    ended_at = stage.session(session_id)["endedAt"]
    assert code_of(stage.send(speaker, "endSession")) == "CONNECTION_NOT_FOUND"
    assert stage.session(session_id)["endedAt"] == ended_at
    assert len(stage.fan_outs) == 1


def test_a_speaker_may_create_a_session_after_ending_one(stage: Stage) -> None:
    speaker = stage.connect_speaker()
    first = stage.create_session(speaker)
    stage.send(speaker, "endSession")
    assert stage.create_session(speaker) != first


def test_a_session_ends_although_its_fan_out_cannot_be_started(stage: Stage) -> None:
    clients = intercepted(stage)
    speaker = stage.connect_speaker()
    session_id = stage.create_session(speaker)
    with clients.intercept("invoke", fail_with(THROTTLED)):
        assert stage.send(speaker, "endSession")["type"] == "sessionEnded"
    assert stage.session(session_id)["endReason"] == "speakerEnded"
    assert [check["check"] for check in stage.queued("session-checks")] == ["secondPass"]


def test_a_listener_cannot_end_the_session(stage: Stage) -> None:
    session_id = stage.create_session(stage.connect_speaker())
    assert code_of(stage.send(stage.join(session_id), "endSession")) == "UNAUTHORIZED_ACTION"
    assert "endedAt" not in stage.session(session_id)


# ---- Failures and refusals


def test_an_unexpected_failure_reaches_the_client_without_inner_details(stage: Stage) -> None:
    clients = intercepted(stage)
    bug = RuntimeError("table arn:aws:secret")
    speaker = stage.connect_speaker()
    with clients.intercept("get_item", fail_with(bug)):
        frame = stage.send(speaker, "createSession", sourceLanguage="en", requestId="r")
    assert code_of(frame) == "INTERNAL_ERROR"
    assert frame["requestId"] == "r"
    assert "secret" not in json.dumps(frame)


@pytest.mark.parametrize(
    ("failure", "code"),
    [
        (refusal("Odd", 500), "SERVICE_UNAVAILABLE"),
        (refusal("Odd", 503), "SERVICE_UNAVAILABLE"),
        (refusal("AccessDeniedException"), "INTERNAL_ERROR"),
    ],
    ids=["500", "503", "denied"],
)
def test_a_server_error_of_dynamodb_is_an_outage_and_a_denied_call_an_error_of_ours(
    stage: Stage, failure: Exception, code: str
) -> None:
    clients = intercepted(stage)
    speaker = stage.connect_speaker()
    with clients.intercept("get_item", fail_with(failure), times=1):
        frame = stage.send(speaker, "createSession", sourceLanguage="en")
    assert code_of(frame) == code


def test_no_log_line_has_a_connection_id(
    stage: Stage, sockets: OpenSockets, caplog: pytest.LogCaptureFixture
) -> None:
    speaker = stage.connect_speaker()
    listener = stage.join(stage.create_session(speaker))
    stage.send(listener, "leaveSession")
    session_id = stage.connection(speaker)["sessionId"]

    sockets.failing.add(listener)
    frame = stage.send(listener, "joinSession", sessionId=session_id, targetLanguage="es")
    assert code_of(frame) == "SERVICE_UNAVAILABLE"
    stage.send(speaker, "endSession")
    stage.run_fan_outs()
    stage.disconnect(speaker)
    formatter = logging.Formatter()
    logged = "\n".join(f"{vars(each)} {formatter.format(each)}" for each in caplog.records)
    assert "disconnected" in logged
    assert speaker not in logged
    assert listener not in logged


def test_a_listener_of_an_ended_session_may_join_another_before_it_is_notified(
    stage: Stage,
) -> None:
    first, second = stage.connect_speaker("user-1"), stage.connect_speaker("user-2")
    listener = stage.join(stage.create_session(first))
    stage.send(first, "endSession")
    frame = stage.send(
        listener, "joinSession", sessionId=stage.create_session(second), targetLanguage="es"
    )
    assert frame["type"] == "sessionJoined"


def test_of_two_joins_of_one_socket_the_second_is_refused_with_the_firsts_session(
    stage: Stage,
) -> None:
    clients = intercepted(stage)
    first = stage.create_session(stage.connect_speaker("user-1"))
    second = stage.create_session(stage.connect_speaker("user-2"))
    listener = stage.connect_listener()
    join_first = after(
        lambda: stage.send(listener, "joinSession", sessionId=first, targetLanguage="es")
    )
    with clients.intercept("update_item", join_first, TableName="connections", times=1):
        frame = stage.send(listener, "joinSession", sessionId=second, targetLanguage="es")
    assert code_of(frame) == "ALREADY_IN_SESSION"
    assert frame["details"] == {"sessionId": first}
    assert stage.session(second)["listenerCount"] == 0
    assert stage.connection(listener)["sessionId"] == first


@pytest.mark.parametrize("action", ["endSession", "pauseBroadcast", "sendAudio"])
def test_an_action_without_a_route_is_refused_and_changes_nothing(
    stage: Stage, action: str
) -> None:
    speaker = stage.connect_speaker()
    session_id = stage.create_session(speaker)
    before = stage.session(session_id)
    body = json.dumps({"action": action, "requestId": "r1"})
    frame = stage.send_text(speaker, body, "$default")
    assert code_of(frame) == "INVALID_ACTION"
    assert action in frame["message"]
    assert frame["requestId"] == "r1"
    assert stage.session(session_id) == before


def test_a_message_on_another_actions_route_is_refused_and_changes_nothing(stage: Stage) -> None:
    speaker = stage.connect_speaker()
    session_id = stage.create_session(speaker)
    frame = stage.send_text(speaker, '{"action":"heartbeat","action":"endSession"}', "heartbeat")
    assert code_of(frame) == "INVALID_ACTION"
    assert "endedAt" not in stage.session(session_id)
