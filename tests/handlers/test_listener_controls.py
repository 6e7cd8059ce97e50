"""A listener's own playback and language: nobody else's broadcast is touched."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from live_sessions.tables import listener_counts
from live_sessions.tables.connection_table import ConnectionTable
from tests.handlers.conftest import OpenSockets, Stage


def counts(stage: Stage, session_id: str) -> dict[str, int]:
    row = stage.session(session_id)
    present = {code: count for code, count in row["listenersByLanguage"].items() if count}
    assert sum(present.values()) == row["listenerCount"]
    return present


@pytest.mark.parametrize(
    ("action", "frame_type"),
    [("pausePlayback", "playbackPaused"), ("resumePlayback", "playbackResumed")],
)
def test_playback_is_the_listeners_own(stage: Stage, action: str, frame_type: str) -> None:
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


def test_a_listener_that_leaves_during_its_change_is_counted_out_of_the_right_language(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    session_id = stage.create_session(stage.connect_speaker())
    listener = stage.join(session_id, "es")
    stage.join(session_id, "de")
    move = listener_counts.change_language

    def leave_after_the_move(*arguments: Any, **named: Any) -> Any:
        session = move(*arguments, **named)
        monkeypatch.setattr(listener_counts, "change_language", move)
        assert stage.send(listener, "leaveSession")["type"] == "sessionLeft"
        return session

    monkeypatch.setattr(listener_counts, "change_language", leave_after_the_move)
    frame = stage.send(listener, "changeLanguage", targetLanguage="fr")
    assert frame["code"] == "CONNECTION_NOT_FOUND"
    assert counts(stage, session_id) == {"de": 1}


def test_two_changes_at_once_both_count(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    session_id = stage.create_session(stage.connect_speaker())
    listener = stage.join(session_id, "es")
    change = ConnectionTable.change_language
    frames: list[dict[str, Any]] = []

    def after_another(self: ConnectionTable, *arguments: Any, **named: Any) -> bool:
        monkeypatch.setattr(ConnectionTable, "change_language", change)
        frames.append(stage.send(listener, "changeLanguage", targetLanguage="it"))
        return change(self, *arguments, **named)

    monkeypatch.setattr(ConnectionTable, "change_language", after_another)
    frames.append(stage.send(listener, "changeLanguage", targetLanguage="fr"))
    assert [frame["targetLanguage"] for frame in frames] == ["it", "fr"]
    assert stage.connection(listener)["targetLanguage"] == "fr"
    assert counts(stage, session_id) == {"fr": 1}


def test_a_row_that_cannot_be_written_takes_the_counts_back(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    session_id = stage.create_session(stage.connect_speaker())
    listener = stage.join(session_id, "es")
    update = stage.entries["connection"].DYNAMODB.update_item

    def fail(**request: Any) -> Any:
        if request["TableName"] == "connections":
            raise ClientError({"Error": {"Code": "ThrottlingException"}}, "UpdateItem")
        return update(**request)

    with monkeypatch.context() as patch:
        patch.setattr(stage.entries["connection"].DYNAMODB, "update_item", fail)
        frame = stage.send(listener, "changeLanguage", targetLanguage="fr")
    assert frame["code"] == "SERVICE_UNAVAILABLE"
    assert stage.connection(listener)["targetLanguage"] == "es"
    assert counts(stage, session_id) == {"es": 1}


def test_nobody_elses_frames_come_of_a_change(stage: Stage, sockets: OpenSockets) -> None:
    session_id = stage.create_session(stage.connect_speaker())
    listener, other = stage.join(session_id, "es"), stage.join(session_id, "es")
    stage.send(listener, "changeLanguage", targetLanguage="fr")
    assert [each for each, _ in sockets.posts if each in (listener, other)] == []
