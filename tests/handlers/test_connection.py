"""createSession, joinSession, leaveSession and endSession on DynamoDB's own semantics."""

from __future__ import annotations

import importlib
import json
import logging
import re
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from live_sessions import lifecycle
from live_sessions.aws import clients
from tests.handlers.conftest import OpenSockets, Stage


def code_of(frame: dict[str, Any]) -> str:
    assert frame["type"] == "error", frame
    return frame["code"]


def connection_client() -> Any:
    """The client that the connection function's tables are read and written by."""
    return importlib.import_module("connection").DYNAMODB


def failing_call(stage: Stage, operation: str, error: Exception, *, times: int = 1) -> list[str]:
    """Make the next calls of one DynamoDB operation fail; returns the list of those that did."""
    hit: list[str] = []

    def fail(**_: Any) -> None:
        if len(hit) < times:
            hit.append(operation)
            raise error

    connection_client().meta.events.register_first(f"before-call.dynamodb.{operation}", fail)
    stage_failures.append((operation, fail))
    return hit


stage_failures: list[tuple[str, Any]] = []


@pytest.fixture(autouse=True)
def calls_that_work_again() -> Any:
    yield
    while stage_failures:
        operation, fail = stage_failures.pop()
        connection_client().meta.events.unregister(f"before-call.dynamodb.{operation}", fail)


def throttled(operation: str) -> ClientError:
    return ClientError({"Error": {"Code": "ThrottlingException", "Message": "slow"}}, operation)


# ---- $connect


