"""A session's life through real sockets, with IAM enforced."""

import time
from typing import Any

import pytest

from client.people import Listener
from client.sign_in import sign_in
from client.sockets import HandshakeRefused
from contract.functions import LIVE
from local.cloud import LocalCloud
from tests.local.conftest import SMALL, CloudWith
from tests.local.protocol.people import connection_id_of, eventually
from tests.patience import wait_until

GRACE_SECONDS = 10
GRACE_TIMEOUT_SECONDS = 60
ANSWER_TIMEOUT_SECONDS = 200


def joined(cloud: LocalCloud, session_id: str, language: str) -> Listener:
    listener = cloud.listener()
    listener.join(session_id, language)
    listener.expect("sessionJoined", targetLanguage=language)
    return listener


def test_the_speaker_sees_listeners_come_and_go_by_language(cloud: LocalCloud) -> None:
    speaker = cloud.speaker()
    session_id = speaker.create_session("en")
    listeners = [joined(cloud, session_id, language) for language in ("es", "es", "fr")]
    status = speaker.ask_status()
    assert status["languageDistribution"] == {"es": 2, "fr": 1}
    listeners[0].leave()
    listeners[0].expect("sessionLeft")
    listeners[2].close()
    assert status_with_count(cloud, speaker, 1)["languageDistribution"] == {"es": 1}


def status_with_count(cloud: LocalCloud, speaker, count: int):
    """A closed socket is noticed a moment later."""
    eventually(lambda: speaker.ask_status()["listenerCount"] == count, f"{count} are counted")
    return speaker.ask_status()


def test_each_listener_receives_sessionended_exactly_once(cloud: LocalCloud) -> None:
    speaker = cloud.speaker()
    session_id = speaker.create_session("en")
    listeners = [joined(cloud, session_id, language) for language in ("es", "fr", "de")]
    elsewhere = cloud.speaker(token=cloud.token_of_another_speaker())
    bystander = joined(cloud, elsewhere.create_session("en"), "es")
    left = joined(cloud, session_id, "it")
    left.leave()
    left.expect("sessionLeft")
    reply = speaker.ask("endSession")
    assert (reply.type, reply["reason"]) == ("sessionEnded", "speakerEnded")
    for listener in listeners:
        assert listener.expect("sessionEnded", sessionId=session_id)["reason"] == "speakerEnded"
    second_pass_seconds = 7
    listeners[0].expect_no("sessionEnded", second_pass_seconds)
    for client in (*listeners, speaker):
        assert len(client.received("sessionEnded")) == 1
    assert left.received("sessionEnded") == []
    assert bystander.received("sessionEnded") == []


def test_a_listener_of_an_ended_session_joins_another_on_the_same_socket(
    cloud: LocalCloud,
) -> None:
    speaker = cloud.speaker()
    listener = joined(cloud, speaker.create_session("en"), "es")
    speaker.ask("endSession")
    listener.expect("sessionEnded")
    # Its row is removed after the frame was posted.
    wait_until(lambda: listener.ask("heartbeat").body.get("code") == "CONNECTION_NOT_FOUND")
    listener.join(speaker.create_session("en"), "fr")
    listener.expect("sessionJoined", targetLanguage="fr")
    assert listener.ask("heartbeat").type == "heartbeatAck"
    assert speaker.ask_status()["languageDistribution"] == {"fr": 1}


def test_a_lost_speakers_session_ends_after_the_grace_period_and_not_before(
    cloud: LocalCloud,
) -> None:
    speaker = cloud.speaker()
    session_id = speaker.create_session("en")
    listener = joined(cloud, session_id, "es")
    lost_at = time.monotonic()
    speaker.close()
    frame = listener.expect("sessionEnded", timeout_seconds=GRACE_TIMEOUT_SECONDS)
    assert frame["reason"] == "speakerLost"
    assert frame.received_at - lost_at >= GRACE_SECONDS
    late = cloud.listener()
    late.join(session_id, "es")
    assert late.expect("error")["code"] == "SESSION_ENDED"


def test_an_operator_ends_a_session_and_the_speaker_is_notified_too(cloud: LocalCloud) -> None:
    speaker = cloud.speaker()
    session_id = speaker.create_session("en")
    listener = joined(cloud, session_id, "es")
    cloud.client("sqs").send_message(
        QueueUrl=cloud.outputs["queueUrls"]["sessionChecks"],
        MessageBody=f'{{"check": "operatorEnd", "sessionId": "{session_id}"}}',
    )
    for client in (speaker, listener):
        assert client.expect("sessionEnded")["reason"] == "operator"


def test_reconcile_brings_back_a_count_that_is_too_low(cloud: LocalCloud) -> None:
    speaker = cloud.speaker()
    session_id = speaker.create_session("en")
    joined(cloud, session_id, "es")
    settled = str(int(time.time() * 1000) - 31_000)
    cloud.client("dynamodb").update_item(
        TableName=cloud.outputs["sessionsTable"],
        Key={"sessionId": {"S": session_id}},
        UpdateExpression=(
            "SET listenerCount = :zero, listenersByLanguage = :empty, "
            "membershipChangedAt = :settled"
        ),
        ExpressionAttributeValues={
            ":zero": {"N": "0"},
            ":empty": {"M": {}},
            ":settled": {"N": settled},
        },
    )
    assert speaker.ask_status()["listenerCount"] == 0
    reconcile(cloud)
    assert status_with_count(cloud, speaker, 1)["languageDistribution"] == {"es": 1}


