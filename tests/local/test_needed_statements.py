"""Every statement of every role is needed: without it, its function is denied.

What the local cloud does not enforce is asserted on the program's inputs in
tests/contracts/test_permissions.py; NOT_ENFORCED_HERE names it, so that no statement escapes both.
"""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest

from client.sockets import Client, FrameMissing, HandshakeRefused
from contract.functions import LIVE
from local.cloud import LocalCloud
from local.function_logs import LogLine
from tests.local import speeches
from tests.local.permissions import POLICY, without_statement
from tests.local.test_transcripts import close, say

DENIAL_TIMEOUT_SECONDS = 60
METRIC_TIMEOUT_SECONDS = 60

NOT_ENFORCED_HERE = {
    "WriteOwnLogs",  # MiniStack writes the functions' logs itself
    "ConsumeSessionChecks",  # and polls the queues itself
    "ConsumeShards",
    "ConsumeTicks30s",
    "ConsumeTranscripts",
    "FindTranscripts",  # MiniStack says that an object is missing whoever asks
    "SendFailures",  # and delivers to on-failure destinations itself
}


def create(cloud: LocalCloud) -> tuple[Client, str]:
    speaker = cloud.speaker()
    return speaker, speaker.ask("createSession", sourceLanguage="en").get("sessionId", "none")


def join(cloud: LocalCloud) -> tuple[Client, Client]:
    speaker, session_id = create(cloud)
    listener = cloud.listener()
    listener.ask("joinSession", sessionId=session_id, targetLanguage="es")
    return speaker, listener


def ask_for_captions(cloud: LocalCloud) -> None:
    _, listener = join(cloud)
    listener.ask("getCaptions")


def end(cloud: LocalCloud) -> None:
    speaker, _ = join(cloud)
    speaker.ask("endSession")


def ask_for_a_transcript(cloud: LocalCloud) -> None:
    """There is no row of its session."""
    cloud.speaker().ask("getTranscript", sessionId="long-gone-1")


def close_a_session_with_a_transcript(cloud: LocalCloud) -> None:
    speaker = cloud.speaker()
    session_id = speaker.create_session("en", keepTranscript=True)
    say(cloud, session_id, "Good evening, everybody.")
    speaker.ask("endSession")
    close(cloud, session_id)


def leave_and_join_again(cloud: LocalCloud) -> None:
    _, session_id = create(cloud)
    listener = cloud.listener()
    for action in ("joinSession", "leaveSession", "joinSession"):
        listener.ask(action, sessionId=session_id, targetLanguage="es")


def ask_status(cloud: LocalCloud) -> None:
    speaker, _ = create(cloud)
    speaker.ask("getSessionStatus")


def heartbeat(cloud: LocalCloud) -> None:
    cloud.listener().ask("heartbeat")


def heartbeat_of_an_old_socket(cloud: LocalCloud) -> None:
    cloud.listener(age_minutes=101).ask("heartbeat")


def refresh_speaker(cloud: LocalCloud) -> None:
    _, session_id = create(cloud)
    cloud.speaker().refresh(session_id)


def refuse_audio(cloud: LocalCloud) -> None:
    """A message of a removed route without replies; the role is denied before the socket counts."""
    context = {"eventType": "MESSAGE", "routeKey": "sendAudio", "connectionId": "long-gone="}
    body = '{"action": "sendAudio"}'
    invoke(cloud, "removed_action", {"requestContext": context, "body": body})


def lose_speaker(cloud: LocalCloud) -> None:
    speaker, _ = create(cloud)
    speaker.close()


def close_listener(cloud: LocalCloud) -> None:
    _, listener = join(cloud)
    listener.close()


def end_by_operator(cloud: LocalCloud) -> None:
    _, session_id = create(cloud)
    cloud.client("sqs").send_message(
        QueueUrl=cloud.outputs["queueUrls"]["sessionChecks"],
        MessageBody=json.dumps({"check": "operatorEnd", "sessionId": session_id}),
    )


def tick(cloud: LocalCloud) -> None:
    create(cloud)
    scheduled_at = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    invoke(cloud, "session_status", {"tick": {"scheduledAt": scheduled_at, "offsetSeconds": 0}})


