"""A listener's own playback and language; the broadcast does not change."""

from __future__ import annotations

import pytest

from tests.handlers.conftest import OpenSockets, Stage
from tests.handlers.intercepted_clients import THROTTLED, after, fail_with, intercepted


def counts(stage: Stage, session_id: str) -> dict[str, int]:
    row = stage.session(session_id)
    present = {code: count for code, count in row["listenersByLanguage"].items() if count}
    assert sum(present.values()) == row["listenerCount"]
    return present


@pytest.mark.parametrize(
    ("action", "frame_type"),
    [("pausePlayback", "playbackPaused"), ("resumePlayback", "playbackResumed")],
)
def test_a_listeners_playback_changes_nothing_for_others(
    stage: Stage, action: str, frame_type: str
) -> None:
    speaker = stage.connect_speaker()
    session_id = stage.create_session(speaker)
    listener = stage.join(session_id)
    before = stage.session(session_id)
    frame = stage.send(listener, action, requestId="r")
    assert (frame["type"], frame["requestId"]) == (frame_type, "r")
    assert stage.session(session_id) == before
    assert stage.fan_outs == []
    assert stage.send(speaker, action)["code"] == "UNAUTHORIZED_ACTION"
    assert stage.send(stage.connect_listener(), action)["code"] == "CONNECTION_NOT_FOUND"
    stage.send(speaker, "endSession")
    assert stage.send(listener, action)["code"] == "SESSION_ENDED"


def test_a_change_of_language_moves_the_counts_and_keeps_the_row(stage: Stage) -> None:
    session_id = stage.create_session(stage.connect_speaker())
    listener, other = stage.join(session_id, "es"), stage.join(session_id, "es")
    row = stage.connection(listener)
    frame = stage.send(listener, "changeLanguage", targetLanguage="fr", requestId="r")
    assert frame.items() >= {"type": "languageChanged", "targetLanguage": "fr"}.items()
    assert counts(stage, session_id) == {"es": 1, "fr": 1}
    changed = stage.connection(listener)
    assert changed.pop("targetLanguage") == "fr"
    changed.pop("languageChangeId")
    assert changed.items() <= row.items()
    assert changed["connectedAt"] == row["connectedAt"]
    assert stage.connection(other)["targetLanguage"] == "es"


def test_a_change_to_the_same_language_changes_nothing(stage: Stage) -> None:
    session_id = stage.create_session(stage.connect_speaker())
    listener = stage.join(session_id, "es")
    before = stage.session(session_id), stage.connection(listener)
    frame = stage.send(listener, "changeLanguage", targetLanguage="es")
    assert frame["type"] == "languageChanged"
    assert (stage.session(session_id), stage.connection(listener)) == before


def test_a_change_of_language_in_an_ended_or_unknown_session_is_refused(stage: Stage) -> None:
    speaker = stage.connect_speaker()
    session_id = stage.create_session(speaker)
    listener = stage.join(session_id, "es")
    send = {"action": "changeLanguage", "targetLanguage": "fr"}
    assert stage.send(stage.connect_listener(), **send)["code"] == "CONNECTION_NOT_FOUND"
    bad = stage.send(listener, "changeLanguage", targetLanguage="tlh")
    assert bad["code"] == "UNSUPPORTED_LANGUAGE"
    stage.send(speaker, "endSession")
    assert stage.send(listener, **send)["code"] == "SESSION_ENDED"
    stage.dynamodb.delete_item(TableName="sessions", Key={"sessionId": {"S": session_id}})
    assert stage.send(listener, **send)["code"] == "SESSION_NOT_FOUND"
    assert stage.connection(listener)["targetLanguage"] == "es"


def test_a_listener_that_leaves_during_its_change_is_subtracted_from_the_right_language(
    stage: Stage,
) -> None:
    clients = intercepted(stage)
    session_id = stage.create_session(stage.connect_speaker())
    listener = stage.join(session_id, "es")
    stage.join(session_id, "de")
    leave_first = after(lambda: stage.send(listener, "leaveSession"))
    with clients.intercept("update_item", leave_first, TableName="connections", times=1) as calls:
        frame = stage.send(listener, "changeLanguage", targetLanguage="fr")
    assert len(calls) == 1
    assert stage.connection(listener) == {}
    assert frame["code"] == "CONNECTION_NOT_FOUND"
    assert counts(stage, session_id) == {"de": 1}


def test_two_changes_of_one_listener_at_once_are_both_counted(stage: Stage) -> None:
    clients = intercepted(stage)
    session_id = stage.create_session(stage.connect_speaker())
    listener = stage.join(session_id, "es")

    def change_to(language: str) -> None:
        frame = stage.send(listener, "changeLanguage", targetLanguage=language)
        assert frame["targetLanguage"] == language

    change_first = after(lambda: change_to("it"))
    with clients.intercept("update_item", change_first, TableName="connections", times=1) as calls:
        change_to("fr")
    assert len(calls) == 1
    assert stage.connection(listener)["targetLanguage"] == "fr"
    assert counts(stage, session_id) == {"fr": 1}


def test_the_counts_are_restored_if_the_row_cannot_be_written(stage: Stage) -> None:
    clients = intercepted(stage)
    session_id = stage.create_session(stage.connect_speaker())
    listener = stage.join(session_id, "es")
    with clients.intercept("update_item", fail_with(THROTTLED), TableName="connections"):
        frame = stage.send(listener, "changeLanguage", targetLanguage="fr")
    assert frame["code"] == "SERVICE_UNAVAILABLE"
    assert stage.connection(listener)["targetLanguage"] == "es"
    assert counts(stage, session_id) == {"es": 1}


def test_a_change_of_language_posts_nothing_to_any_listener(
    stage: Stage, sockets: OpenSockets
) -> None:
    session_id = stage.create_session(stage.connect_speaker())
    listener, other = stage.join(session_id, "es"), stage.join(session_id, "es")
    stage.send(listener, "changeLanguage", targetLanguage="fr")
    assert [each for each, _ in sockets.posts if each in (listener, other)] == []
