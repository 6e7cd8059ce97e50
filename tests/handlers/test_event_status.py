"""The status that is pushed at once: one push for each crossing, none for small moves."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from botocore.exceptions import ClientError

from live_sessions.sessions import CountBounds
from live_sessions.status.event_status import EventStatus
from tests.handlers.conftest import OpenSockets, Stage


def pushes(sockets: OpenSockets, speaker: str) -> list[tuple[str, int]]:
    return [
        (frame["updateReason"], frame["listenerCount"])
        for frame in sockets.frames_of(speaker, "sessionStatus")
    ]


@pytest.mark.parametrize("threshold_percent", [1, 10, 33, 100])
def test_the_bounds_hold_exactly_what_is_not_more_than_the_threshold_away(
    threshold_percent: int,
) -> None:
    for baseline in range(300):
        bounds = CountBounds.around(baseline, threshold_percent)
        for listeners in range(700):
            moved = abs(listeners - baseline) * 100 > baseline * threshold_percent
            assert bounds.hold(listeners) is not moved, (baseline, listeners, bounds)


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


def test_the_first_listener_of_a_language_is_news_and_the_second_is_not_a_new_language(
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


def test_the_count_is_news_when_it_has_moved_by_more_than_the_threshold(
    stage: Stage, sockets: OpenSockets, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = stage.entries["connection"]
    joining = dataclasses.replace(entry.LISTENERS.joining, listeners_limit=500)
    roomy = dataclasses.replace(entry.LISTENERS, joining=joining)
    monkeypatch.setitem(entry.ANSWERS, "joinSession", roomy.join_session)
    speaker, session_id = session_of_100(stage)
    for _ in range(10):
        stage.join(session_id, "es")
    assert pushes(sockets, speaker) == [], "10 of 100 are not more than 10 %"
    eleventh = stage.join(session_id, "es")
    assert pushes(sockets, speaker) == [("listenerCountChange", 111)]
    stage.send(eleventh, "leaveSession")
    stage.join(session_id, "es")
    assert len(pushes(sockets, speaker)) == 1, "from the last push on, not from the first"


def test_leaving_and_disconnecting_are_moves_too(stage: Stage, sockets: OpenSockets) -> None:
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


def test_a_refresh_is_no_news(stage: Stage, sockets: OpenSockets) -> None:
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


def test_of_two_movers_that_see_the_same_crossing_one_pushes(
    stage: Stage, sockets: OpenSockets
) -> None:
    speaker, session_id = session_of_100(stage)
    status: EventStatus = stage.entries["connection"].LISTENERS.event_status
    stage.change("sessions", {"sessionId": session_id}, listenerCount=120)
    seen = status.sessions.get(session_id)
    assert seen is not None
    status.tell_count(seen)
    status.tell_count(seen)
    assert pushes(sockets, speaker) == [("listenerCountChange", 120)]


def test_a_crossing_that_has_gone_back_meanwhile_is_not_pushed(
    stage: Stage, sockets: OpenSockets
) -> None:
    speaker, session_id = session_of_100(stage)
    status: EventStatus = stage.entries["connection"].LISTENERS.event_status
    stage.change("sessions", {"sessionId": session_id}, listenerCount=120)
    seen = status.sessions.get(session_id)
    assert seen is not None
    stage.change("sessions", {"sessionId": session_id}, listenerCount=101)
    status.tell_count(seen)
    assert pushes(sockets, speaker) == []
    assert stage.session(session_id)["statusBaseline"] == 100


@pytest.mark.parametrize("trouble", ["gone", "failing", "throttled table"])
def test_a_push_that_fails_costs_the_listener_nothing(
    stage: Stage, sockets: OpenSockets, trouble: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    speaker = stage.connect_speaker()
    session_id = stage.create_session(speaker)
    listener = stage.connect_listener()
    if trouble == "gone":
        sockets.open.discard(speaker)
    elif trouble == "failing":
        sockets.failing.add(speaker)
    else:

        def refuse(*_: Any, **__: Any) -> Any:
            raise ClientError({"Error": {"Code": "ThrottlingException"}}, "UpdateItem")

        monkeypatch.setattr(EventStatus, "_claim", refuse)
    frame = stage.send(listener, "joinSession", sessionId=session_id, targetLanguage="es")
    assert frame["type"] == "sessionJoined"


def test_an_ended_session_pushes_nothing(stage: Stage, sockets: OpenSockets) -> None:
    speaker = stage.connect_speaker()
    session_id = stage.create_session(speaker)
    listener = stage.join(session_id, "es")
    stage.send(speaker, "endSession")
    sockets.posts.clear()
    stage.disconnect(listener)
    assert pushes(sockets, speaker) == []
