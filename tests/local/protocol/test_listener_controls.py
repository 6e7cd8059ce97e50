"""What a listener does on its own side: playback, and another language."""

import pytest

from local.cloud import LocalCloud
from tests.local.protocol.people import (
    connection_id_of,
    eventually,
    refusal,
    session_of,
    state_of,
)

PLAYBACK = {"pausePlayback": "playbackPaused", "resumePlayback": "playbackResumed"}


@pytest.mark.parametrize("action", PLAYBACK)
def test_playback_is_answered_and_affects_no_other_client(cloud: LocalCloud, action: str) -> None:
    session = session_of(cloud, "es", "es")
    one, other = session.listeners
    before = state_of(session.speaker)
    for _ in range(2):
        reply = one.ask(action)
        assert (reply.type, reply.body.keys()) == (
            PLAYBACK[action],
            {"type", "timestamp", "requestId"},
        )
    assert state_of(session.speaker) == before
    received = {frame.type for client in (session.speaker, other) for frame in client.received()}
    assert not received & set(PLAYBACK.values())


@pytest.mark.parametrize("action", [*PLAYBACK, "changeLanguage", "getCaptions"])
def test_a_listener_outside_sessions_has_nothing_to_control(cloud: LocalCloud, action: str) -> None:
    reply = cloud.listener().ask(action, targetLanguage="es")
    assert refusal(reply) == "CONNECTION_NOT_FOUND"


@pytest.mark.parametrize("action", [*PLAYBACK, "changeLanguage", "getCaptions"])
def test_a_listeners_controls_are_not_a_speakers(cloud: LocalCloud, action: str) -> None:
    reply = session_of(cloud).speaker.ask(action, targetLanguage="es")
    assert refusal(reply) == "UNAUTHORIZED_ACTION"


def test_a_change_of_language_moves_the_listener_and_keeps_its_connection(
    cloud: LocalCloud,
) -> None:
    session = session_of(cloud, "es", "es")
    one = session.listeners[0]
    row = {
        "TableName": cloud.outputs["connectionsTable"],
        "Key": {"connectionId": {"S": connection_id_of(one)}},
    }
    before = cloud.client("dynamodb").get_item(**row)["Item"]
    reply = one.change_language("fr")
    assert (reply.type, reply["targetLanguage"]) == ("languageChanged", "fr")
    status = session.speaker.ask_status()
    assert status["languageDistribution"] == {"es": 1, "fr": 1}
    assert status["listenerCount"] == 2
    after = cloud.client("dynamodb").get_item(**row)["Item"]
    assert after["targetLanguage"] == {"S": "fr"}
    assert after["connectedAt"] == before["connectedAt"]
    session.speaker.pause()
    one.expect("broadcastPaused")


def test_the_language_that_a_listener_has_already_is_answered_the_same_way(
    cloud: LocalCloud,
) -> None:
    session = session_of(cloud, "es")
    assert session.listener.change_language("es")["targetLanguage"] == "es"
    assert session.speaker.ask_status()["languageDistribution"] == {"es": 1}


def test_many_changes_at_once_leave_the_listener_in_one_language(cloud: LocalCloud) -> None:
    session = session_of(cloud, "es")
    languages = ["fr", "de", "it", "pt", "fr", "es"]
    for language in languages:
        session.listener.send("changeLanguage", targetLanguage=language)
    # Also by API Gateway itself, while functions are still being started.
    eventually(lambda: len(session.listener.received()) > len(languages), "all are answered")
    eventually(
        lambda: list(session.speaker.ask_status()["languageDistribution"].values()) == [1],
        "one language has one listener",
    )
    assert session.listener.ask("leaveSession").type == "sessionLeft"
    eventually(lambda: session.speaker.ask_status()["languageDistribution"] == {}, "it is gone")
    assert session.speaker.ask_status()["listenerCount"] == 0


@pytest.mark.parametrize(
    ("language", "code"),
    [
        ("tlh", "UNSUPPORTED_LANGUAGE"),
        ("e", "INVALID_PARAMETER"),
        ("en--US", "INVALID_PARAMETER"),
        ("en-US-x-" + "a-" * 14, "INVALID_PARAMETER"),
        (None, "INVALID_PARAMETER"),
    ],
)
def test_an_invalid_language_changes_nothing(
    cloud: LocalCloud, language: object, code: str
) -> None:
    session = session_of(cloud, "es")
    reply = session.listener.ask("changeLanguage", targetLanguage=language)
    assert refusal(reply) == code
    if code == "UNSUPPORTED_LANGUAGE":
        assert reply["details"]["value"] == language
        assert "es" in reply["details"]["supported"]
    assert session.speaker.ask_status()["languageDistribution"] == {"es": 1}


def test_a_listener_asks_for_captions_of_a_session_in_which_nothing_was_said(
    cloud: LocalCloud,
) -> None:
    session = session_of(cloud, "es")
    reply = session.listener.ask("getCaptions", since=0)
    assert (reply.type, reply["captions"], reply["isComplete"]) == ("captionHistory", [], True)
    assert (reply["sessionId"], reply["targetLanguage"]) == (session.session_id, "es")
    assert refusal(session.listener.ask("getCaptions", limit=101)) == "INVALID_PARAMETER"
