"""Handlers on tables that moto judges, moto's queues, recorded fan-outs and sockets."""

from __future__ import annotations

# isort: off
from tests.handlers.environment import ENVIRONMENT, QUEUES, REGION  # before the functions' code

# isort: on
import base64
import importlib
import itertools
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from io import BytesIO
from typing import Any
from urllib.parse import unquote

import boto3
import pytest

from contract import tables
from contract.actions import ACTIONS
from contract.functions import FUNCTIONS
from live_sessions.aws.clients import Clients
from live_sessions.aws.dynamodb import plain, typed
from live_sessions.aws.http import NO_HEADERS, AwsHttp, Response
from live_sessions.aws.runtime import AwsEnvironment, Clock, Handler, read_environment
from tests.handlers.checked_dynamodb import CheckedDynamoDB, empty_moto
from tests.handlers.direct_moto import carry_out, intercept, queues
from tests.handlers.localhost_tls import certificate, server_tls  # noqa: F401
from tests.patience import OUT_OF_REACH_SECONDS

TABLES: list[dict[str, Any]] = [
    {
        "TableName": table.name,
        "KeySchema": [
            {"AttributeName": name, "KeyType": kind}
            for name, kind in zip(table.key, ("HASH", "RANGE"), strict=False)
        ],
        "AttributeDefinitions": [
            {"AttributeName": name, "AttributeType": kind} for name, kind in table.key_types.items()
        ],
        "BillingMode": "PAY_PER_REQUEST",
        **(
            {
                "GlobalSecondaryIndexes": [
                    {
                        "IndexName": index.name,
                        "KeySchema": [
                            {"AttributeName": index.hash_key, "KeyType": "HASH"},
                            {"AttributeName": index.range_key, "KeyType": "RANGE"},
                        ],
                        "Projection": {
                            "ProjectionType": "INCLUDE",
                            "NonKeyAttributes": list(index.projected),
                        },
                    }
                    for index in table.indexes
                ]
            }
            if table.indexes
            else {}
        ),
    }
    for table in tables.TABLES
]
ENTRY_OF_ROUTE = {action.name: action.function for action in ACTIONS.values()}


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
        elif method == "DELETE":
            self.open.discard(connection_id)
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


class StageHttp(AwsHttp):
    """An endpoint without botocore: @connections, and the heartbeat's read."""

    def __init__(self, service: str, stage: Stage) -> None:
        self.service = service
        self._stage = stage

    def request(
        self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] = NO_HEADERS
    ) -> Response:
        if self.service == "execute-api":
            connection_id = unquote(path.removeprefix("/@connections/"))
            return Response(self._stage.sockets.answer(method, connection_id, body), b"")
        assert (self.service, method, path) == ("dynamodb", "POST", "/")
        operation = headers["x-amz-target"].removeprefix("DynamoDB_20120810.")
        status, content = self._stage.tables.carry_out(operation, json.loads(body))
        if "Error" in content:
            content = {"__type": f"com.amazonaws.dynamodb#{content['Error']['Code']}"}
        return Response(status, json.dumps(content).encode())


