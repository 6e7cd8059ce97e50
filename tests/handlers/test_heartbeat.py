"""Heartbeats: their reply, the advice to refresh, and the one read behind them."""

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
from tests.handlers.intercepted_clients import fail_with, intercepted
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


def test_a_heartbeat_writes_nothing(stage: Stage) -> None:
    listener = stage.connect_listener()
    before = stage.connection(listener)
    stage.send(listener, "heartbeat")
    assert stage.connection(listener) == before


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


ROW = Response(200, b'{"Item":{"ttl":{"N":"1700000001"}}}')
THROTTLED = Response(
    400, b'{"__type":"com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException"}'
)
DENIED = Response(400, b'{"__type":"com.amazon.coral.service#AccessDeniedException"}')
AT_MS = 1_700_000_000_000


def test_the_row_is_read_consistently_and_only_its_ttl() -> None:
    dynamodb = ScriptedDynamoDB(ROW)
    assert presence(dynamodb).is_known("a+b/=", at_ms=AT_MS)
    ((method, path, body, headers),) = dynamodb.requests
    assert (method, path) == ("POST", "/")
    assert headers["x-amz-target"] == "DynamoDB_20120810.GetItem"
    assert body == {
        "TableName": "connections",
        "Key": {"connectionId": {"S": "a+b/="}},
        "ConsistentRead": True,
        "ProjectionExpression": "#ttl",
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
    assert presence(dynamodb).is_known("a", at_ms=AT_MS) is is_known
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
        presence(dynamodb).is_known("a", at_ms=AT_MS)
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
    row = status(200, b'{"Item":{"ttl":{"N":"99999999999"}}}')
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
    assert len(server.requests) == 2, "the read, and the advice for so old a socket"
