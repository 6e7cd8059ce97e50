"""A place is never given back twice: then more would come in than there are places."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.endpoint import Endpoint
from botocore.exceptions import ReadTimeoutError

from live_sessions.aws import clients
from tests.handlers.conftest import OpenSockets, Stage

TIMEOUT = ReadTimeoutError(endpoint_url="https://dynamodb")
LIMIT = 3


def lose_answer(
    monkeypatch: pytest.MonkeyPatch, operation: str, table: str, meanwhile: Callable[[], Any]
) -> None:
    """The next such call is carried out, its answer lost; then comes what happens meanwhile."""
    send = Endpoint._get_response
    seen: list[Any] = []

    def get_response(endpoint: Any, request: Any, model: Any, context: Any) -> Any:
        body = bytes(request.body) if isinstance(request.body, bytes | bytearray) else b""
        is_it = model.name == operation and f'"{table}"'.encode() in body
        if seen or not is_it:
            return send(endpoint, request, model, context)
        seen.append(request)
        send(endpoint, request, model, context)
        meanwhile()
        return None, TIMEOUT

    monkeypatch.setattr(Endpoint, "_get_response", get_response)
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _: None)


def rows(stage: Stage, session_id: str) -> int:
    items = stage.dynamodb.scan(TableName="connections")["Items"]
    return sum(
        item.get("sessionId", {}).get("S") == session_id and "targetLanguage" in item
        for item in items
    )


def join(stage: Stage, listener: str, session_id: str) -> dict[str, Any]:
    return stage.send(listener, "joinSession", sessionId=session_id, targetLanguage="es")


def fill(stage: Stage, session_id: str) -> int:
    """Let more join than may; returns how many did."""
    frames = [join(stage, stage.connect_listener(), session_id) for _ in range(LIMIT + 1)]
    return sum(frame["type"] == "sessionJoined" for frame in frames)


@pytest.mark.parametrize("rejoins", [False, True])
def test_a_join_whose_socket_closed_before_its_answer_came_is_given_back_once(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, rejoins: bool
) -> None:
    session_id = stage.create_session(stage.connect_speaker())
    stage.join(session_id)
    listener = stage.connect_listener()
    if rejoins:
        join(stage, listener, session_id)
        stage.send(listener, "leaveSession")
    with monkeypatch.context() as patch:
        operation = "PutItem" if rejoins else "UpdateItem"
        lose_answer(patch, operation, "connections", lambda: stage.disconnect(listener))
        assert join(stage, listener, session_id)["code"] == "CONNECTION_NOT_FOUND"
    assert stage.session(session_id)["listenerCount"] >= rows(stage, session_id) == 1
    fill(stage, session_id)
    assert rows(stage, session_id) <= LIMIT


def test_a_join_that_found_its_row_gone_gives_its_place_back_at_once(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    session_id = stage.create_session(stage.connect_speaker())
    listener = stage.connect_listener()
    table = type(stage.entries["connection"].CONNECTIONS)
    enter = table.enter_session

    def close_first(self: Any, member: Any) -> Any:
        stage.disconnect(listener)
        return enter(self, member)

    with monkeypatch.context() as patch:
        patch.setattr(table, "enter_session", close_first)
        assert join(stage, listener, session_id)["code"] == "CONNECTION_NOT_FOUND"
    assert stage.session(session_id)["listenerCount"] == 0


def test_a_leave_whose_answer_is_lost_among_others_is_counted_at_most_once(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    session_id = stage.create_session(stage.connect_speaker())
    first, second, _ = (stage.join(session_id) for _ in range(LIMIT))
    with monkeypatch.context() as patch:
        lose_answer(
            patch,
            "UpdateItem",
            "sessions",
            lambda: stage.send(second, "leaveSession"),
        )
        assert stage.send(first, "leaveSession")["type"] == "sessionLeft"
    assert stage.session(session_id)["listenerCount"] >= rows(stage, session_id) == 1


def test_a_leave_that_cannot_be_counted_is_a_leave_all_the_same(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    session_id = stage.create_session(stage.connect_speaker())
    listener = stage.join(session_id)

    def fail(**_: Any) -> None:
        raise TIMEOUT

    with monkeypatch.context() as patch:
        patch.setattr(clients.dynamodb_at_most_once(), "update_item", fail)
        assert stage.send(listener, "leaveSession")["type"] == "sessionLeft"
    assert stage.connection(listener) == {}
    assert "PlacesNotReleased" in capsys.readouterr().out


def test_a_leave_whose_deletion_was_carried_out_unheard_is_answered_as_one(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    session_id = stage.create_session(stage.connect_speaker())
    listener = stage.join(session_id)
    with monkeypatch.context() as patch:
        lose_answer(patch, "DeleteItem", "connections", lambda: None)
        assert stage.send(listener, "leaveSession")["type"] == "sessionLeft"


def test_an_end_whose_deletion_was_carried_out_unheard_is_told_all_the_same(
    stage: Stage, sockets: OpenSockets, monkeypatch: pytest.MonkeyPatch
) -> None:
    speaker = stage.connect_speaker()
    listener = stage.join(stage.create_session(speaker))
    stage.send(speaker, "endSession")
    with monkeypatch.context() as patch:
        lose_answer(patch, "DeleteItem", "connections", lambda: None)
        stage.run_fan_outs()
    stage.run_checks()
    stage.run_fan_outs()
    assert len(sockets.frames_of(listener, "sessionEnded")) == 1


def test_a_listener_that_leaves_a_dead_session_by_joining_another_is_told_of_its_end(
    stage: Stage, sockets: OpenSockets
) -> None:
    speaker = stage.connect_speaker()
    dead = stage.create_session(speaker)
    listener = stage.join(dead)
    stage.send(speaker, "endSession")
    assert join(stage, listener, "no-such-100")["code"] == "SESSION_NOT_FOUND"
    stage.run_fan_outs()
    (told,) = sockets.frames_of(listener, "sessionEnded")
    assert (told["sessionId"], told["reason"]) == (dead, "speakerEnded")