class RecordingLambda:
    """Records asynchronous invocations by function name; carries out those that are waited for."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    def invoke(
        self, *, FunctionName: str, Payload: bytes, InvocationType: str = "RequestResponse"
    ) -> dict[str, Any]:
        event = json.loads(Payload)
        if InvocationType == "Event":
            self._stage.started_by(FunctionName).append(event)
            return {"StatusCode": 202}
        assert FunctionName == ENVIRONMENT["FAN_OUT_FUNCTION"]
        try:
            result = self._stage.entries["fan_out"](event, LambdaContext())
        except Exception as failure:
            error = {"errorType": type(failure).__name__, "errorMessage": str(failure)}
            return {
                "StatusCode": 200,
                "FunctionError": "Unhandled",
                "Payload": BytesIO(json.dumps(error).encode()),
            }
        # Lambda encodes what a handler returns with json.dumps.
        return {"StatusCode": 200, "Payload": BytesIO(json.dumps(result).encode())}


_BOTOCORE_CLIENTS: dict[tuple[object, ...], Any] = {}
"""Those of botocore, for all tests: to build one takes longer than most of them."""


class StageClients(Clients):
    """The stage's tables and sockets, moto's queues, and a Lambda that records."""

    def __init__(self, stage: Stage) -> None:
        super().__init__(read_environment(AwsEnvironment, ENVIRONMENT))
        self._made = _BOTOCORE_CLIENTS
        self._stage = stage
        self.recording_lambda: Any = RecordingLambda(stage)

    def lambda_(self) -> Any:
        return self.recording_lambda

    def lambda_at_most_once(self, timeout_seconds: float, *, connections: int = 10) -> Any:
        return self.recording_lambda

    def http(self, endpoint: str, service: str, *, timeout_seconds: float) -> AwsHttp:
        return StageHttp(service, self._stage)


class Entries(dict[str, Handler]):
    """The functions' handlers, each built at its first use, as its entry module builds it.

    Assigning a handler replaces it: `stage.entries["fan_out"] = replace(..., page_size=1)`.
    """

    def __init__(self, stage: Stage) -> None:
        super().__init__()
        self._stage = stage

    def __missing__(self, entry: str) -> Handler:
        self[entry] = self._stage.build(entry)
        return self[entry]


class Stage:
    """The deployed stage as its clients and AWS see it: connect, send, disconnect, follow up.

    Handlers take the real time, but never sleep; `clock` may be replaced before the first use.
    """

    def __init__(self, sockets: OpenSockets) -> None:
        self.sockets = sockets
        self.tables = CheckedDynamoDB()
        self.clients: Clients = StageClients(self)
        self.clock = Clock(sleep=lambda seconds: None)
        self.environment = dict(ENVIRONMENT)
        self.entries = Entries(self)
        self.fan_outs: list[dict[str, Any]] = []
        self.processor_starts: list[dict[str, Any]] = []
        self.dynamodb = client("dynamodb")
        self.sqs = client("sqs")
        self._numbers = itertools.count(1)
        self._roles: dict[str, dict[str, str]] = {}
        self.connected_at = self.clock.now_ms()
        self.source_ip = "203.0.113.7"

    def build(self, entry: str, **variables: str) -> Handler:
        """An entry's handler, with some variables of its environment changed."""
        record = FUNCTIONS[entry].environment
        environment = read_environment(record, self.environment | variables)
        return importlib.import_module(entry).build(environment, self.clients, self.clock)

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
        response = self.entries["connection"](
            self.event(connection_id, "CONNECT", "$connect"), LambdaContext()
        )
        if response["statusCode"] == 200:
            self.sockets.open.add(connection_id)
        return connection_id, response["statusCode"]

    def open_socket(self, connection_id: str, authorizer: dict[str, str]) -> None:
        """A socket that is open, whose row the test writes itself."""
        self._roles[connection_id] = authorizer
        self.sockets.open.add(connection_id)

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
        handle = self.entries[ENTRY_OF_ROUTE.get(route_key, "connection")]
        response = handle(self.event(connection_id, "MESSAGE", route_key, body), LambdaContext())
        assert response["statusCode"] == 200
        return json.loads(response["body"])

    def send_audio(
        self,
        connection_id: str,
        sequence: int,
        audio: bytes,
        *,
        arrived_at_ms: int | None = None,
        **fields: Any,
    ) -> None:
        """Send a chunk; what there is to say about it is posted.

        With `arrived_at_ms` it reached API Gateway then, and is handled now.
        """
        body = {
            "action": "sendAudio",
            "audioData": base64.b64encode(audio).decode(),
            "sequence": sequence,
            **fields,
        }
        event = self.event(connection_id, "MESSAGE", "sendAudio", json.dumps(body))
        if arrived_at_ms is not None:
            event["requestContext"]["requestTimeEpoch"] = arrived_at_ms
        response = self.entries["audio_ingest"](event, LambdaContext())
        assert response == {"statusCode": 200}

    def disconnect(self, connection_id: str) -> None:
        self.sockets.open.discard(connection_id)
        self.disconnect_event(connection_id)

    def disconnect_event(self, connection_id: str) -> None:
        self.entries["disconnect"](
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
            self.entries["fan_out"](self.fan_outs.pop(0), LambdaContext())
            done += 1
        return done

    def queued(self, queue: str) -> list[dict[str, Any]]:
        """Take what was sent to a queue, delayed or not, in any order."""
        return [json.loads(body) for body, _ in self.queued_with_delay(queue)]

    def queued_with_delay(self, queue: str) -> list[tuple[str, int]]:
        messages: list[Any] = queues().queues[queue]._messages
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
        self.entries["disconnect"]({"Records": [{"body": json.dumps(check)}]}, LambdaContext())

    def reconcile(self, *, remaining_ms: int = 180_000) -> None:
        """The rule fires, and the shards with sessions have their turns."""
        self.entries["reconcile"]({}, LambdaContext(remaining_ms))
        for turn in self.queued("reconcile-shards"):
            self.entries["reconcile"](
                {"Records": [{"body": json.dumps(turn)}]}, LambdaContext(remaining_ms)
            )

    # ---- rows

    def session(self, session_id: str) -> dict[str, Any]:
        return self._row("sessions", {"sessionId": session_id})

    def connection(self, connection_id: str) -> dict[str, Any]:
        return self._row("connections", {"connectionId": connection_id})

    def _row(self, table: str, key: dict[str, str]) -> dict[str, Any]:
        item = self.dynamodb.get_item(TableName=table, Key=typed(key)).get("Item")
        return plain(item) if item else {}

    def change(self, table: str, key: dict[str, str], **values: Any) -> None:
        self.replace(table, self._row(table, key) | values)

    def replace(self, table: str, row: dict[str, Any]) -> None:
        self.dynamodb.put_item(TableName=table, Item=typed(row))

    def fill(self, table: str, rows: Iterable[dict[str, Any]]) -> None:
        """Write the rows directly: ten thousand calls take several seconds."""
        self.tables.fill(table, map(typed, rows))


@pytest.fixture
def sockets() -> OpenSockets:
    return OpenSockets()


@pytest.fixture(scope="session")
def deployed() -> None:
    """moto's tables and queues, made once per process."""
    for table in TABLES:
        reply = carry_out("CreateTable", table)
        assert reply.status == 200, reply
    for queue in QUEUES:
        queues().create_queue(queue)


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch, sockets: OpenSockets, deployed: None) -> Stage:
    empty_moto()
    for queue in QUEUES:
        queues().queues[queue]._messages.clear()
    stage = Stage(sockets)
    intercept(monkeypatch, stage.tables.carry_out)
    return stage