def tick_past_an_expired_session(cloud: LocalCloud) -> None:
    _, session_id = create(cloud)
    change(cloud, "sessionsTable", {"sessionId": session_id}, expiresAt=1)
    tick(cloud)


def fan_out_two_pages(cloud: LocalCloud) -> None:
    session_id = session_of_two_pages(cloud)
    payload = {"sessionId": session_id, "reason": "operator", "speakerConnectionId": "none"}
    invoke(cloud, "fan_out", {"task": "sessionEnded", **payload})


def caption_two_pages(cloud: LocalCloud) -> None:
    transcript = {
        "sessionId": session_of_two_pages(cloud),
        "sequence": 1,
        "sourceLanguage": "en",
        "text": "Good evening.",
        "isPartial": False,
        "spokenAt": 1,
    }
    invoke(cloud, "translation", transcript)


def session_of_two_pages(cloud: LocalCloud) -> str:
    """More listeners than one page holds, as rows; their sockets are long gone."""
    _, session_id = create(cloud)
    row = {
        "sessionId": {"S": session_id},
        "targetLanguage": {"S": "es"},
        "role": {"S": "listener"},
        "connectedAt": {"N": "1"},
        "ttl": {"N": str(int(time.time()) + 600)},
    }
    puts = [
        {"PutRequest": {"Item": row | {"connectionId": {"S": f"{session_id}-{number}"}}}}
        for number in range(501)
    ]
    for first in range(0, len(puts), 25):
        cloud.client("dynamodb").batch_write_item(
            RequestItems={cloud.outputs["connectionsTable"]: puts[first : first + 25]}
        )
    return session_id


def reconcile(cloud: LocalCloud) -> None:
    _, session_id = create(cloud)
    listener = cloud.listener()
    listener.ask("joinSession", sessionId=session_id, targetLanguage="es")
    change(
        cloud, "sessionsTable", {"sessionId": session_id}, membershipChangedAt=1, listenerCount=9
    )
    invoke(cloud, "reconcile", {})


def reconcile_an_ended_session(cloud: LocalCloud) -> None:
    end(cloud)
    invoke(cloud, "reconcile", {})


def reconcile_a_silent_listener(cloud: LocalCloud) -> None:
    change_listener(cloud, lastHeardAt=1)
    invoke(cloud, "reconcile", {})


def reconcile_a_listener_without_heartbeats(cloud: LocalCloud) -> None:
    """It connected longer ago than API Gateway's idle limit."""
    change_listener(cloud, connectedAt=1)
    invoke(cloud, "reconcile", {})


def change_listener(cloud: LocalCloud, **numbers: int) -> None:
    _, session_id = create(cloud)
    frame = cloud.listener().ask("joinSession", sessionId=session_id, targetLanguage="es")
    change(cloud, "connectionsTable", {"connectionId": frame["connectionId"]}, **numbers)


def reconcile_a_silent_speaker(cloud: LocalCloud) -> None:
    frame = cloud.speaker().ask("createSession", sourceLanguage="en")
    change(cloud, "connectionsTable", {"connectionId": frame["connectionId"]}, lastHeardAt=1)
    invoke(cloud, "reconcile", {})


def change(cloud: LocalCloud, table: str, key: dict[str, str], **numbers: int) -> None:
    cloud.client("dynamodb").update_item(
        TableName=cloud.outputs[table],
        Key={name: {"S": value} for name, value in key.items()},
        UpdateExpression="SET " + ", ".join(f"{name} = :{name}" for name in numbers),
        ExpressionAttributeValues={f":{name}": {"N": str(n)} for name, n in numbers.items()},
    )


def invoke(cloud: LocalCloud, entry: str, event: dict[str, Any]) -> None:
    cloud.client("lambda").invoke(
        FunctionName=f"{cloud.outputs['functionNames'][entry]}:{LIVE}", Payload=json.dumps(event)
    )


