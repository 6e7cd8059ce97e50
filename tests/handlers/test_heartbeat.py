"""Heartbeats."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from live_sessions.answers import gateway
from live_sessions.aws import backoff
from live_sessions.aws.http import AwsHttp, CallFailed, NoAnswer
from live_sessions.aws.outages import is_outage
from live_sessions.environment import AwsEnvironment
from live_sessions.tables.connection_presence import ConnectionPresence
from tests.handlers.conftest import ENVIRONMENT, OpenSockets, Stage
from tests.handlers.loopback import serving, status
from tests.patience import OUT_OF_REACH_SECONDS

HANDLERS = Path(__file__).resolve().parents[2] / "handlers"


def test_a_heartbeat_is_acknowledged_for_either_role_in_a_session_or_not(stage: Stage) -> None:
    speaker, listener = stage.connect_speaker(), stage.connect_listener()
    for connection in (speaker, listener):
        frame = stage.send(connection, "heartbeat", requestId="h")
        assert (frame["type"], frame["requestId"]) == ("heartbeatAck", "h")
    member = stage.join(stage.create_session(speaker))
    assert stage.send(member, "heartbeat")["type"] == "heartbeatAck"


def test_a_listener_whose_row_is_gone_learns_it_from_its_heartbeat(stage: Stage) -> None:
    speaker = stage.connect_speaker()
    listener = stage.join(stage.create_session(speaker))
    stage.send(speaker, "endSession")
    stage.run_fan_outs()
    assert stage.send(listener, "heartbeat")["code"] == "CONNECTION_NOT_FOUND"


def test_a_row_past_its_ttl_counts_as_gone_though_it_was_not_deleted_yet(stage: Stage) -> None:
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
def test_a_socket_is_told_when_it_is_time_to_refresh(
    stage: Stage, age_minutes: float, expected: dict[str, Any]
) -> None:
    advice = stage.entries["heartbeat"].advice_for(
        1_700_000_000_000, 1_700_000_000_000 + round(age_minutes * 60_000)
    )
    told = json.loads(advice.encode()) if advice else {}
    assert {name: told[name] for name in told if name != "timestamp"} == expected


@pytest.mark.parametrize("role", ["speaker", "listener"])
def test_an_old_socket_is_posted_the_advice_besides_its_ack(
    stage: Stage, sockets: OpenSockets, monkeypatch: pytest.MonkeyPatch, role: str
) -> None:
    connection = stage.connect_speaker() if role == "speaker" else stage.connect_listener()
    at_ms = stage.connected_at + 110 * 60_000
    monkeypatch.setattr(gateway, "now_ms", lambda: at_ms)
    frame = stage.send(connection, "heartbeat", requestId="h")
    assert (frame["type"], frame["requestId"]) == ("heartbeatAck", "h")
    (warning,) = sockets.frames_of(connection, "connectionWarning")
    assert warning["remainingMinutes"] == 10
    assert "requestId" not in warning


@pytest.mark.parametrize("fault", ["failing", "throttled", "gone"])
def test_an_advice_that_cannot_be_posted_does_not_cost_the_ack(
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


def test_a_socket_whose_row_is_gone_is_not_advised_to_refresh_it(
    stage: Stage, sockets: OpenSockets
) -> None:
    listener = stage.connect_listener()
    stage.connected_at -= 110 * 60_000
    stage.dynamodb.delete_item(TableName="connections", Key={"connectionId": {"S": listener}})
    assert stage.send(listener, "heartbeat")["code"] == "CONNECTION_NOT_FOUND"
    assert sockets.posts == []


# ---- The read


ROW = status(200, b'{"Item":{"ttl":{"N":"1700000001"}}}')
THROTTLED = status(
    400, b'{"__type":"com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException"}'
)
DENIED = status(400, b'{"__type":"com.amazon.coral.service#AccessDeniedException"}')
AT_MS = 1_700_000_000_000


def presence(url: str) -> ConnectionPresence:
    aws = AwsEnvironment("eu-central-1", "key", "secret", "token")
    dynamodb = AwsHttp(url, "dynamodb", aws, timeout_seconds=OUT_OF_REACH_SECONDS)
    return ConnectionPresence(dynamodb, "connections")


def test_the_row_is_read_consistently_and_no_more_of_it_than_its_ttl() -> None:
    with serving(lambda _: ROW) as server:
        assert presence(server.url).is_known("a+b/=", at_ms=AT_MS)
    (request,) = server.requests
    assert (request.method, request.path) == ("POST", "/")
    assert request.headers["x-amz-target"] == "DynamoDB_20120810.GetItem"
    assert json.loads(request.body) == {
        "TableName": "connections",
        "Key": {"connectionId": {"S": "a+b/="}},
        "ConsistentRead": True,
        "ProjectionExpression": "#ttl",
        "ExpressionAttributeNames": {"#ttl": "ttl"},
    }


@pytest.mark.parametrize(
    ("answers", "is_known"),
    [
        ([status(200, b"{}")], False),
        ([THROTTLED, ROW], True),
        ([status(500), status(503, b"<html>"), ROW], True),
    ],
)
def test_throttling_and_server_errors_are_tried_again(
    monkeypatch: pytest.MonkeyPatch, answers: list[bytes], is_known: bool
) -> None:
    monkeypatch.setattr(backoff, "BACKOFF_SECONDS", 0)
    with serving(lambda request: answers[request.number]) as server:
        assert presence(server.url).is_known("a", at_ms=AT_MS) is is_known
    assert len(server.requests) == len(answers)


@pytest.mark.parametrize(
    ("answer", "requests", "outage"),
    [(THROTTLED, 3, True), (status(500), 3, True), (DENIED, 1, False)],
)
def test_after_three_attempts_or_a_refusal_the_read_has_failed(
    monkeypatch: pytest.MonkeyPatch, answer: bytes, requests: int, outage: bool
) -> None:
    monkeypatch.setattr(backoff, "BACKOFF_SECONDS", 0)
    with serving(lambda _: answer) as server, pytest.raises(CallFailed) as failure:
        presence(server.url).is_known("a", at_ms=AT_MS)
    assert len(server.requests) == requests
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
def test_a_read_that_failed_is_answered_with_an_error_that_says_no_more(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, failure: Exception, code: str
) -> None:
    listener = stage.connect_listener()

    def fail(*_: Any, **__: Any) -> bool:
        raise failure

    monkeypatch.setattr(ConnectionPresence, "is_known", fail)
    frame = stage.send(listener, "heartbeat", requestId="h")
    assert (frame["code"], frame["requestId"]) == (code, "h")
    assert not {"secret", "Denied", "timed"} & set(str(frame).split())


HEAVY_MODULES = [
    "boto3",
    "botocore.client",
    "botocore.exceptions",
    "botocore.session",
    "http.client",
]
HEARTBEAT_IN_A_FRESH_PROCESS = f"""
import sys
from live_sessions.aws.http import AwsHttp
AwsHttp._remaining_seconds = lambda *_: {OUT_OF_REACH_SECONDS}
import heartbeat
event = {{
    "requestContext": {{
        "eventType": "MESSAGE", "routeKey": "heartbeat",
        "connectionId": "a=", "connectedAt": 0,
        "authorizer": {{"role": "listener"}}, "identity": {{"sourceIp": "203.0.113.7"}},
    }},
    "body": '{{"action": "heartbeat"}}',
}}
assert "heartbeatAck" in heartbeat.handler(event, None)["body"]
print([name for name in {HEAVY_MODULES} if name in sys.modules])
"""


def test_a_heartbeat_is_answered_without_boto3_and_botocore() -> None:
    """Their import alone takes longer than all the rest of a cold start."""
    row = status(200, b'{"Item":{"ttl":{"N":"99999999999"}}}')
    with serving(lambda _: row) as server:
        answer = subprocess.run(
            [sys.executable, "-c", HEARTBEAT_IN_A_FRESH_PROCESS],
            env={
                **ENVIRONMENT,
                "PYTHONPATH": str(HANDLERS),
                "AWS_ENDPOINT_URL": server.url,
                "API_GATEWAY_ENDPOINT": f"{server.url}/live",
            },
            capture_output=True,
            text=True,
            check=False,
        )
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.splitlines()[-1] == "[]"
    assert len(server.requests) == 2, "the read, and the advice for so old a socket"
