"""Heartbeats: their reply, the advice to refresh, and the read and the write behind them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from live_sessions.aws.http import AwsHttp, CallFailed, NoAnswer, Response
from live_sessions.aws.retries import is_outage
from live_sessions.aws.runtime import Clock
from live_sessions.sessions.heartbeats import ConnectionPresence, Heartbeats
from live_sessions.wire.sockets import Sockets
from tests.handlers.conftest import ENVIRONMENT, OpenSockets, Stage
from tests.handlers.intercepted_clients import THROTTLED as THROTTLED_ERROR
from tests.handlers.intercepted_clients import Call, fail_with, intercepted
from tests.handlers.loopback import serving, status

HANDLERS = Path(__file__).resolve().parents[2] / "handlers"


class ScriptedDynamoDB(AwsHttp):
    """Answers the requests in turn."""

    def __init__(self, *responses: Response | NoAnswer) -> None:
        self.responses = list(responses)
        self.requests: list[tuple[str, str, Any, Any]] = []

    def request(self, method: str, path: str, body: bytes = b"", headers: Any = None) -> Response:
        self.requests.append((method, path, json.loads(body), headers))
        response = self.responses[len(self.requests) - 1]
        if isinstance(response, NoAnswer):
            raise response
        return response


def presence(dynamodb: AwsHttp) -> ConnectionPresence:
    return ConnectionPresence(dynamodb, "connections", Clock(sleep=lambda seconds: None))


def test_a_heartbeat_is_acknowledged_for_either_role_in_a_session_or_not(stage: Stage) -> None:
    speaker, listener = stage.connect_speaker(), stage.connect_listener()
    for connection in (speaker, listener):
        frame = stage.send(connection, "heartbeat", requestId="h")
        assert (frame["type"], frame["requestId"]) == ("heartbeatAck", "h")
    member = stage.join(stage.create_session(speaker))
    assert stage.send(member, "heartbeat")["type"] == "heartbeatAck"


def test_a_heartbeat_without_a_row_is_answered_connection_not_found(stage: Stage) -> None:
    speaker = stage.connect_speaker()
    listener = stage.join(stage.create_session(speaker))
    stage.send(speaker, "endSession")
    stage.run_fan_outs()
    assert stage.send(listener, "heartbeat")["code"] == "CONNECTION_NOT_FOUND"


def test_a_row_past_its_ttl_counts_as_deleted(stage: Stage) -> None:
    listener = stage.connect_listener()
    stage.change("connections", {"connectionId": listener}, ttl=1)
    assert stage.send(listener, "heartbeat")["code"] == "CONNECTION_NOT_FOUND"


# ---- When it was last heard from

MINUTE_MS = 60_000
SOON_MS = 1_800_000_000_000
"""The beginning of a minute."""


def at(stage: Stage, milliseconds: int) -> None:
    """Set the clock of handlers, and the arrival of messages, so long after SOON_MS."""
    stage.clock = Clock(now_ms=lambda: SOON_MS + milliseconds, sleep=lambda seconds: None)
    stage.entries.clear()


def heard(stage: Stage, connection_id: str) -> int | None:
    """When the socket was last heard from, after SOON_MS."""
    last = stage.connection(connection_id).get("lastHeardAt")
    return None if last is None else last - SOON_MS


def sockets_heard_from(stage: Stage) -> tuple[str, str]:
    """A speaker and a listener of one session, at SOON_MS; neither has sent a heartbeat."""
    stage.connected_at = SOON_MS
    at(stage, 0)
    speaker = stage.connect_speaker()
    return speaker, stage.join(stage.create_session(speaker))


def test_the_first_heartbeat_of_a_socket_is_noted_in_its_row_and_changes_nothing_else(
    stage: Stage,
) -> None:
    _, listener = sockets_heard_from(stage)
    before = stage.connection(listener)
    assert "lastHeardAt" not in before
    at(stage, 5_000)
    assert stage.send(listener, "heartbeat")["type"] == "heartbeatAck"
    assert stage.connection(listener) == {**before, "lastHeardAt": SOON_MS + 5_000}


def test_a_row_is_renewed_once_a_minute_however_many_heartbeats_come(stage: Stage) -> None:
    _, listener = sockets_heard_from(stage)
    noted: list[int | None] = []
    for second in range(0, 150, 10):
        at(stage, second * 1000)
        stage.send(listener, "heartbeat")
        noted.append(heard(stage, listener))
    assert list(dict.fromkeys(noted)) == [0, MINUTE_MS, 2 * MINUTE_MS]


def test_heartbeats_a_little_early_each_minute_never_look_like_two_missing_ones(
    stage: Stage,
) -> None:
    _, listener = sockets_heard_from(stage)
    oldest = 0
    for beat in range(20):
        now_ms = beat * 59_900
        at(stage, now_ms)
        stage.send(listener, "heartbeat")
        oldest = max(oldest, now_ms - (heard(stage, listener) or 0))
    assert oldest < MINUTE_MS


def test_a_row_that_is_gone_is_not_brought_back_by_a_heartbeat(stage: Stage) -> None:
    clients = intercepted(stage)
    _, listener = sockets_heard_from(stage)
    before = stage.connection(listener)

    def remove_first(call: Call) -> Any:
        if "UpdateItem" in str(call.request):
            stage.dynamodb.delete_item(
                TableName="connections", Key={"connectionId": {"S": listener}}
            )
        return call.carry_out()

    with clients.intercept("dynamodb", remove_first) as calls:
        frame = stage.send(listener, "heartbeat")
    assert len(calls) == 2
    assert frame["type"] == "heartbeatAck", "its row was there when it was read"
    assert before
    assert stage.connection(listener) == {}


@pytest.mark.parametrize(
    "failure",
    [
        NoAnswer("no answer: timed out", may_have_arrived=True),
        CallFailed(400, "ThrottlingException"),
        CallFailed(400, "AccessDeniedException"),
    ],
    ids=str,
)
def test_a_heartbeat_is_acknowledged_although_its_row_cannot_be_renewed(
    stage: Stage, failure: Exception
) -> None:
    clients = intercepted(stage)
    _, listener = sockets_heard_from(stage)

    def fail_to_write(call: Call) -> Any:
        if "UpdateItem" in str(call.request):
            raise failure
        return call.carry_out()

    with clients.intercept("dynamodb", fail_to_write):
        assert stage.send(listener, "heartbeat")["type"] == "heartbeatAck"
    assert heard(stage, listener) is None
    at(stage, 1_000)
    stage.send(listener, "heartbeat")
    assert heard(stage, listener) == 1_000


OTHER_MESSAGES: list[tuple[str, str, dict[str, Any]]] = [
    ("listener", "changeLanguage", {"targetLanguage": "fr"}),
    ("listener", "changeLanguage", {"targetLanguage": "es"}),
    ("listener", "pausePlayback", {}),
    ("listener", "joinSession", {"sessionId": "golden-eagle-427", "targetLanguage": "es"}),
    ("speaker", "muteBroadcast", {}),
    ("speaker", "createSession", {"sourceLanguage": "en"}),
    ("speaker", "refreshConnection", {"sessionId": "golden-eagle-427"}),
]


@pytest.mark.parametrize(("role", "action", "fields"), OTHER_MESSAGES)
def test_other_messages_renew_a_row_that_has_heartbeats_and_leave_others_alone(
    stage: Stage, role: str, action: str, fields: dict[str, Any]
) -> None:
    speaker, listener = sockets_heard_from(stage)
    sender = speaker if role == "speaker" else listener
    at(stage, MINUTE_MS)
    stage.send(sender, action, **fields)
    assert heard(stage, sender) is None, "it has never sent a heartbeat"
    stage.send(sender, "heartbeat")
    at(stage, 2 * MINUTE_MS + 5_000)
    stage.send(sender, action, **fields)
    assert heard(stage, sender) == 2 * MINUTE_MS + 5_000
    at(stage, 2 * MINUTE_MS + 9_000)
    stage.send(sender, action, **fields)
    assert heard(stage, sender) == 2 * MINUTE_MS + 5_000, "once a minute"


def test_a_control_is_carried_out_although_the_row_cannot_be_renewed(stage: Stage) -> None:
    clients = intercepted(stage)
    speaker, _ = sockets_heard_from(stage)
    stage.send(speaker, "heartbeat")
    at(stage, MINUTE_MS)
    with clients.intercept("update_item", fail_with(THROTTLED_ERROR), TableName="connections"):
        assert stage.send(speaker, "muteBroadcast")["type"] == "broadcastMuted"
    assert heard(stage, speaker) == 0


# ---- The socket's age


@pytest.mark.parametrize(
    ("age_minutes", "expected"),
    [
        (0, {}),
        (99.99, {}),
        (100, {"type": "connectionRefreshRequired"}),
        (104.99, {"type": "connectionRefreshRequired"}),
        (105, {"type": "connectionWarning", "remainingMinutes": 15.0}),
        (113.27, {"type": "connectionWarning", "remainingMinutes": 6.7}),
        (120, {"type": "connectionWarning", "remainingMinutes": 0.0}),
        (125, {"type": "connectionWarning", "remainingMinutes": 0.0}),
    ],
)
def test_a_socket_is_advised_to_refresh_according_to_its_age(
    age_minutes: float, expected: dict[str, Any]
) -> None:
    unused = ScriptedDynamoDB()
    clock = Clock()
    heartbeats = Heartbeats(presence=presence(unused), sockets=Sockets(unused, clock), clock=clock)
    advice = heartbeats.advice_for(
        1_700_000_000_000, 1_700_000_000_000 + round(age_minutes * 60_000)
    )
    fields = json.loads(advice.encode()) if advice else {}
    assert {name: fields[name] for name in fields if name != "timestamp"} == expected


@pytest.mark.parametrize("role", ["speaker", "listener"])
def test_an_old_socket_is_posted_the_advice_before_its_reply(
    stage: Stage, sockets: OpenSockets, role: str
) -> None:
    connection = stage.connect_speaker() if role == "speaker" else stage.connect_listener()
    at_ms = stage.connected_at + 110 * 60_000
    stage.clock = Clock(now_ms=lambda: at_ms)
    frame = stage.send(connection, "heartbeat", requestId="h")
    assert (frame["type"], frame["requestId"]) == ("heartbeatAck", "h")
    (warning,) = sockets.frames_of(connection, "connectionWarning")
    assert warning["remainingMinutes"] == 10
    assert "requestId" not in warning


@pytest.mark.parametrize("fault", ["failing", "throttled", "gone"])
def test_a_heartbeat_is_acknowledged_although_the_advice_cannot_be_posted(
    stage: Stage, sockets: OpenSockets, fault: str
) -> None:
    listener = stage.connect_listener()
    stage.connected_at -= 101 * 60_000
    if fault == "failing":
        sockets.failing.add(listener)
    elif fault == "throttled":
        sockets.throttled[listener] = 100
    else:
        sockets.open.discard(listener)
    assert stage.send(listener, "heartbeat")["type"] == "heartbeatAck"
    assert sockets.posts == []


def test_a_socket_without_a_row_is_not_advised_to_refresh(
    stage: Stage, sockets: OpenSockets
) -> None:
    listener = stage.connect_listener()
    stage.connected_at -= 110 * 60_000
    stage.dynamodb.delete_item(TableName="connections", Key={"connectionId": {"S": listener}})
    assert stage.send(listener, "heartbeat")["code"] == "CONNECTION_NOT_FOUND"
    assert sockets.posts == []


# ---- The read


ROW = Response(200, b'{"Item":{"ttl":{"N":"1700000001"},"lastHeardAt":{"N":"1699999999999"}}}')
"""Renewed in the minute of AT_MS."""

THROTTLED = Response(
    400, b'{"__type":"com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException"}'
)
DENIED = Response(400, b'{"__type":"com.amazon.coral.service#AccessDeniedException"}')
AT_MS = 1_699_999_999_999


def test_of_the_row_only_what_is_needed_is_read_consistently() -> None:
    dynamodb = ScriptedDynamoDB(ROW)
    assert presence(dynamodb).heard("a+b/=", at_ms=AT_MS)
    ((method, path, body, headers),) = dynamodb.requests
    assert (method, path) == ("POST", "/")
    assert headers["x-amz-target"] == "DynamoDB_20120810.GetItem"
    assert body == {
        "TableName": "connections",
        "Key": {"connectionId": {"S": "a+b/="}},
        "ConsistentRead": True,
        "ProjectionExpression": "#ttl, lastHeardAt",
        "ExpressionAttributeNames": {"#ttl": "ttl"},
    }


@pytest.mark.parametrize(
    ("responses", "is_known"),
    [
        ([Response(200, b"{}")], False),
        ([THROTTLED, ROW], True),
        ([Response(500, b""), Response(503, b"<html>"), ROW], True),
        ([NoAnswer("no answer: timed out", may_have_arrived=True), ROW], True),
    ],
)
def test_throttling_server_errors_and_timeouts_are_retried(
    responses: list[Response | NoAnswer], is_known: bool
) -> None:
    dynamodb = ScriptedDynamoDB(*responses)
    assert presence(dynamodb).heard("a", at_ms=AT_MS) is is_known
    assert len(dynamodb.requests) == len(responses)


@pytest.mark.parametrize(
    ("response", "requests", "outage"),
    [(THROTTLED, 3, True), (Response(500, b""), 3, True), (DENIED, 1, False)],
)
def test_the_read_fails_after_three_attempts_or_one_refusal(
    response: Response, requests: int, outage: bool
) -> None:
    dynamodb = ScriptedDynamoDB(*[response] * 4)
    with pytest.raises(CallFailed) as failure:
        presence(dynamodb).heard("a", at_ms=AT_MS)
    assert len(dynamodb.requests) == requests
    assert is_outage(failure.value) is outage


@pytest.mark.parametrize(
    ("failure", "code"),
    [
        (NoAnswer("no answer: timed out", may_have_arrived=True), "SERVICE_UNAVAILABLE"),
        (CallFailed(500, "InternalServerError"), "SERVICE_UNAVAILABLE"),
        (CallFailed(400, "ThrottlingException"), "SERVICE_UNAVAILABLE"),
        (CallFailed(400, "AccessDeniedException"), "INTERNAL_ERROR"),
        (RuntimeError("secret"), "INTERNAL_ERROR"),
    ],
)
def test_a_failed_read_is_answered_with_an_error_without_inner_details(
    stage: Stage, failure: Exception, code: str
) -> None:
    clients = intercepted(stage)
    listener = stage.connect_listener()
    with clients.intercept("dynamodb", fail_with(failure)):
        frame = stage.send(listener, "heartbeat", requestId="h")
    assert (frame["code"], frame["requestId"]) == (code, "h")
    assert not {"secret", "Denied", "timed"} & set(str(frame).split())


HEAVY_MODULES = [
    "boto3",
    "botocore.client",
    "botocore.exceptions",
    "botocore.session",
    "http.client",
    "live_sessions.wire.language_tags",
]
HEARTBEAT_IN_A_FRESH_PROCESS = f"""
import sys
import heartbeat
from contract.functions import HeartbeatEnvironment
from live_sessions.aws.clients import Clients
from live_sessions.aws.runtime import SYSTEM_CLOCK, read_environment
from tests.patience import OUT_OF_REACH_SECONDS