def test_a_connection_gets_a_row_with_its_role_and_a_ttl_after_its_longest_life(
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


def test_connect_delivered_twice_leaves_the_member_a_member(stage: Stage) -> None:
    session_id = stage.create_session(stage.connect_speaker())
    listener = stage.join(session_id)
    before = stage.connection(listener)
    stage.entries["connection"].handler(stage.event(listener, "CONNECT", "$connect"), None)
    assert stage.connection(listener) == before


@pytest.mark.parametrize("action", ["$connect", "$disconnect", "$default"])
def test_a_message_cannot_pose_as_a_lifecycle_event(stage: Stage, action: str) -> None:
    session_id = stage.create_session(stage.connect_speaker())
    listener = stage.join(session_id)
    before = stage.connection(listener)
    event = stage.event(listener, "MESSAGE", action, json.dumps({"action": action}))
    response = stage.entries["connection"].handler(event, None)
    assert code_of(json.loads(response["body"])) == "INVALID_ACTION"
    stage.entries["disconnect"].handler(event, None)
    assert stage.connection(listener) == before
    assert stage.session(session_id)["listenerCount"] == 1


# ---- createSession


def test_a_created_session_has_a_speakable_id_and_says_when_it_ends(stage: Stage) -> None:
    speaker = stage.connect_speaker("user-7")
    frame = stage.send(speaker, "createSession", sourceLanguage="en", requestId="r1")
    session_id = frame.pop("sessionId")
    assert re.fullmatch(r"[a-z]+-[a-z]+-\d{3}", session_id)
    row = stage.session(session_id)
    assert row["expiresAt"] == row["createdAt"] // 1000 + 8 * 3600
    assert frame.pop("expiresAt") == row["expiresAt"] * 1000
    assert frame.pop("timestamp") >= row["createdAt"]
    assert frame == {
        "type": "sessionCreated",
        "sourceLanguage": "en",
        "qualityTier": "standard",
        "connectionId": speaker,
        "requestId": "r1",
    }


def test_a_new_session_is_active_and_empty_and_its_ttl_comes_after_its_end(stage: Stage) -> None:
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


def test_a_taken_session_id_is_tried_again_with_another(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = iter(["calm-river-417", "calm-river-417", "bold-comet-100"])
    monkeypatch.setattr(lifecycle, "random_session_id", lambda: next(ids))
    assert stage.create_session(stage.connect_speaker()) == "calm-river-417"
    assert stage.create_session(stage.connect_speaker()) == "bold-comet-100"


def test_a_speaker_without_a_row_is_told_to_connect_again(stage: Stage) -> None:
    speaker = stage.connect_speaker()
    stage.dynamodb.delete_item(TableName="connections", Key={"connectionId": {"S": speaker}})
    frame = stage.send(speaker, "createSession", sourceLanguage="en")
    assert code_of(frame) == "CONNECTION_NOT_FOUND"
    assert stage.dynamodb.scan(TableName="sessions")["Count"] == 0


def test_a_session_whose_speaker_could_not_be_bound_to_it_is_taken_back(stage: Stage) -> None:
    speaker = stage.connect_speaker()
    the_rate_limit_passes_and_the_row_fails = 2
    hit = failing_call(
        stage,
        "UpdateItem",
        throttled("UpdateItem"),
        times=the_rate_limit_passes_and_the_row_fails,
    )
    assert code_of(stage.send(speaker, "createSession", sourceLanguage="en")) == (
        "SERVICE_UNAVAILABLE"
    )
    assert len(hit) == 2
    assert stage.dynamodb.scan(TableName="sessions")["Count"] == 0
    assert stage.create_session(speaker)


def test_a_speaker_bound_to_a_session_that_is_no_more_may_create_another(stage: Stage) -> None:
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


def test_the_same_join_delivered_twice_counts_once(stage: Stage) -> None:
    session_id = stage.create_session(stage.connect_speaker())
    listener = stage.connect_listener()
    event = stage.event(
        listener,
        "MESSAGE",
        "joinSession",
        json.dumps({"action": "joinSession", "sessionId": session_id, "targetLanguage": "es"}),
    )
    stage.entries["connection"].handler(event, None)
    second = json.loads(stage.entries["connection"].handler(event, None)["body"])
    assert code_of(second) == "ALREADY_IN_SESSION"
    assert stage.session(session_id)["listenerCount"] == 1


def test_no_more_listeners_than_places_join(stage: Stage) -> None:
    session_id = stage.create_session(stage.connect_speaker())
    for _ in range(3):
        stage.join(session_id)
    late = stage.connect_listener()
    frame = stage.send(late, "joinSession", sessionId=session_id, targetLanguage="es")
    assert code_of(frame) == "SESSION_FULL"
    assert frame["details"] == {"maxListeners": 3}
    assert stage.session(session_id)["listenerCount"] == 3
    assert "sessionId" not in stage.connection(late)


def test_a_session_that_is_not_there_cannot_be_joined_and_is_not_made(stage: Stage) -> None:
    frame = stage.send(
        stage.connect_listener(), "joinSession", sessionId="calm-river-417", targetLanguage="es"
    )
    assert code_of(frame) == "SESSION_NOT_FOUND"
    assert stage.dynamodb.scan(TableName="sessions")["Count"] == 0


def test_an_expired_session_cannot_be_joined_though_its_row_is_still_there(stage: Stage) -> None:
    session_id = stage.create_session(stage.connect_speaker())
    stage.change("sessions", {"sessionId": session_id}, expiresAt=1)
    frame = stage.send(
        stage.connect_listener(), "joinSession", sessionId=session_id, targetLanguage="es"
    )
    assert code_of(frame) == "SESSION_ENDED"
    assert stage.session(session_id)["listenerCount"] == 0


def test_a_join_that_the_session_ends_in_the_middle_of_undoes_itself(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    speaker = stage.connect_speaker()
    session_id = stage.create_session(speaker)
    table = type(stage.entries["connection"].CONNECTIONS)
    enter = table.enter_session

    def end_first(self: Any, *arguments: Any) -> bool:
        stage.send(speaker, "endSession")
        return enter(self, *arguments)

    monkeypatch.setattr(table, "enter_session", end_first)
    listener = stage.connect_listener()
    frame = stage.send(listener, "joinSession", sessionId=session_id, targetLanguage="es")
    assert code_of(frame) == "SESSION_ENDED"
    assert stage.connection(listener) == {}
    assert stage.session(session_id)["listenerCount"] == 0


@pytest.mark.parametrize(
    "error", [throttled("UpdateItem"), ReadTimeoutError(endpoint_url="https://dynamodb")]
)
def test_a_join_whose_row_cannot_be_written_gives_its_place_back(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    session_id = stage.create_session(stage.connect_speaker())
    table = type(stage.entries["connection"].CONNECTIONS)

    def fail(self: Any, *arguments: Any) -> bool:
        raise error

    monkeypatch.setattr(table, "enter_session", fail)
    listener = stage.connect_listener()
    frame = stage.send(listener, "joinSession", sessionId=session_id, targetLanguage="es")
    assert code_of(frame) == "SERVICE_UNAVAILABLE"
    assert stage.session(session_id)["listenerCount"] == 0
    assert stage.session(session_id)["listenersByLanguage"] == {"es": 0}


def test_a_listener_that_left_joins_again_on_the_same_socket(stage: Stage) -> None:
    session_id = stage.create_session(stage.connect_speaker())
    listener = stage.join(session_id)
    stage.send(listener, "leaveSession")
    frame = stage.send(listener, "joinSession", sessionId=session_id, targetLanguage="fr")
    assert frame["type"] == "sessionJoined"
    assert stage.session(session_id)["listenersByLanguage"] == {"es": 0, "fr": 1}
    assert stage.connection(listener)["ttl"] == stage.connected_at // 1000 + 7800


def test_a_listener_that_left_and_hung_up_cannot_leave_a_ghost_by_a_late_join(
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


def test_a_rejoin_whose_socket_cannot_be_looked_at_is_undone(
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


def test_a_listener_that_leaves_is_counted_no_more(stage: Stage) -> None:
    session_id = stage.create_session(stage.connect_speaker())
    listener = stage.join(session_id)
    assert stage.send(listener, "leaveSession", requestId="l")["type"] == "sessionLeft"
    assert stage.session(session_id)["listenerCount"] == 0
    assert code_of(stage.send(listener, "leaveSession")) == "CONNECTION_NOT_FOUND"
    assert stage.session(session_id)["listenerCount"] == 0


def test_who_is_in_no_session_cannot_leave_or_end_one(stage: Stage) -> None:
    assert code_of(stage.send(stage.connect_listener(), "leaveSession")) == "CONNECTION_NOT_FOUND"
    assert code_of(stage.send(stage.connect_speaker(), "endSession")) == "CONNECTION_NOT_FOUND"


# ---- endSession


def test_an_ended_session_tells_each_listener_once_and_removes_its_row(
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
        (told,) = sockets.frames_of(listener, "sessionEnded")
        assert told["reason"] == "speakerEnded"
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


def test_the_end_stands_and_is_answered_though_the_fan_out_cannot_be_started(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(**_: Any) -> None:
        raise throttled("Invoke")

    monkeypatch.setattr(clients.lambda_(), "invoke", refuse)
    speaker = stage.connect_speaker()
    session_id = stage.create_session(speaker)
    assert stage.send(speaker, "endSession")["type"] == "sessionEnded"
    assert stage.session(session_id)["endReason"] == "speakerEnded"
    assert [check["check"] for check in stage.queued("session-checks")] == ["secondPass"]


def test_a_listener_cannot_end_the_session(stage: Stage) -> None:
    session_id = stage.create_session(stage.connect_speaker())
    assert code_of(stage.send(stage.join(session_id), "endSession")) == "UNAUTHORIZED_ACTION"
    assert "endedAt" not in stage.session(session_id)


# ---- what must not get through


def test_an_unexpected_failure_reaches_the_client_without_its_inside(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def explode(*_: Any, **__: Any) -> None:
        raise RuntimeError("table arn:aws:secret")

    monkeypatch.setattr(lifecycle, "create", explode)
    frame = stage.send(stage.connect_speaker(), "createSession", sourceLanguage="en", requestId="r")
    assert code_of(frame) == "INTERNAL_ERROR"
    assert frame["requestId"] == "r"
    assert "secret" not in json.dumps(frame)


@pytest.mark.parametrize("status", [500, 503])
def test_a_server_error_of_dynamodb_is_an_outage(stage: Stage, status: int) -> None:
    error = ClientError(
        {"Error": {"Code": "Odd"}, "ResponseMetadata": {"HTTPStatusCode": status}}, "GetItem"
    )
    failing_call(stage, "GetItem", error)
    frame = stage.send(stage.connect_speaker(), "createSession", sourceLanguage="en")
    assert code_of(frame) == "SERVICE_UNAVAILABLE"


def test_no_log_line_holds_a_connection_id(
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


def test_a_listener_of_a_session_that_is_over_joins_another_before_it_was_told(
    stage: Stage,
) -> None:
    first, second = stage.connect_speaker("user-1"), stage.connect_speaker("user-2")
    listener = stage.join(stage.create_session(first))
    stage.send(first, "endSession")
    frame = stage.send(
        listener, "joinSession", sessionId=stage.create_session(second), targetLanguage="es"
    )
    assert frame["type"] == "sessionJoined"


def test_the_join_that_lost_against_another_is_told_the_session_it_is_in(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    winner = stage.create_session(stage.connect_speaker("user-1"))
    loser = stage.create_session(stage.connect_speaker("user-2"))
    listener = stage.connect_listener()
    table = type(stage.entries["connection"].CONNECTIONS)
    enter = table.enter_session

    def win_first(self: Any, *arguments: Any) -> bool:
        monkeypatch.undo()
        stage.send(listener, "joinSession", sessionId=winner, targetLanguage="es")
        return enter(self, *arguments)

    monkeypatch.setattr(table, "enter_session", win_first)
    frame = stage.send(listener, "joinSession", sessionId=loser, targetLanguage="es")
    assert code_of(frame) == "ALREADY_IN_SESSION"
    assert frame["details"] == {"sessionId": winner}
    assert stage.session(loser)["listenerCount"] == 0
    assert stage.connection(listener)["sessionId"] == winner


def test_a_denied_call_is_our_own_error_and_not_the_services(stage: Stage) -> None:
    denied = ClientError({"Error": {"Code": "AccessDeniedException", "Message": "arn"}}, "GetItem")
    failing_call(stage, "GetItem", denied)
    frame = stage.send(stage.connect_speaker(), "createSession", sourceLanguage="en")
    assert code_of(frame) == "INTERNAL_ERROR"


@pytest.mark.parametrize("action", ["endSession", "pauseBroadcast", "sendAudio"])
def test_an_action_whose_route_was_removed_is_refused_and_changes_nothing(
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


def test_a_message_on_the_wrong_route_is_refused_and_changes_nothing(stage: Stage) -> None:
    speaker = stage.connect_speaker()
    session_id = stage.create_session(speaker)
    frame = stage.send_text(speaker, '{"action":"heartbeat","action":"endSession"}', "heartbeat")
    assert code_of(frame) == "INVALID_ACTION"
    assert "endedAt" not in stage.session(session_id)
