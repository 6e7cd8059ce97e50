"""Handlers on moto: real DynamoDB and SQS semantics, recorded fan-outs and sockets."""

from __future__ import annotations

import base64
import importlib
import itertools
import json
import os
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from types import ModuleType
from typing import Any
from urllib.parse import unquote

import boto3
import pytest
from botocore.exceptions import BotoCoreError, ClientError
from moto import mock_aws
from moto.core import DEFAULT_ACCOUNT_ID
from moto.sqs import sqs_backends

from tests.handlers.direct_moto import shorten
from tests.handlers.localhost_tls import certificate, server_tls  # noqa: F401
from tests.patience import OUT_OF_REACH_SECONDS

REGION = "eu-central-1"
QUEUES = ("session-checks", "status-shards", "audio-0", "audio-1", "audio-2")
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_SESSION_TOKEN": "testing",
    "AWS_REGION": REGION,
    "AWS_DEFAULT_REGION": REGION,
    "AWS_LAMBDA_FUNCTION_NAME": "live-sessions-test-fan-out",
    "POWERTOOLS_SERVICE_NAME": "test",
    "POWERTOOLS_METRICS_NAMESPACE": "LiveSessions/test",
    "POWERTOOLS_LOG_LEVEL": "INFO",
    "ENV": "test",
    "SESSIONS_TABLE": "sessions",
    "CONNECTIONS_TABLE": "connections",
    "RATE_LIMITS_TABLE": "rate-limits",
    "API_GATEWAY_ENDPOINT": f"https://api1234567.execute-api.{REGION}.amazonaws.com/live",
    "FAN_OUT_FUNCTION": "live-sessions-test-fan-out",
    "SESSION_CHECKS_QUEUE_URL": f"https://sqs.{REGION}.amazonaws.com/123456789012/session-checks",
    "STATUS_SHARD_QUEUE_URL": f"https://sqs.{REGION}.amazonaws.com/123456789012/status-shards",
    "MAX_LISTENERS_PER_SESSION": "3",
    "SESSION_MAX_DURATION_HOURS": "8",
    "SPEAKER_GRACE_SECONDS": "10",
    "STATUS_SHARDS": "4",
    "STATUS_QUERY_TIMEOUT_MS": "500",
    "PERIODIC_UPDATE_INTERVAL_SECONDS": "30",
    "LISTENER_COUNT_CHANGE_THRESHOLD_PERCENT": "10",
    "SESSIONS_PER_USER_PER_HOUR": "1000",
    "JOINS_PER_ADDRESS_PER_MINUTE": "1000",
    "CONNECTIONS_PER_ADDRESS_PER_MINUTE": "1000",
    "CONTROLS_PER_CONNECTION_PER_MINUTE": "1000",
    "STATUS_QUERIES_PER_SPEAKER_PER_MINUTE": "1000",
    "AUDIO_SLOTS_TABLE": "audio-slots",
    "AUDIO_SLOTS": "3",
    "AUDIO_QUEUE_URL_PREFIX": f"https://sqs.{REGION}.amazonaws.com/123456789012/audio-",
    "AUDIO_PROCESSOR_FUNCTION": "live-sessions-test-audio-processor",
    "AUDIO_CHUNKS_PER_SECOND": "50",
    "TRANSLATION_FUNCTION": "live-sessions-test-translation",
    "PARTIAL_CAPTIONS": "premium",
    "PARTIAL_RESULTS_STABILITY": "medium",
    "TOKEN_ISSUER": f"https://cognito-idp.{REGION}.amazonaws.com/{REGION}_pool",
    "TOKEN_AUDIENCE": "client-id",
    "JWKS_URL": "http://127.0.0.1:9/jwks.json",
}
# The functions read their environment when they are imported, as Lambda's init phase does.
os.environ.update(ENVIRONMENT)

