"""Heartbeats: the socket's row exists, and how soon the socket has to be refreshed.

They are by far the most frequent messages, so they do without botocore.
"""

from dataclasses import dataclass
from typing import Any, NoReturn, Self

import msgspec

from live_sessions.aws.clients import Clients
from live_sessions.aws.http import AwsHttp, CallFailed, Response
from live_sessions.aws.retries import is_outage, repeated
from live_sessions.aws.runtime import Clock
from live_sessions.wire.frames import (
    ConnectionRefreshRequired,
    ConnectionWarning,
    Frame,
    HeartbeatAck,
)
from live_sessions.wire.refusals import connection_unknown
from live_sessions.wire.requests import Request
from live_sessions.wire.sockets import Sockets

LIFETIME_MINUTES = 120
"""https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html"""

REFRESH_FROM_MINUTES = 100
WARN_FROM_MINUTES = 105

TIMEOUT_SECONDS = 1
ATTEMPTS = 3
"""With pauses and one post, they fit into ten seconds, the function's time limit."""

HEADERS = {
    "content-type": "application/x-amz-json-1.0",
    "x-amz-target": "DynamoDB_20120810.GetItem",
}


@dataclass(frozen=True, kw_only=True)
class Heartbeats:
    """Answers heartbeats."""

    presence: "ConnectionPresence"
    sockets: Sockets
    clock: Clock

    def heartbeat(self, request: Request[Any]) -> Frame:
        """Acknowledge; raises ProtocolError with CONNECTION_NOT_FOUND if the row is missing.

        The listener then knows that it must join again.
        """
        caller = request.caller
        if not self.presence.is_known(caller.connection_id, at_ms=request.at_ms):
            raise connection_unknown()
        advice = self.advice_for(caller.connected_at, request.at_ms)
        if advice is not None:
            # If the post fails, the next heartbeat sends it again.
            self.sockets.post(caller.connection_id, advice)
        return HeartbeatAck(timestamp=self.clock.now_ms(), request_id=request.request_id)

    def advice_for(self, connected_at: int, at_ms: int) -> Frame | None:
        """The frame for a socket of that age, if it needs one; both in epoch milliseconds."""
        age_minutes = (at_ms - connected_at) / 60_000
        timestamp = self.clock.now_ms()
        if age_minutes >= WARN_FROM_MINUTES:
            remaining_minutes = round(max(0.0, LIFETIME_MINUTES - age_minutes), 1)
            return ConnectionWarning(timestamp=timestamp, remaining_minutes=remaining_minutes)
        if age_minutes >= REFRESH_FROM_MINUTES:
            return ConnectionRefreshRequired(timestamp=timestamp)
        return None


class _Number(msgspec.Struct):
    value: str = msgspec.field(name="N")


class _Row(msgspec.Struct):
    ttl: _Number


class _Answer(msgspec.Struct):
    """https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_GetItem.html"""

    row: _Row | None = msgspec.field(default=None, name="Item")


class _Error(msgspec.Struct):
    kind: str = msgspec.field(default="", name="__type")


class ConnectionPresence:
    """Whether a connection has a row, by one read without botocore."""

    def __init__(self, dynamodb: AwsHttp, table_name: str, clock: Clock) -> None:
        self._dynamodb = dynamodb
        self._table_name = table_name
        self._clock = clock

    @classmethod
    def of(cls, clients: Clients, table_name: str, clock: Clock) -> Self:
        """The rows of a table."""
        endpoint = clients.aws.dynamodb_endpoint
        http = clients.http(endpoint, "dynamodb", timeout_seconds=TIMEOUT_SECONDS)
        return cls(http, table_name, clock)

    def is_known(self, connection_id: str, *, at_ms: int) -> bool:
        """Whether a consistent read finds a row that has not outlived its socket.

        Raises NoAnswer or CallFailed if DynamoDB fails at every attempt.
        """
        return repeated(
            lambda: self._read(connection_id, at_ms),
            attempts=ATTEMPTS,
            is_transient=is_outage,
            clock=self._clock,
        )

    def _read(self, connection_id: str, at_ms: int) -> bool:
        request = {
            "TableName": self._table_name,
            "Key": {"connectionId": {"S": connection_id}},
            "ConsistentRead": True,
            "ProjectionExpression": "#ttl",
            "ExpressionAttributeNames": {"#ttl": "ttl"},
        }
        response = self._dynamodb.request("POST", "/", msgspec.json.encode(request), HEADERS)
        if response.status != 200:
            _raise_failure(response)
        row = msgspec.json.decode(response.body, type=_Answer).row
        return row is not None and int(row.ttl.value) > at_ms / 1000


def _raise_failure(response: Response) -> NoReturn:
    try:
        kind = msgspec.json.decode(response.body, type=_Error).kind
    except msgspec.DecodeError:
        kind = ""
    raise CallFailed(response.status, kind.rpartition("#")[2])
