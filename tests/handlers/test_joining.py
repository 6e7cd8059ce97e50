"""A place is released at most once: otherwise more listeners join than there are places."""

from __future__ import annotations

from typing import Any

import pytest

from tests.handlers.conftest import OpenSockets, Stage
from tests.handlers.intercepted_clients import (
    TIMED_OUT,
    after,
    fail_with,
    intercepted,
    lose_response,
)

LIMIT = 3


def rows(stage: Stage, session_id: str) -> int:
    items = stage.dynamodb.scan(TableName="connections")["Items"]
    return sum(
        item.get("sessionId", {}).get("S") == session_id and "targetLanguage" in item
        for item in items
    )


def join(stage: Stage, listener: str, session_id: str) -> dict[str, Any]:
    return stage.send(listener, "joinSession", sessionId=session_id, targetLanguage="es")


def fill(stage: Stage, session_id: str) -> int:
    """Let more listeners join than there are places; returns how many did."""
    frames = [join(stage, stage.connect_listener(), session_id) for _ in range(LIMIT + 1)]
    return sum(frame["type"] == "sessionJoined" for frame in frames)


@pytest.mark.parametrize("rejoins", [False, True])
def test_the_place_of_a_socket_that_closed_before_its_join_was_answered_is_released_once(
    stage: Stage, rejoins: bool
) -> None:
    clients = intercepted(stage)
    session_id = stage.create_session(stage.connect_speaker())
    stage.join(session_id)
    listener = stage.connect_listener()
    if rejoins:
        join(stage, listener, session_id)
        stage.send(listener, "leaveSession")
    with clients.intercept(
        "put_item" if rejoins else "update_item",
        lose_response(lambda: stage.disconnect(listener)),
        TableName="connections",
        times=1,
    ):
        assert join(stage, listener, session_id)["code"] == "CONNECTION_NOT_FOUND"
    assert stage.session(session_id)["listenerCount"] >= rows(stage, session_id) == 1
    fill(stage, session_id)
    assert rows(stage, session_id) <= LIMIT


def test_a_join_that_finds_its_row_deleted_releases_its_place_at_once(stage: Stage) -> None:
    clients = intercepted(stage)
    session_id = stage.create_session(stage.connect_speaker())
    listener = stage.connect_listener()
    close_first = after(lambda: stage.disconnect(listener))
    with clients.intercept("update_item", close_first, TableName="connections", times=1):
        assert join(stage, listener, session_id)["code"] == "CONNECTION_NOT_FOUND"
    assert stage.session(session_id)["listenerCount"] == 0


def test_a_leave_whose_response_is_lost_among_others_is_subtracted_at_most_once(
    stage: Stage,
) -> None:
    clients = intercepted(stage)
    session_id = stage.create_session(stage.connect_speaker())
    first, second, _ = (stage.join(session_id) for _ in range(LIMIT))
    leave_too = lose_response(lambda: stage.send(second, "leaveSession"))
    with clients.intercept("update_item", leave_too, TableName="sessions", times=1):
        assert stage.send(first, "leaveSession")["type"] == "sessionLeft"
    assert stage.session(session_id)["listenerCount"] >= rows(stage, session_id) == 1


def test_a_listener_leaves_although_its_place_cannot_be_released(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    clients = intercepted(stage)
    session_id = stage.create_session(stage.connect_speaker())
    listener = stage.join(session_id)
    with clients.intercept("update_item", fail_with(TIMED_OUT), TableName="sessions", times=1):
        assert stage.send(listener, "leaveSession")["type"] == "sessionLeft"
    assert stage.connection(listener) == {}
    assert "PlacesNotReleased" in capsys.readouterr().out


def test_a_leave_is_acknowledged_if_the_response_of_its_deletion_was_lost(stage: Stage) -> None:
    clients = intercepted(stage)
    session_id = stage.create_session(stage.connect_speaker())
    listener = stage.join(session_id)
    with clients.intercept("delete_item", lose_response(), times=1) as calls:
        assert stage.send(listener, "leaveSession")["type"] == "sessionLeft"
    assert len(calls) == 1


def test_a_listener_is_notified_of_an_end_if_the_response_of_its_deletion_was_lost(
    stage: Stage, sockets: OpenSockets
) -> None:
    clients = intercepted(stage)
    speaker = stage.connect_speaker()
    listener = stage.join(stage.create_session(speaker))
    stage.send(speaker, "endSession")
    with clients.intercept("delete_item", lose_response(), times=1) as calls:
        stage.run_fan_outs()
    assert len(calls) == 1
    stage.run_checks()
    stage.run_fan_outs()
    assert len(sockets.frames_of(listener, "sessionEnded")) == 1


def test_a_listener_that_leaves_a_dead_session_by_joining_another_is_sent_its_end(
    stage: Stage, sockets: OpenSockets
) -> None:
    speaker = stage.connect_speaker()
    dead = stage.create_session(speaker)
    listener = stage.join(dead)
    stage.send(speaker, "endSession")
    assert join(stage, listener, "no-such-100")["code"] == "SESSION_NOT_FOUND"
    stage.run_fan_outs()
    (ended,) = sockets.frames_of(listener, "sessionEnded")
    assert (ended["sessionId"], ended["reason"]) == (dead, "speakerEnded")