# As the ConnectionStore component declares them: tests/contracts/test_tables.py holds them to it.
TABLES: list[dict[str, Any]] = [
    {
        "TableName": "sessions",
        "KeySchema": [{"AttributeName": "sessionId", "KeyType": "HASH"}],
        "AttributeDefinitions": [
            {"AttributeName": "sessionId", "AttributeType": "S"},
            {"AttributeName": "activeShard", "AttributeType": "N"},
        ],
        "GlobalSecondaryIndexes": [
            {
                "IndexName": "active-sessions-index",
                "KeySchema": [
                    {"AttributeName": "activeShard", "KeyType": "HASH"},
                    {"AttributeName": "sessionId", "KeyType": "RANGE"},
                ],
                "Projection": {
                    "ProjectionType": "INCLUDE",
                    "NonKeyAttributes": [
                        "speakerConnectionId",
                        "sourceLanguage",
                        "listenerCount",
                        "listenersByLanguage",
                        "broadcastState",
                        "createdAt",
                        "expiresAt",
                        "endedAt",
                        "endReason",
                        "statusRequestedAt",
                        "membershipVersion",
                        "membershipChangedAt",
                        "speakerLostAt",
                    ],
                },
            }
        ],
        "BillingMode": "PAY_PER_REQUEST",
    },
    {
        "TableName": "connections",
        "KeySchema": [{"AttributeName": "connectionId", "KeyType": "HASH"}],
        "AttributeDefinitions": [
            {"AttributeName": "connectionId", "AttributeType": "S"},
            {"AttributeName": "sessionId", "AttributeType": "S"},
            {"AttributeName": "targetLanguage", "AttributeType": "S"},
        ],
        "GlobalSecondaryIndexes": [
            {
                "IndexName": "sessionId-targetLanguage-index",
                "KeySchema": [
                    {"AttributeName": "sessionId", "KeyType": "HASH"},
                    {"AttributeName": "targetLanguage", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["ttl"]},
            }
        ],
        "BillingMode": "PAY_PER_REQUEST",
    },
    {
        "TableName": "audio-slots",
        "KeySchema": [{"AttributeName": "slot", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": "slot", "AttributeType": "N"}],
        "BillingMode": "PAY_PER_REQUEST",
    },
    {
        "TableName": "rate-limits",
        "KeySchema": [{"AttributeName": "identifier", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": "identifier", "AttributeType": "S"}],
        "BillingMode": "PAY_PER_REQUEST",
    },
]
# Routes that are not the connection function's.
ENTRY_OF_ROUTE = {
    "heartbeat": "heartbeat",
    "getSessionStatus": "session_status",
    "refreshConnection": "refresh",
    "sendAudio": "audio_ingest",
}


@dataclass
class LambdaContext:
    """What the handlers use of Lambda's context."""

    remaining_ms: int = OUT_OF_REACH_SECONDS * 1000

    def get_remaining_time_in_millis(self) -> int:
        return self.remaining_ms


@dataclass
class OpenSockets:
    """@connections: open sockets and what was posted to them.

    `failing` answer with a 500, `throttled` with a 429 as many times as they count. `requests`
    counts by connection.
    """

    open: set[str] = field(default_factory=set)
    failing: set[str] = field(default_factory=set)
    throttled: Counter[str] = field(default_factory=Counter)
    posts: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    requests: Counter[str] = field(default_factory=Counter)

    def answer(self, method: str, connection_id: str, data: bytes) -> int:
        """The status of one @connections request."""
        self.requests[connection_id] += 1
        if connection_id in self.failing:
            return 500
        if self.throttled[connection_id] > 0:
            self.throttled[connection_id] -= 1
            return 429
        if connection_id not in self.open:
            return 410
        if method == "POST":
            self.posts.append((connection_id, json.loads(data)))
        return 200

    def frames_of(self, connection_id: str, frame_type: str) -> list[dict[str, Any]]:
        return [
            frame
            for receiver, frame in self.posts
            if receiver == connection_id and frame["type"] == frame_type
        ]


@cache
def client(service: str) -> Any:
    """One for all tests: to build it takes longer than most of them."""
    return boto3.client(service, region_name=REGION)


class Stage:
    """The deployed stage as its clients and AWS see it: connect, send, disconnect, follow up."""

    def __init__(self, entries: dict[str, ModuleType], sockets: OpenSockets) -> None:
        self.entries = entries
        self.sockets = sockets
        self.fan_outs: list[dict[str, Any]] = []
        self.processor_starts: list[dict[str, Any]] = []
        self.dynamodb = client("dynamodb")
        self.sqs = client("sqs")
        self._numbers = itertools.count(1)
        self._roles: dict[str, dict[str, str]] = {}
        self.connected_at = 0
        self.source_ip = "203.0.113.7"

    # ---- clients

    def connect_speaker(self, user_id: str = "user-1") -> str:
        return self._connect("speaker", {"role": "speaker", "userId": user_id})

    def connect_listener(self) -> str:
        return self._connect("listener", {"role": "listener"})

    def _connect(self, kind: str, authorizer: dict[str, str]) -> str:
        connection_id, status = self.handshake(kind, authorizer)
        assert status == 200
        return connection_id

    def handshake(self, kind: str, authorizer: dict[str, str]) -> tuple[str, int]:
        """A new socket's id, and what `$connect` answered."""
        connection_id = f"{kind}-{next(self._numbers)}="
        self._roles[connection_id] = authorizer
        response = self.entries["connection"].handler(
            self.event(connection_id, "CONNECT", "$connect"), LambdaContext()
        )
        if response["statusCode"] == 200:
            self.sockets.open.add(connection_id)
        return connection_id, response["statusCode"]

    def event(
        self, connection_id: str, event_type: str, route_key: str, body: str | None = None
    ) -> dict[str, Any]:
        return {
            "requestContext": {
                "routeKey": route_key,
                "eventType": event_type,
                "connectionId": connection_id,
                "connectedAt": self.connected_at,
                "requestId": f"request-{next(self._numbers)}",
                "identity": {"sourceIp": self.source_ip},
                "authorizer": self._roles[connection_id],
            },
            "body": body,
            "isBase64Encoded": False,
        }

    def send(self, connection_id: str, action: str, **fields: Any) -> dict[str, Any]:
        return self.send_text(connection_id, json.dumps({"action": action, **fields}), action)

    def send_text(
        self, connection_id: str, body: str, route_key: str = "$default"
    ) -> dict[str, Any]:
        entry = self.entries[ENTRY_OF_ROUTE.get(route_key, "connection")]
        response = entry.handler(
            self.event(connection_id, "MESSAGE", route_key, body), LambdaContext()
        )
        assert response["statusCode"] == 200
        return json.loads(response["body"])

    def send_audio(self, connection_id: str, sequence: int, audio: bytes, **fields: Any) -> None:
        """Send a chunk; what there is to say about it is posted."""
        body = {
            "action": "sendAudio",
            "audioData": base64.b64encode(audio).decode(),
            "sequence": sequence,
            **fields,
        }
        response = self.entries["audio_ingest"].handler(
            self.event(connection_id, "MESSAGE", "sendAudio", json.dumps(body)), LambdaContext()
        )
        assert response == {"statusCode": 200}

    def disconnect(self, connection_id: str) -> None:
        self.sockets.open.discard(connection_id)
        self.disconnect_event(connection_id)

    def disconnect_event(self, connection_id: str) -> None:
        self.entries["disconnect"].handler(
            self.event(connection_id, "DISCONNECT", "$disconnect"), LambdaContext()
        )

    def create_session(self, speaker: str) -> str:
        frame = self.send(speaker, "createSession", sourceLanguage="en")
        assert frame["type"] == "sessionCreated", frame
        return frame["sessionId"]

    def join(self, session_id: str, language: str = "es") -> str:
        listener = self.connect_listener()
        frame = self.send(listener, "joinSession", sessionId=session_id, targetLanguage=language)
        assert frame["type"] == "sessionJoined", frame
        return listener

    # ---- AWS

    def started_by(self, function_name: str) -> list[dict[str, Any]]:
        """The asynchronous invocations of a function."""
        return {
            ENVIRONMENT["FAN_OUT_FUNCTION"]: self.fan_outs,
            ENVIRONMENT["AUDIO_PROCESSOR_FUNCTION"]: self.processor_starts,
        }[function_name]

    def run_fan_outs(self) -> int:
        """Run the asynchronous invocations, and those they start, until none is left."""
        done = 0
        while self.fan_outs:
            self.entries["fan_out"].handler(self.fan_outs.pop(0), LambdaContext())
            done += 1
        return done

    def queued(self, queue: str) -> list[dict[str, Any]]:
        """Take what was sent to a queue, delayed or not, in any order."""
        return [json.loads(body) for body, _ in self.queued_with_delay(queue)]

    def queued_with_delay(self, queue: str) -> list[tuple[str, int]]:
        messages = sqs_backends[DEFAULT_ACCOUNT_ID][REGION].queues[queue]._messages
        taken = [
            (message.body, round((message.delayed_until - message.sent_timestamp) / 1000))
            for message in messages
        ]
        messages.clear()
        return taken

    def run_checks(self) -> None:
        """Deliver every queued session check, whatever its delay."""
        for body, _ in self.queued_with_delay("session-checks"):
            self.deliver_check(json.loads(body))

    def deliver_check(self, check: dict[str, Any]) -> None:
        self.entries["disconnect"].handler(
            {"Records": [{"body": json.dumps(check)}]}, LambdaContext()
        )

    def reconcile(self) -> None:
        self.entries["reconcile"].handler({}, LambdaContext(remaining_ms=180_000))

    # ---- rows

    def session(self, session_id: str) -> dict[str, Any]:
        return self._row("sessions", {"sessionId": session_id})

    def connection(self, connection_id: str) -> dict[str, Any]:
        return self._row("connections", {"connectionId": connection_id})

    def _row(self, table: str, key: dict[str, str]) -> dict[str, Any]:
        attributes = importlib.import_module("live_sessions.aws.attributes")
        item = self.dynamodb.get_item(TableName=table, Key=attributes.typed(key)).get("Item")
        return attributes.plain(item) if item else {}

    def change(self, table: str, key: dict[str, str], **values: Any) -> None:
        self.replace(table, self._row(table, key) | values)

    def replace(self, table: str, row: dict[str, Any]) -> None:
        attributes = importlib.import_module("live_sessions.aws.attributes")
        self.dynamodb.put_item(TableName=table, Item=attributes.typed(row))


@pytest.fixture
def sockets() -> OpenSockets:
    return OpenSockets()


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch, sockets: OpenSockets) -> Iterator[Stage]:
    with mock_aws():
        shorten(monkeypatch, REGION)
        for table in TABLES:
            client("dynamodb").create_table(**table)
        for queue in QUEUES:
            sqs_backends[DEFAULT_ACCOUNT_ID][REGION].create_queue(queue)
        entries = {
            name: importlib.import_module(name)
            for name in (
                "connection",
                "disconnect",
                "heartbeat",
                "refresh",
                "session_status",
                "fan_out",
                "reconcile",
                "audio_ingest",
                "audio_processor",
                "translation",
            )
        }
        stage = Stage(entries, sockets)
        monkeypatch.setattr(entries["reconcile"], "sleep", lambda _: None)
        monkeypatch.setattr(
            entries["session_status"], "QUERY_TIMEOUT_SECONDS", OUT_OF_REACH_SECONDS
        )
        _record_fan_outs(monkeypatch, stage)
        _answer_requests(monkeypatch, stage, sockets)
        yield stage


def _record_fan_outs(monkeypatch: pytest.MonkeyPatch, stage: Stage) -> None:
    clients = importlib.import_module("live_sessions.aws.clients")

    def invoke(*, FunctionName: str, InvocationType: str, Payload: bytes) -> dict[str, Any]:
        assert InvocationType == "Event"
        stage.started_by(FunctionName).append(json.loads(Payload))
        return {"StatusCode": 202}

    monkeypatch.setattr(clients.lambda_(), "invoke", invoke)


def _answer_requests(monkeypatch: pytest.MonkeyPatch, stage: Stage, sockets: OpenSockets) -> None:
    """What goes without boto3: @connections, and the heartbeat's read, which moto answers."""
    aws_http = importlib.import_module("live_sessions.aws.http")
    backoff = importlib.import_module("live_sessions.aws.backoff")

    def request(
        self: Any, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] = {}
    ) -> Any:
        if self.service == "execute-api":
            connection_id = unquote(path.removeprefix("/@connections/"))
            return aws_http.Response(sockets.answer(method, connection_id, body), b"")
        assert (self.service, method, path) == ("dynamodb", "POST", "/")
        operation = headers["x-amz-target"].removeprefix("DynamoDB_20120810.")
        try:
            answer = stage.dynamodb._make_api_call(operation, json.loads(body))
        except ClientError as failure:
            status = failure.response["ResponseMetadata"]["HTTPStatusCode"]
            error = {"__type": f"com.amazonaws.dynamodb#{failure.response['Error']['Code']}"}
            return aws_http.Response(status, json.dumps(error).encode())
        except BotoCoreError as failure:
            raise aws_http.NoAnswer(type(failure).__name__, may_have_arrived=True) from None
        answer.pop("ResponseMetadata")
        return aws_http.Response(200, json.dumps(answer).encode())

    monkeypatch.setattr(aws_http.AwsHttp, "request", request)
    monkeypatch.setattr(backoff, "BACKOFF_SECONDS", 0)


@pytest.fixture(autouse=True)
def connected_now(request: pytest.FixtureRequest) -> None:
    """A test's connections opened when the test began."""
    if "stage" in request.fixturenames:
        sessions = importlib.import_module("live_sessions.sessions")
        request.getfixturevalue("stage").connected_at = sessions.now_ms()