def reconcile(cloud: LocalCloud) -> None:
    """Do what the rule does; the turns of the shards follow through their queue."""
    reconciled = cloud.client("lambda").invoke(
        FunctionName=f"{cloud.outputs['functionNames']['reconcile']}:{LIVE}"
    )
    assert "FunctionError" not in reconciled, reconciled["Payload"].read()


def test_a_listener_whose_network_is_cut_leaves_the_counts_and_its_socket_is_closed(
    cloud: LocalCloud,
) -> None:
    """The three minutes of silence are brought about in its row."""
    speaker = cloud.speaker()
    session_id = speaker.create_session("en")
    cut, staying = joined(cloud, session_id, "es"), joined(cloud, session_id, "fr")
    for each in (speaker, cut, staying):
        assert each.ask("heartbeat").type == "heartbeatAck"
    connection_id = connection_id_of(cut)
    cut.drop()
    reconcile(cloud)
    endpoint = cloud.outputs["managementEndpoint"]
    management = cloud.emulator.client("apigatewaymanagementapi", endpoint_url=endpoint)
    assert management.get_connection(ConnectionId=connection_id), "nothing was noticed"
    assert speaker.ask_status()["listenerCount"] == 2
    three_minutes_ago = int(time.time() * 1000) - 180_000
    cloud.client("dynamodb").update_item(
        TableName=cloud.outputs["connectionsTable"],
        Key={"connectionId": {"S": connection_id}},
        UpdateExpression="SET lastHeardAt = :then",
        ExpressionAttributeValues={":then": {"N": str(three_minutes_ago)}},
    )
    reconcile(cloud)
    assert status_with_count(cloud, speaker, 1)["languageDistribution"] == {"fr": 1}

    def is_gone() -> bool:
        try:
            management.get_connection(ConnectionId=connection_id)
        except management.exceptions.GoneException:
            return True
        return False

    eventually(is_gone, "the closed socket")
    assert staying.ask("heartbeat").type == "heartbeatAck"


@pytest.mark.parametrize("query", ["token=", "token=a&token=b", "token=not.a.token"])
def test_a_bad_token_is_refused_at_the_handshake_and_makes_no_listener(
    cloud: LocalCloud, query: str
) -> None:
    from client.sockets import Client

    with pytest.raises(HandshakeRefused) as refusal:
        Client(f"{cloud.outputs['websocketUrl']}?{query}")
    assert refusal.value.status == 403


def test_a_token_whose_signature_was_touched_is_refused(cloud: LocalCloud) -> None:
    header, claims, signature = sign_in(cloud.outputs).split(".")
    forged = ".".join([header, claims, signature[:-6] + signature[:6]])
    with pytest.raises(HandshakeRefused):
        cloud.speaker(token=forged)


def test_roles_follow_from_the_token_alone(cloud: LocalCloud) -> None:
    speaker, listener = cloud.speaker(), cloud.listener()
    session_id = speaker.create_session("en")
    assert listener.ask("createSession", sourceLanguage="en", role="speaker")["code"] == (
        "UNAUTHORIZED_ACTION"
    )
    assert speaker.ask("joinSession", sessionId=session_id, targetLanguage="es")["code"] == (
        "UNAUTHORIZED_ACTION"
    )


def test_another_sessions_speaker_cannot_end_or_read_this_one(cloud: LocalCloud) -> None:
    speaker = cloud.speaker()
    session_id = speaker.create_session("en")
    other = cloud.speaker(token=cloud.token_of_another_speaker())
    assert other.ask("endSession", sessionId=session_id)["code"] == "CONNECTION_NOT_FOUND"
    assert other.ask("getSessionStatus", sessionId=session_id)["code"] == "CONNECTION_NOT_FOUND"
    assert speaker.ask_status()["sessionId"] == session_id


@pytest.mark.timeout(300)
def test_a_hundred_listeners_at_once_fill_fifty_places_and_leave_none(
    cloud_with: CloudWith,
) -> None:
    cloud = cloud_with(**SMALL)
    speaker = cloud.speaker()
    session_id = speaker.create_session("en")
    listeners = cloud.listeners(100)
    join = {"sessionId": session_id, "targetLanguage": "es"}
    answers = answers_at_once(listeners, "joinSession", **join)
    assert sorted(set(answers)) == ["SESSION_FULL", "sessionJoined"]
    assert answers.count("sessionJoined") == 50
    assert speaker.ask_status()["listenerCount"] == 50
    inside = [
        listener
        for listener, answer in zip(listeners, answers, strict=True)
        if answer == "sessionJoined"
    ]
    assert set(answers_at_once(inside, "leaveSession")) == {"sessionLeft"}
    status = speaker.ask_status()
    assert (status["listenerCount"], status["languageDistribution"]) == (0, {})


def answers_at_once(listeners: list[Listener], action: str, **fields: Any) -> list[str]:
    """How each was answered: the reply's type, or the error's code."""
    asked = [listener.send(action, **fields) for listener in listeners]
    replies = [
        listener.answer_to(request_id, ANSWER_TIMEOUT_SECONDS)
        for listener, request_id in zip(listeners, asked, strict=True)
    ]
    return [reply.get("code") or reply.type for reply in replies]
