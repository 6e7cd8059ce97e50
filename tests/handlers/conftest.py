"""Handlers on moto: real DynamoDB and SQS semantics, recorded fan-outs and sockets."""

from __future__ import annotations

import importlib
import itertools
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import boto3
import pytest
from moto import mock_aws
from moto.core import DEFAULT_ACCOUNT_ID
from moto.sqs import sqs_backends

REGION = "eu-central-1"
QUEUES = ("session-checks", "status-shards")
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_SESSION_TOKEN": "testing",
    "AWS_DEFAULT_REGION": REGION,
    "AWS_LAMBDA_FUNCTION_NAME": "live-sessions-test-fan-out",
    "POWERTOOLS_SERVICE_NAME": "test",
    "POWERTOOLS_METRICS_NAMESPACE": "LiveSessions",
    "POWERTOOLS_LOG_LEVEL": "INFO",
    "ENV": "test",
    "SESSIONS_TABLE": "sessions",
    "CONNECTIONS_TABLE": "connections",
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
    "TOKEN_ISSUER": f"https://cognito-idp.{REGION}.amazonaws.com/{REGION}_pool",
    "TOKEN_AUDIENCE": "client-id",
    "JWKS_URL": "http://127.0.0.1:9/jwks.json",
}
# The functions read their environment when they are imported, as Lambda's init phase does.
os.environ.update(ENVIRONMENT)

# As the ConnectionStore component declares them; tests/test_contracts.py holds them together.
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
]


@dataclass
class LambdaContext:
    """What the handlers use of Lambda's context."""

    remaining_ms: int = 60_000

    def get_remaining_time_in_millis(self) -> int:
        return self.remaining_ms


@dataclass
class OpenSockets:
    """@connections: open sockets and what was posted to them; `failing` answer with a 500."""

    open: set[str] = field(default_factory=set)
    failing: set[str] = field(default_factory=set)
    posts: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def frames_of(self, connection_id: str, frame_type: str) -> list[dict[str, Any]]:
        return [
            frame
            for receiver, frame in self.posts
            if receiver == connection_id and frame["type"] == frame_type
        ]


class Stage:
    """The deployed stage as its clients and AWS see it: connect, send, disconnect, follow up."""

    def __init__(self, entries: dict[str, ModuleType], sockets: OpenSockets) -> None:
        self.entries = entries
        self.sockets = sockets
        self.fan_outs: list[dict[str, Any]] = []
        self.dynamodb = boto3.client("dynamodb", region_name=REGION)
        self.sqs = boto3.client("sqs", region_name=REGION)
        self._numbers = itertools.count(1)
        self._roles: dict[str, dict[str, str]] = {}
        self.connected_at = 0

    # ---- clients

    def connect_speaker(self, user_id: str = "user-1") -> str:
        return self._connect("speaker", {"role": "speaker", "userId": user_id})

    def connect_listener(self) -> str:
        return self._connect("listener", {"role": "listener"})

    def _connect(self, kind: str, authorizer: dict[str, str]) -> str:
        connection_id = f"{kind}-{next(self._numbers)}="
        self._roles[connection_id] = authorizer
        response = self.entries["connection"].handler(
            self.event(connection_id, "CONNECT", "$connect"), LambdaContext()
        )
        assert response["statusCode"] == 200
        self.sockets.open.add(connection_id)
        return connection_id

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
        entry = {"heartbeat": "heartbeat", "getSessionStatus": "session_status"}.get(
            route_key, "connection"
        )
        response = self.entries[entry].handler(
            self.event(connection_id, "MESSAGE", route_key, body), LambdaContext()
        )
        assert response["statusCode"] == 200
        return json.loads(response["body"])

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
        self.entries["reconcile"].handler({}, LambdaContext())

    # ---- rows

    def session(self, session_id: str) -> dict[str, Any]:
        return self._row("sessions", {"sessionId": session_id})

    def connection(self, connection_id: str) -> dict[str, Any]:
        return self._row("connections", {"connectionId": connection_id})

    def _row(self, table: str, key: dict[str, str]) -> dict[str, Any]:
        attributes = importlib.import_module("live_sessions.attributes")
        item = self.dynamodb.get_item(TableName=table, Key=attributes.typed(key)).get("Item")
        return attributes.plain(item) if item else {}

    def change(self, table: str, key: dict[str, str], **values: Any) -> None:
        self.replace(table, self._row(table, key) | values)

    def replace(self, table: str, row: dict[str, Any]) -> None:
        attributes = importlib.import_module("live_sessions.attributes")
        self.dynamodb.put_item(TableName=table, Item=attributes.typed(row))


@pytest.fixture
def sockets() -> OpenSockets:
    return OpenSockets()


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch, sockets: OpenSockets) -> Iterator[Stage]:
    with mock_aws():
        for table in TABLES:
            boto3.client("dynamodb", region_name=REGION).create_table(**table)
        for queue in QUEUES:
            boto3.client("sqs", region_name=REGION).create_queue(QueueName=queue)
        entries = {
            name: importlib.import_module(name)
            for name in (
                "connection",
                "disconnect",
                "heartbeat",
                "session_status",
                "fan_out",
                "reconcile",
            )
        }
        stage = Stage(entries, sockets)
        _record_fan_outs(monkeypatch, stage)
        _record_posts(monkeypatch, sockets)
        yield stage


def _record_fan_outs(monkeypatch: pytest.MonkeyPatch, stage: Stage) -> None:
    clients = importlib.import_module("live_sessions.clients")

    def invoke(*, FunctionName: str, InvocationType: str, Payload: bytes) -> dict[str, Any]:
        assert FunctionName == ENVIRONMENT["FAN_OUT_FUNCTION"]
        assert InvocationType == "Event"
        stage.fan_outs.append(json.loads(Payload))
        return {"StatusCode": 202}

    monkeypatch.setattr(clients.lambda_(), "invoke", invoke)


def _record_posts(monkeypatch: pytest.MonkeyPatch, sockets: OpenSockets) -> None:
    clients = importlib.import_module("live_sessions.clients")
    sockets_module = importlib.import_module("live_sessions.sockets")
    apis = [
        clients.connections_api(
            ENVIRONMENT["API_GATEWAY_ENDPOINT"],
            connections=sockets_module.CONCURRENT_POSTS,
            attempts=attempts,
        )
        for attempts in (1, 2)
    ]
    api = apis[0]

    def require_open(operation: str, connection_id: str) -> None:
        if connection_id in sockets.failing:
            raise api.exceptions.ClientError(
                {"Error": {"Code": "InternalServerError", "Message": ""}}, operation
            )
        if connection_id not in sockets.open:
            raise api.exceptions.GoneException(
                {"Error": {"Code": "GoneException", "Message": ""}}, operation
            )

    def post_to_connection(*, ConnectionId: str, Data: bytes) -> dict[str, Any]:
        require_open("PostToConnection", ConnectionId)
        sockets.posts.append((ConnectionId, json.loads(Data)))
        return {}

    def get_connection(*, ConnectionId: str) -> dict[str, Any]:
        require_open("GetConnection", ConnectionId)
        return {}

    for each in apis:
        monkeypatch.setattr(each, "post_to_connection", post_to_connection)
        monkeypatch.setattr(each, "get_connection", get_connection)


@pytest.fixture(autouse=True)
def connected_now(request: pytest.FixtureRequest) -> None:
    """A test's connections opened when the test began."""
    if "stage" in request.fixturenames:
        sessions = importlib.import_module("live_sessions.sessions")
        request.getfixturevalue("stage").connected_at = sessions.now_ms()
