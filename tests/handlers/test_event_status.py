"""The status that is pushed at once: when a count changed enough, or a language is new."""

from __future__ import annotations

import pytest

from live_sessions.sessions.rows import Session, SessionTable
from live_sessions.status.pushes import CountBounds, EventPushes
from live_sessions.wire.sockets import Sockets
from tests.handlers.conftest import OpenSockets, Stage
from tests.handlers.intercepted_clients import Call, intercepted, refusal


def pushes(sockets: OpenSockets, speaker: str) -> list[tuple[str, int]]:
    return [
        (frame["updateReason"], frame["listenerCount"])
        for frame in sockets.frames_of(speaker, "sessionStatus")
    ]


@pytest.mark.parametrize("threshold_percent", [1, 10, 33, 100])
def test_the_bounds_contain_exactly_the_counts_within_the_threshold(
    threshold_percent: int,
) -> None:
    for baseline in range(300):
        bounds = CountBounds.around(baseline, threshold_percent)
        for listeners in range(700):
            moved = abs(listeners - baseline) * 100 > baseline * threshold_percent
            assert bounds.contain(listeners) is not moved, (baseline, listeners, bounds)


def session_of_100(stage: Stage, listeners: int = 100) -> tuple[str, str]:
    speaker = stage.connect_speaker()
    session_id = stage.create_session(speaker)
    stage.change(
        "sessions",
        {"sessionId": session_id},
        listenerCount=listeners,
        listenersByLanguage={"es": listeners},
        statusBaseline=listeners,
    )
    return speaker, session_id


def test_only_the_first_listener_of_a_language_is_pushed_as_a_new_language(
    stage: Stage, sockets: OpenSockets
) -> None:
    speaker = stage.connect_speaker()
    session_id = stage.create_session(speaker)
    stage.join(session_id, "es")
    assert pushes(sockets, speaker) == [("newLanguage", 1)]
    stage.join(session_id, "es")
    assert pushes(sockets, speaker)[1:] == [("listenerCountChange", 2)]
    stage.join(session_id, "fr")
    assert pushes(sockets, speaker)[2:] == [("newLanguage", 3)]
    (*_, frame) = sockets.frames_of(speaker, "sessionStatus")
    assert frame["languageDistribution"] == {"es": 2, "fr": 1}
    assert "requestId" not in frame


def test_a_count_is_pushed_once_it_differs_by_more_than_the_threshold(
    stage: Stage, sockets: OpenSockets
) -> None:
    stage.environment["MAX_LISTENERS_PER_SESSION"] = "500"
    speaker, session_id = session_of_100(stage)
    for _ in range(10):
        stage.join(session_id, "es")
    assert pushes(sockets, speaker) == [], "10 of 100 is not more than 10 %"
    eleventh = stage.join(session_id, "es")
    assert pushes(sockets, speaker) == [("listenerCountChange", 111)]
    stage.send(eleventh, "leaveSession")
    stage.join(session_id, "es")
    assert len(pushes(sockets, speaker)) == 1, "compared with the last push"


def test_a_leave_and_a_closed_socket_are_pushed_too(stage: Stage, sockets: OpenSockets) -> None:
    speaker = stage.connect_speaker()
    session_id = stage.create_session(speaker)
    first, second, third = (stage.join(session_id, "es") for _ in range(3))
    sockets.posts.clear()
    stage.send(first, "leaveSession")
    assert pushes(sockets, speaker) == [("listenerCountChange", 2)]
    stage.disconnect(second)
    assert pushes(sockets, speaker)[1:] == [("listenerCountChange", 1)]
    stage.disconnect_event(second)
    assert len(pushes(sockets, speaker)) == 2
    stage.send(third, "changeLanguage", targetLanguage="fr")
    assert pushes(sockets, speaker)[2:] == [("newLanguage", 1)]


def test_a_refresh_is_not_pushed(stage: Stage, sockets: OpenSockets) -> None:
    speaker = stage.connect_speaker()
    session_id = stage.create_session(speaker)
    old = stage.join(session_id, "es")
    sockets.posts.clear()
    stage.send(
        stage.connect_listener(),
        "refreshConnection",
        sessionId=session_id,
        connectionId=old,
        targetLanguage="es",
    )
    stage.disconnect(old)
    assert pushes(sockets, speaker) == []


def event_pushes(stage: Stage) -> EventPushes:
    endpoint = stage.environment["API_GATEWAY_ENDPOINT"]
    return EventPushes(
        SessionTable.of(stage.clients, "sessions", stage.clock),
        Sockets.at(endpoint, stage.clients, stage.clock),
        stage.clock,
        threshold_percent=10,
    )


def session_as_read(stage: Stage, session_id: str) -> Session:
    session = SessionTable.of(stage.clients, "sessions", stage.clock).get(session_id)
    assert session is not None
    return session


def test_a_change_that_two_calls_see_is_pushed_once(stage: Stage, sockets: OpenSockets) -> None:
    speaker, session_id = session_of_100(stage)
    stage.change("sessions", {"sessionId": session_id}, listenerCount=120)
    session = session_as_read(stage, session_id)
    for _ in range(2):
        event_pushes(stage).push_count(session)
    assert pushes(sockets, speaker) == [("listenerCountChange", 120)]


def test_a_change_that_was_reversed_meanwhile_is_not_pushed(
    stage: Stage, sockets: OpenSockets
) -> None:
    speaker, session_id = session_of_100(stage)
    stage.change("sessions", {"sessionId": session_id}, listenerCount=120)
    session = session_as_read(stage, session_id)
    stage.change("sessions", {"sessionId": session_id}, listenerCount=101)
    event_pushes(stage).push_count(session)
    assert pushes(sockets, speaker) == []
    assert stage.session(session_id)["statusBaseline"] == 100


@pytest.mark.parametrize("fault", ["gone", "failing", "throttled table"])
def test_a_listener_joins_although_the_push_fails(
    stage: Stage, sockets: OpenSockets, capsys: pytest.CaptureFixture[str], fault: str
) -> None:
    clients = intercepted(stage)
    speaker = stage.connect_speaker()
    session_id = stage.create_session(speaker)
    listener = stage.connect_listener()
    if fault == "gone":
        sockets.open.discard(speaker)
    elif fault == "failing":
        sockets.failing.add(speaker)

    def refuse_the_push(call: Call) -> object:
        if fault == "throttled table" and "lastPushId" in call.request["UpdateExpression"]:
            raise refusal("ThrottlingException")
        return call.carry_out()

    with clients.intercept("update_item", refuse_the_push, TableName="sessions"):
        frame = stage.send(listener, "joinSession", sessionId=session_id, targetLanguage="es")
    assert frame["type"] == "sessionJoined"
    assert '"EventPushesFailed":[1.0]' in capsys.readouterr().out


def test_an_ended_session_is_not_pushed(stage: Stage, sockets: OpenSockets) -> None:
    speaker = stage.connect_speaker()
    session_id = stage.create_session(speaker)
    listener = stage.join(session_id, "es")
    stage.send(speaker, "endSession")
    sockets.posts.clear()
    stage.disconnect(listener)
    assert pushes(sockets, speaker) == []