NEEDED_FOR: dict[tuple[str, str], Callable[[LocalCloud], object]] = {
    ("connection", "ReadWriteSessions"): create,
    ("connection", "ReadWriteConnections"): join,
    ("connection", "CountRateLimits"): create,
    ("connection", "ReadCaptions"): ask_for_captions,
    ("connection", "ReadTranscripts"): ask_for_a_transcript,
    ("connection", "GetConnections"): leave_and_join_again,
    ("connection", "PostToConnections"): join,
    ("connection", "InvokeFanOut"): end,
    ("connection", "SendSessionChecks"): end,
    ("disconnect", "ReadUpdateSessions"): close_listener,
    ("disconnect", "DeleteConnections"): close_listener,
    ("disconnect", "PostToConnections"): close_listener,
    ("disconnect", "InvokeFanOut"): end_by_operator,
    ("disconnect", "SendSessionChecks"): lose_speaker,
    ("heartbeat", "ReadConnections"): heartbeat,
    ("heartbeat", "HearConnections"): heartbeat,
    ("heartbeat", "PostToConnections"): heartbeat_of_an_old_socket,
    ("refresh", "ReadUpdateSessions"): refresh_speaker,
    ("refresh", "ReadWriteConnections"): refresh_speaker,
    ("refresh", "CountRateLimits"): refresh_speaker,
    ("refresh", "PostToConnections"): refresh_speaker,
    ("removed_action", "PostToConnections"): refuse_audio,
    ("session_status", "ReadSessions"): ask_status,
    ("session_status", "NoteStatusRequests"): ask_status,
    ("session_status", "QueryActiveSessions"): tick,
    ("session_status", "ReadConnections"): ask_status,
    ("session_status", "CountRateLimits"): ask_status,
    ("session_status", "PostToConnections"): tick,
    ("session_status", "SendSessionChecks"): tick_past_an_expired_session,
    ("session_status", "SendShards"): tick,
    ("fan_out", "ReadUpdateSessions"): end,
    ("fan_out", "ReleaseConnections"): end,
    ("fan_out", "QueryListeners"): end,
    ("fan_out", "PostToConnections"): end,
    ("fan_out", "InvokeItself"): fan_out_two_pages,
    ("fan_out", "SendTranscripts"): close_a_session_with_a_transcript,
    ("transcripts", "TakeOutCaptions"): close_a_session_with_a_transcript,
    ("transcripts", "WriteTranscripts"): close_a_session_with_a_transcript,
    ("reconcile", "ReadUpdateSessions"): reconcile,
    ("reconcile", "QueryActiveSessions"): reconcile,
    ("reconcile", "ReadDeleteConnections"): reconcile,
    ("reconcile", "QueryListeners"): reconcile,
    ("reconcile", "InvokeFanOut"): reconcile_an_ended_session,
    ("reconcile", "GetConnections"): reconcile_a_listener_without_heartbeats,
    ("reconcile", "PostToConnections"): reconcile_a_silent_listener,
    ("reconcile", "DeleteConnections"): reconcile_a_silent_listener,
    ("reconcile", "SendSessionChecks"): reconcile_a_silent_speaker,
    ("reconcile", "SendShards"): reconcile,
    ("audio_ingest", "ReadUpdateSessions"): speeches.send_chunk,
    ("audio_ingest", "ReadConnections"): speeches.send_chunk,
    ("audio_ingest", "HearConnections"): speeches.send_chunk,
    ("audio_ingest", "ClaimSlots"): speeches.send_chunk,
    ("audio_ingest", "SendAudio"): speeches.send_chunk,
    ("audio_ingest", "InvokeAudioProcessor"): speeches.send_chunk,
    ("audio_ingest", "PostToConnections"): speeches.send_half_a_sample,
    ("audio_processor", "UpdateSessions"): speeches.send_chunk,
    ("audio_processor", "RenewSlots"): speeches.send_chunk,
    ("audio_processor", "ReceiveAudio"): speeches.send_chunk,
    ("audio_processor", "StreamTranscription"): speeches.send_chunk,
    ("audio_processor", "InvokeTranslation"): speeches.speak_to_a_spanish_listener,
    ("audio_processor", "PostToConnections"): speeches.speak_what_transcribe_refuses,
    ("audio_processor", "DeleteConnections"): speeches.speak_far_too_fast,
    ("translation", "ReadUpdateSessions"): speeches.speak_to_a_spanish_listener,
    ("translation", "QueryListeners"): speeches.speak_to_a_spanish_listener,
    ("translation", "KeepCaptions"): speeches.speak_to_a_spanish_listener,
    ("translation", "TranslateText"): speeches.speak_to_a_spanish_listener,
    ("translation", "PostToConnections"): speeches.speak_to_a_spanish_listener,
    ("translation", "DeleteConnections"): speeches.speak_to_one_who_is_gone,
    ("translation", "InvokeFanOut"): caption_two_pages,
}


