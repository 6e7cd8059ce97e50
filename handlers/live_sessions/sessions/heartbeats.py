"""Heartbeats: the socket's row exists, it was heard from, and how soon it has to be refreshed.

They are by far the most frequent messages, so they do without botocore.
"""

from dataclasses import dataclass
from typing import Any, NoReturn, Self

import msgspec

from live_sessions.aws.clients import Clients
from live_sessions.aws.http import AwsHttp, CallFailed, NoAnswer, Response
from live_sessions.aws.retries import is_outage, repeated
from live_sessions.aws.runtime import Clock, hashed, logger
from live_sessions.sessions.hearing import is_renewal_due, minute_of
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
"""With pauses, one write and one post, they fit into ten seconds, the function's time limit."""

CONTENT_TYPE = "application/x-amz-json-1.0"
CONDITION_FAILED = "ConditionalCheckFailedException"


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
        if not self.presence.heard(caller.connection_id, at_ms=request.at_ms):
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


class _Row(msgspec.Struct, rename="camel"):
    ttl: _Number
    last_heard_at: _Number | None = None

    def is_renewal_due(self, at_ms: int) -> bool:
        last_heard_at = None if self.last_heard_at is None else int(self.last_heard_at.value)
        return is_renewal_due(last_heard_at, at_ms)


class _Answer(msgspec.Struct):
    """https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_GetItem.html"""

    row: _Row | None = msgspec.field(default=None, name="Item")


class _Error(msgspec.Struct):
    kind: str = msgspec.field(default="", name="__type")


class ConnectionPresence:
    """The row of a connection that is heard from: one read and one write, without botocore."""

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

    def heard(self, connection_id: str, *, at_ms: int) -> bool:
        """Whether a consistent read finds a row that has not outlived its socket.

        The row's `lastHeardAt` is set, unless that was done in the same minute. If only this
        fails, the next heartbeat does it. Raises NoAnswer or CallFailed if the read fails.
        """
        row = repeated(
            lambda: self._read(connection_id),
            attempts=ATTEMPTS,
            is_transient=is_outage,
            clock=self._clock,
        )
        if row is None or int(row.ttl.value) <= at_ms / 1000:
            return False
        if row.is_renewal_due(at_ms):
            self._renew(connection_id, at_ms)
        return True

    def _read(self, connection_id: str) -> _Row | None:
        body = self._call(
            "GetItem",
            {
                "TableName": self._table_name,
                "Key": {"connectionId": {"S": connection_id}},
                "ConsistentRead": True,
                "ProjectionExpression": "#ttl, lastHeardAt",
                "ExpressionAttributeNames": {"#ttl": "ttl"},
            },
        )
        return msgspec.json.decode(body, type=_Answer).row

    def _renew(self, connection_id: str, at_ms: int) -> None:
        """Set `lastHeardAt` once in a minute; a row that is gone stays gone."""
        request = {
            "TableName": self._table_name,
            "Key": {"connectionId": {"S": connection_id}},
            "UpdateExpression": "SET lastHeardAt = :now",
            "ConditionExpression": (
                "attribute_exists(connectionId) "
                "AND (attribute_not_exists(lastHeardAt) OR lastHeardAt < :minute)"
            ),
            "ExpressionAttributeValues": {
                ":now": {"N": str(at_ms)},
                ":minute": {"N": str(minute_of(at_ms))},
            },
        }
        try:
            self._call("UpdateItem", request)
        except (NoAnswer, CallFailed) as failure:
            if not isinstance(failure, CallFailed) or failure.code != CONDITION_FAILED:
                logger.warning(
                    "A row was not renewed",
                    extra={"connection": hashed(connection_id), "reason": str(failure)},
                )

    def _call(self, operation: str, request: dict[str, Any]) -> bytes:
        headers = {"content-type": CONTENT_TYPE, "x-amz-target": f"DynamoDB_20120810.{operation}"}
        response = self._dynamodb.request("POST", "/", msgspec.json.encode(request), headers)
        if response.status != 200:
            _raise_failure(response)
        return response.body


def _raise_failure(response: Response) -> NoReturn:
    try:
        kind = msgspec.json.decode(response.body, type=_Error).kind
    except msgspec.DecodeError:
        kind = ""
    raise CallFailed(response.status, kind.rpartition("#")[2])
