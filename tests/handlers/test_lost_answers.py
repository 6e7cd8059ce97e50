"""Calls that DynamoDB carried out and whose answer was lost: botocore repeats them.

And calls that fail for good. After each, at every call of an action, the counts equal the rows,
capacity holds, and whoever got a session's end told tells everybody.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.endpoint import Endpoint
from botocore.exceptions import ClientError, ReadTimeoutError

from tests.handlers.conftest import OpenSockets, Stage

CALLS_AT_MOST = 8
TIMEOUT = ReadTimeoutError(endpoint_url="https://dynamodb")
THROTTLED = ClientError({"Error": {"Code": "ThrottlingException", "Message": ""}}, "UpdateItem")


class Line:
    """The line to DynamoDB: the `number`-th call loses its answer once, or fails at every try."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.calls: list[str] = []
        self.number = 0
        self.fails_for_good = False
        self.carried_out = True
        send = Endpoint._get_response
        convey = Endpoint._send_request

        def get_response(endpoint: Any, request: Any, model: Any, context: Any) -> Any:
            first_try = context.get("tries", 0) == 0
            context["tries"] = context.get("tries", 0) + 1
            if not self._is_due():
                return send(endpoint, request, model, context)
            if first_try and self.carried_out:
                send(endpoint, request, model, context)
            if first_try or self.fails_for_good:
                return None, TIMEOUT
            return send(endpoint, request, model, context)

        def send_request(endpoint: Any, request: Any, model: Any) -> Any:
            if model.service_model.service_name == "dynamodb":
                self.calls.append(model.name)
            return convey(endpoint, request, model)

        monkeypatch.setattr(Endpoint, "_get_response", get_response)
        monkeypatch.setattr(Endpoint, "_send_request", send_request)
        monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _: None)

    def _is_due(self) -> bool:
        return self.number > 0 and len(self.calls) == self.number

    def cut_at(self, number: int, *, for_good: bool, carried_out: bool = True) -> None:
        self.calls.clear()
        self.number = number
        self.fails_for_good = for_good
        self.carried_out = carried_out

    def mend(self) -> list[str]:
        self.number = 0
        return list(self.calls)


@pytest.fixture
def line(monkeypatch: pytest.MonkeyPatch) -> Line:
    return Line(monkeypatch)


def rows_of(stage: Stage, session_id: str) -> int:
    rows = stage.dynamodb.scan(TableName="connections")["Items"]
    return sum(
        row.get("sessionId", {}).get("S") == session_id and "targetLanguage" in row for row in rows
    )


def join_first(stage: Stage, session_id: str) -> Callable[[], dict[str, Any]]:
    listener = stage.connect_listener()
    return lambda: stage.send(listener, "joinSession", sessionId=session_id, targetLanguage="es")


def join_again(stage: Stage, session_id: str) -> Callable[[], dict[str, Any]]:
    listener = stage.join(session_id)
    stage.send(listener, "leaveSession")
    return lambda: stage.send(listener, "joinSession", sessionId=session_id, targetLanguage="es")


def leave(stage: Stage, session_id: str) -> Callable[[], dict[str, Any]]:
    listener = stage.join(session_id)
    return lambda: stage.send(listener, "leaveSession")


NUMBERS = range(1, CALLS_AT_MOST + 1)


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize("prepare", [join_first, join_again])
def test_a_join_with_a_lost_answer_is_a_join_and_counted_once(
    stage: Stage, line: Line, prepare: Any, number: int
) -> None:
    session_id = stage.create_session(stage.connect_speaker())
    stage.join(session_id)
    act = prepare(stage, session_id)
    line.cut_at(number, for_good=False)
    frame = act()
    line.mend()
    assert frame["type"] == "sessionJoined", frame
    assert stage.session(session_id)["listenerCount"] == rows_of(stage, session_id) == 2


@pytest.mark.parametrize("number", NUMBERS)
def test_a_leave_with_a_lost_answer_never_counts_too_few(
    stage: Stage, line: Line, number: int
) -> None:
    session_id = stage.create_session(stage.connect_speaker())
    stage.join(session_id)
    act = leave(stage, session_id)
    line.cut_at(number, for_good=False)
    act()
    line.mend()
    assert rows_of(stage, session_id) == 1
    assert stage.session(session_id)["listenerCount"] >= 1


@pytest.mark.parametrize("number", NUMBERS)
def test_an_end_with_a_lost_answer_still_tells_everybody(
    stage: Stage, line: Line, sockets: OpenSockets, number: int
) -> None:
    speaker = stage.connect_speaker()
    session_id = stage.create_session(speaker)
    listener = stage.join(session_id)
    line.cut_at(number, for_good=False)
    frame = stage.send(speaker, "endSession")
    line.mend()
    assert frame["type"] == "sessionEnded", frame
    stage.run_fan_outs()
    assert len(sockets.frames_of(listener, "sessionEnded")) == 1
    assert len(sockets.frames_of(speaker, "sessionEnded")) == 0


@pytest.mark.parametrize("number", NUMBERS)
def test_a_create_with_a_lost_answer_makes_one_session(
    stage: Stage, line: Line, number: int
) -> None:
    speaker = stage.connect_speaker()
    line.cut_at(number, for_good=False)
    frame = stage.send(speaker, "createSession", sourceLanguage="en")
    line.mend()
    assert frame["type"] == "sessionCreated", frame
    assert stage.dynamodb.scan(TableName="sessions")["Count"] == 1


@pytest.mark.parametrize("carried_out", [True, False])
@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize("prepare", [join_first, join_again])
def test_a_join_that_fails_at_any_call_is_answered_and_leaves_no_member(
    stage: Stage, line: Line, prepare: Any, number: int, carried_out: bool
) -> None:
    session_id = stage.create_session(stage.connect_speaker())
    act = prepare(stage, session_id)
    line.cut_at(number, for_good=True, carried_out=carried_out)
    frame = act()
    calls = line.mend()
    if len(calls) < number:
        assert frame["type"] == "sessionJoined", frame
        return
    assert frame["code"] == "SERVICE_UNAVAILABLE", frame
    assert rows_of(stage, session_id) == 0
    counted_without_an_answer = carried_out and calls[number - 1] == "UpdateItem"
    assert stage.session(session_id)["listenerCount"] <= counted_without_an_answer
    assert act()["type"] == "sessionJoined"


@pytest.mark.parametrize("number", NUMBERS)
def test_an_end_that_fails_after_it_was_written_tells_everybody_all_the_same(
    stage: Stage, line: Line, sockets: OpenSockets, number: int
) -> None:
    speaker = stage.connect_speaker()
    session_id = stage.create_session(speaker)
    listener = stage.join(session_id)
    line.cut_at(number, for_good=True)
    frame = stage.send(speaker, "endSession")
    line.mend()
    stage.run_fan_outs()
    stage.run_checks()
    stage.run_fan_outs()
    assert frame["type"] == "sessionEnded" or frame["code"] == "SERVICE_UNAVAILABLE", frame
    has_ended = "endedAt" in stage.session(session_id)
    assert has_ended or frame["type"] == "error"
    assert len(sockets.frames_of(listener, "sessionEnded")) == has_ended