@pytest.fixture
def unguarded(shared_cloud: LocalCloud) -> Iterator[LocalCloud]:
    """The shared cloud, for tests in which IAM is to deny something."""
    yield shared_cloud
    shared_cloud.participants.close()
    shared_cloud.speech.cancel_faults()
    speeches.end_speeches(shared_cloud)


@pytest.mark.parametrize(
    ("entry", "sid"), NEEDED_FOR, ids=[f"{entry}-{sid}" for entry, sid in NEEDED_FOR]
)
def test_without_this_statement_its_function_is_denied(
    unguarded: LocalCloud, entry: str, sid: str
) -> None:
    actions = statement(unguarded, entry, sid)["Action"]
    before = len(unguarded.denials())
    with without_statement(unguarded, entry, sid):
        with suppress(FrameMissing, HandshakeRefused):
            NEEDED_FOR[entry, sid](unguarded)
        denied = denials_of(unguarded, entry, before)
    assert denied, f"{entry} did its work without {sid}: take the statement out of its role"
    assert set(denied) <= set(actions)


@pytest.mark.parametrize("entry", ["connection", "session_status"])
def test_without_its_rate_limits_a_function_does_its_work_and_says_so(
    unguarded: LocalCloud, entry: str
) -> None:
    before = len(unavailable_rate_limits(unguarded, entry))
    with without_statement(unguarded, entry, "CountRateLimits"):
        speaker, session_id = create(unguarded)
        listener = unguarded.listener()
        joined = listener.ask("joinSession", sessionId=session_id, targetLanguage="es")
        answers = [joined.type, speaker.ask("getSessionStatus").type]
    assert answers == ["sessionJoined", "sessionStatus"]
    deadline = time.monotonic() + METRIC_TIMEOUT_SECONDS
    while len(unavailable_rate_limits(unguarded, entry)) == before:
        assert time.monotonic() < deadline, f"{entry} has not counted RateLimitsUnavailable"
        time.sleep(0.1)


def test_every_statement_is_tried_here_or_named_as_not_enforced(unguarded: LocalCloud) -> None:
    statements = {
        (entry, each["Sid"])
        for entry in unguarded.outputs["functionNames"]
        for each in policy(unguarded, entry)["Statement"]
    }
    not_enforced = {key for key in statements if key[1] in NOT_ENFORCED_HERE}
    assert statements == set(NEEDED_FOR) | not_enforced


def policy(cloud: LocalCloud, entry: str) -> dict[str, Any]:
    role = cloud.outputs["functionNames"][entry]
    return cloud.client("iam").get_role_policy(RoleName=role, PolicyName=POLICY)["PolicyDocument"]


def statement(cloud: LocalCloud, entry: str, sid: str) -> dict[str, Any]:
    return next(each for each in policy(cloud, entry)["Statement"] if each["Sid"] == sid)


def unavailable_rate_limits(cloud: LocalCloud, entry: str) -> list[LogLine]:
    lines = cloud.function_log(entry)
    return [line for line in lines if line.is_metrics and "RateLimitsUnavailable" in line.fields]


def denials_of(cloud: LocalCloud, entry: str, before: int) -> list[str]:
    """The actions denied to the function's role since; waits for asynchronous work."""
    role = cloud.outputs["functionNames"][entry]
    deadline = time.monotonic() + DENIAL_TIMEOUT_SECONDS
    while time.monotonic() < deadline:
        denied = [each.action for each in cloud.denials()[before:] if each.role == role]
        if denied:
            return denied
        time.sleep(0.1)
    return []
