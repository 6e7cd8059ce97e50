"""Connections: their fields in events, the frames queued for the client, and @connections."""

import asyncio
import base64
import json
import os
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from limits import IDLE_SECONDS, LIFETIME_SECONDS, MAX_MESSAGE_BYTES
from ministack.services import apigateway

Json = dict[str, Any]
Response = tuple[int, dict[str, str], bytes]

# Messages of one client whose functions run at once, and those that wait for them. On AWS all of
# them run; here one client's would keep those of all others waiting. A client that sends still more
# is not read from until some have been answered.
MAX_RUNNING_MESSAGES = 32
MAX_WAITING_MESSAGES = 1_000
MAX_WAITING_FRAMES = 100  # for a slow client, before @connections answers 429
# https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-api-overview.html
CLOSE_REASONS = {
    1000: "Connection Closed Normally",
    1001: "Going away",
    1003: "Unsupported data",
    1005: "Client-side close frame status not set",
    1006: "Connection Closed Abnormally",
    1009: "Message too big",
}


def new_id() -> str:
    """Return an id in API Gateway's form: `L0SM9cOFvHcCIhw=`."""
    return base64.urlsafe_b64encode(os.urandom(11)).decode()


@dataclass(eq=False, kw_only=True)
class Connection:
    """One client's connection; times are epoch seconds."""

    api_id: str
    stage: str
    account_id: str
    region: str
    identity: dict[str, str]
    authorizer: Json | None = None
    connection_id: str = field(default_factory=new_id)
    connected_at: float = field(default_factory=time.time)
    last_active_at: float = field(default_factory=time.time)
    running: asyncio.Semaphore = field(
        default_factory=lambda: asyncio.Semaphore(MAX_RUNNING_MESSAGES)
    )
    waiting: asyncio.Semaphore = field(
        default_factory=lambda: asyncio.Semaphore(MAX_WAITING_MESSAGES)
    )
    outbox: asyncio.Queue[Json] = field(default_factory=asyncio.Queue)  # ASGI events
    closed: asyncio.Future[tuple[int, str]] = field(default_factory=asyncio.Future)

    @property
    def domain_name(self) -> str:
        """The API's host on AWS."""
        return f"{self.api_id}.execute-api.{self.region}.amazonaws.com"

    def context(
        self, route_key: str, event_type: str, *, at: float | None = None, **more: Any
    ) -> Json:
        """Return the `requestContext` of an event that arrived `at`, or now; `more` adds fields."""
        now, request_id = time.time() if at is None else at, new_id()
        return {
            "routeKey": route_key,
            "eventType": event_type,
            "requestId": request_id,
            "extendedRequestId": request_id,
            "requestTime": datetime.fromtimestamp(now, UTC).strftime("%d/%b/%Y:%H:%M:%S +0000"),
            "requestTimeEpoch": int(now * 1000),
            "messageDirection": "IN",
            "connectedAt": int(self.connected_at * 1000),
            "connectionId": self.connection_id,
            "identity": self.identity,
            "domainName": self.domain_name,
            "apiId": self.api_id,
            "stage": self.stage,
            **({"authorizer": self.authorizer} if self.authorizer is not None else {}),
            **more,
        }

    def remaining_seconds(self) -> float:
        """Return the time until the idle limit or the end of its lifetime, whichever is first."""
        idle_ends_at = self.last_active_at + IDLE_SECONDS
        life_ends_at = self.connected_at + LIFETIME_SECONDS
        return min(idle_ends_at, life_ends_at) - time.time()

    def post(self, text: str) -> bool:
        """Queue a frame for the client; return False if too many are queued already."""
        if self.outbox.qsize() >= MAX_WAITING_FRAMES:
            return False
        self.last_active_at = time.time()
        self.outbox.put_nowait({"type": "websocket.send", "text": text})
        return True

    def post_error(self, message: str, request_id: str) -> None:
        """Queue an error frame in API Gateway's own form."""
        frame = {"message": message, "connectionId": self.connection_id, "requestId": request_id}
        self.post(json.dumps(frame))

    def open(self) -> None:
        """Make the connection available to @connections."""
        _open_connections[self.connection_id] = self

    def close(self, code: int, reason: str = "") -> None:
        """Remove the connection from @connections; the close frame follows the queued frames."""
        if not self.closed.done():
            reason = reason or CLOSE_REASONS.get(code, "")
            self.closed.set_result((code, reason))
            self.outbox.put_nowait({"type": "websocket.close", "code": code, "reason": reason})
            _open_connections.pop(self.connection_id, None)


_open_connections: dict[str, Connection] = {}


def open_connection(api_id: str, stage: str, connection_id: str) -> Connection | None:
    """Return the stage's connection with that id; None if it is not open."""
    connection = _open_connections.get(connection_id)
    if connection is None or (connection.api_id, connection.stage) != (api_id, stage):
        return None
    return connection


async def handle_connections_api(
    method: str, api_id: str, stage: str, connection_id: str, body: bytes, headers: dict[str, str]
) -> Response:
    """Answer one @connections request, which MiniStack has authorised already."""
    connection = open_connection(api_id, stage, connection_id)
    if connection is None:
        return _error(410, "GoneException")
    if method == "GET":
        return _json(
            200,
            {
                "connectedAt": _iso8601(connection.connected_at),
                "lastActiveAt": _iso8601(connection.last_active_at),
                "identity": connection.identity,
            },
        )
    if method == "DELETE":
        connection.close(1000)
        return 204, {}, b""
    if method != "POST":
        return _error(403, "ForbiddenException")
    if len(body) > MAX_MESSAGE_BYTES:
        return _error(413, "PayloadTooLargeException")
    if not connection.post(apigateway._post_to_connection_text(body)):
        return _error(429, "LimitExceededException")
    return 200, {}, b""


def _json(status: int, content: Json, **headers: str) -> Response:
    return status, {"Content-Type": "application/json", **headers}, json.dumps(content).encode()


def _error(status: int, code: str) -> Response:
    status, headers, body = _json(status, {"message": code})
    return status, {**headers, "x-amzn-ErrorType": code}, body


def _iso8601(epoch_seconds: float) -> str:
    at = datetime.fromtimestamp(epoch_seconds, UTC).isoformat(timespec="milliseconds")
    return at.replace("+00:00", "Z")