class PatientClients(Clients):
    def http(self, endpoint, service, *, timeout_seconds):
        return super().http(endpoint, service, timeout_seconds=OUT_OF_REACH_SECONDS)

handler = heartbeat.build(
    read_environment(HeartbeatEnvironment), PatientClients.of_this_account(), SYSTEM_CLOCK
)
event = {{
    "requestContext": {{
        "eventType": "MESSAGE", "routeKey": "heartbeat",
        "connectionId": "a=", "connectedAt": 0,
        "authorizer": {{"role": "listener"}}, "identity": {{"sourceIp": "203.0.113.7"}},
    }},
    "body": '{{"action": "heartbeat"}}',
}}
assert "heartbeatAck" in handler(event, None)["body"]
print([name for name in {HEAVY_MODULES} if name in sys.modules])
"""


def test_a_heartbeat_is_answered_without_importing_boto3_or_botocore() -> None:
    """Their import takes longer than the rest of a cold start."""
    row = status(200, b'{"Item":{"ttl":{"N":"99999999999"}}}')  # and the reply to the write
    with serving(lambda _: row) as server:
        process = subprocess.run(
            [sys.executable, "-c", HEARTBEAT_IN_A_FRESH_PROCESS],
            env={
                **ENVIRONMENT,
                "PYTHONPATH": f"{HANDLERS}:{HANDLERS.parent}",
                "AWS_ENDPOINT_URL": server.url,
                "API_GATEWAY_ENDPOINT": f"{server.url}/live",
            },
            capture_output=True,
            text=True,
            check=False,
        )
    assert process.returncode == 0, process.stderr
    assert process.stdout.splitlines()[-1] == "[]"
    assert len(server.requests) == 3, "the read, the write, and the advice for so old a socket"
