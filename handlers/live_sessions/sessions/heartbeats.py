"""Whether a connection's row is there, read without boto3: all that a heartbeat asks."""

from typing import NoReturn

import msgspec

from live_sessions import environment
from live_sessions.aws.backoff import repeated
from live_sessions.aws.http import AwsHttp, CallFailed, Response
from live_sessions.aws.outages import is_outage
from live_sessions.environment import AwsEnvironment

TIMEOUT_SECONDS = 1
ATTEMPTS = 3
"""With their pauses and one post they stay below ten seconds, the function's time limit."""

HEADERS = {
    "content-type": "application/x-amz-json-1.0",
    "x-amz-target": "DynamoDB_20120810.GetItem",
}


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
    def __init__(self, dynamodb: AwsHttp, table_name: str) -> None:
        self._dynamodb = dynamodb
        self._table_name = table_name

    @classmethod
    def in_table(cls, table_name: str) -> "ConnectionPresence":
        aws = environment.read(AwsEnvironment)
        return cls(
            AwsHttp(aws.dynamodb_endpoint, "dynamodb", aws, timeout_seconds=TIMEOUT_SECONDS),
            table_name,
        )

    def is_known(self, connection_id: str, *, at_ms: int) -> bool:
        """True for a row, as last written, that has not outlived its socket.

        Raises NoAnswer or CallFailed when DynamoDB does not say, after its attempts.
        """
        return repeated(
            lambda: self._ask(connection_id, at_ms), attempts=ATTEMPTS, is_passing=is_outage
        )

    def _ask(self, connection_id: str, at_ms: int) -> bool:
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
