"""A listener's new socket takes the place of the old one."""

from typing import Any

import pytest

from client.people import Listener
from local.cloud import LocalCloud
from tests.local.protocol.people import (
    Session,
    connection_id_of,
    refusal,
    session_of,
    wait_until_gone,
)


def refreshed(cloud: LocalCloud, session: Session, language: str = "es") -> Listener:
    """A new socket in the place of the session's one listener's."""
    new = cloud.listener("new")
    reply = new.refresh(session.session_id, connection_id_of(session.listener), language)
    assert reply.type == "connectionRefreshComplete", reply.body
    return new


def test_the_new_socket_is_the_listener_and_the_counts_do_not_move(cloud: LocalCloud) -> None:
    session = session_of(cloud, "es")
    state = session.speaker.pause()["broadcastState"]
    new = cloud.listener("new")
    reply = new.refresh(session.session_id, connection_id_of(session.listener), "es")
    assert reply.body.keys() == {
        "type",
        "timestamp",
        "requestId",
        "sessionId",
        "connectionId",
        "broadcastState",
    }
    assert reply["sessionId"] == session.session_id
    assert reply["broadcastState"] == state
    status = session.speaker.ask_status()
    assert (status["listenerCount"], status["languageDistribution"]) == (1, {"es": 1})
    session.speaker.resume()
    new.expect("broadcastResumed")
    assert refusal(session.listener.ask("heartbeat")) == "CONNECTION_NOT_FOUND"
    assert session.listener.received("broadcastResumed") == []
    assert new.received("stateRestored") == []


def test_closing_the_old_socket_afterwards_moves_nothing(cloud: LocalCloud) -> None:
    session = session_of(cloud, "es")
    old_id = connection_id_of(session.listener)
    new = refreshed(cloud, session)
    session.listener.close()
    wait_until_gone(cloud, old_id)
    assert session.speaker.ask_status()["listenerCount"] == 1
    assert new.ask("heartbeat").type == "heartbeatAck"
    assert new.ask("leaveSession").type == "sessionLeft"
    assert session.speaker.ask_status()["listenerCount"] == 0


def test_a_refresh_that_is_repeated_is_answered_again(cloud: LocalCloud) -> None:
    session = session_of(cloud, "es")
    old_id = connection_id_of(session.listener)
    new = refreshed(cloud, session)
    again = new.refresh(session.session_id, old_id, "es")
    assert again.type == "connectionRefreshComplete"
    assert again["connectionId"] == connection_id_of(new)
    assert session.speaker.ask_status()["listenerCount"] == 1


def test_of_two_sockets_that_refresh_at_once_one_is_the_listener(cloud: LocalCloud) -> None:
    session = session_of(cloud, "es")
    old_id = connection_id_of(session.listener)
    sockets = cloud.listeners(4)
    asked = [
        socket.send(
            "refreshConnection",
            sessionId=session.session_id,
            connectionId=old_id,
            targetLanguage="es",
        )
        for socket in sockets
    ]
    replies = [
        socket.answer_to(request_id) for socket, request_id in zip(sockets, asked, strict=True)
    ]
    answers = [reply.get("code", reply.type) for reply in replies]
    assert sorted(answers) == ["CONNECTION_NOT_FOUND"] * 3 + ["connectionRefreshComplete"]
    assert session.speaker.ask_status()["listenerCount"] == 1


def test_a_refresh_to_another_language_is_a_change_of_language(cloud: LocalCloud) -> None:
    session = session_of(cloud, "es")
    refreshed(cloud, session, "fr")
    session.speaker.expect(
        "sessionStatus", updateReason="newLanguage", languageDistribution={"fr": 1}
    )
    assert session.speaker.ask_status()["languageDistribution"] == {"fr": 1}


@pytest.mark.parametrize("whose", ["an unknown client's", "a speaker's", "another session's"])
def test_a_connection_of_no_listener_of_the_session_is_not_found(
    cloud: LocalCloud, whose: str
) -> None:
    session = session_of(cloud, "es")
    other = session_of(cloud, "es", speaker=cloud.speaker(token=cloud.token_of_another_speaker()))
    old_id = {
        "an unknown client's": "bm9ib2R5cw==",
        "a speaker's": connection_id_of(session.speaker),
        "another session's": connection_id_of(other.listener),
    }[whose]
    reply = cloud.listener().refresh(session.session_id, old_id, "es")
    assert refusal(reply) == "CONNECTION_NOT_FOUND"
    for speaker in (session.speaker, other.speaker):
        assert speaker.ask_status()["listenerCount"] == 1


def test_a_listener_of_a_live_session_does_not_refresh_into_another(cloud: LocalCloud) -> None:
    session = session_of(cloud, "es", "fr")
    one, two = session.listeners
    other = session_of(cloud, "es", speaker=cloud.speaker(token=cloud.token_of_another_speaker()))
    reply = one.refresh(other.session_id, connection_id_of(other.listener), "es")
    assert refusal(reply) == "ALREADY_IN_SESSION"
    assert two.ask("heartbeat").type == "heartbeatAck"


def test_an_ended_session_is_not_refreshed(cloud: LocalCloud) -> None:
    session = session_of(cloud, "es")
    session.speaker.ask("endSession")
    session.listener.expect("sessionEnded")
    reply = cloud.listener().refresh(session.session_id, connection_id_of(session.listener), "es")
    assert refusal(reply) in ("CONNECTION_NOT_FOUND", "SESSION_ENDED")


@pytest.mark.parametrize(
    ("missing", "code"),
    [
        ({"sessionId": None}, "INVALID_PARAMETER"),
        ({"connectionId": None}, "INVALID_PARAMETER"),
        ({"connectionId": ""}, "INVALID_PARAMETER"),
        ({"connectionId": "c" * 129}, "INVALID_PARAMETER"),
        ({"targetLanguage": None}, "INVALID_PARAMETER"),
        ({"targetLanguage": "tlh"}, "UNSUPPORTED_LANGUAGE"),
    ],
)
def test_each_field_of_a_listeners_refresh_is_needed(
    cloud: LocalCloud, missing: dict[str, object], code: str
) -> None:
    session = session_of(cloud, "es")
    fields: dict[str, Any] = {
        "sessionId": session.session_id,
        "connectionId": connection_id_of(session.listener),
        "targetLanguage": "es",
        **missing,
    }
    assert refusal(cloud.listener().ask("refreshConnection", **fields)) == code
    assert session.listener.ask("heartbeat").type == "heartbeatAck"
