"""The connections table: a row per open socket; a listener's row is its membership."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from live_sessions.attributes import plain, typed
from live_sessions.protocol import Role

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

LISTENERS_INDEX = "sessionId-targetLanguage-index"

CONNECTION_LIFETIME_SECONDS = 2 * 3600
"""https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html"""

ROW_LIFETIME_SECONDS = CONNECTION_LIFETIME_SECONDS + 600
"""The socket's longest life and a margin for clocks and for a late `$disconnect`."""


class Connection(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A socket's row. `connected_at` is epoch milliseconds, `ttl` epoch seconds.

    `membership_id` is made by whoever makes the socket a member, so that a write whose answer was
    lost, and which botocore repeats, finds its own row and not somebody else's.
    """

    connection_id: str
    role: Role
    connected_at: int
    ttl: int
    user_id: str | None = None
    session_id: str | None = None
    target_language: str | None = None
    membership_id: str | None = None


class Listener(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What the listeners index projects. `ttl` is epoch seconds."""

    connection_id: str
    session_id: str
    target_language: str
    ttl: int


def new_connection(
    connection_id: str, role: Role, connected_at: int, user_id: str | None
) -> Connection:
    return Connection(
        connection_id=connection_id,
        role=role,
        connected_at=connected_at,
        ttl=connected_at // 1000 + ROW_LIFETIME_SECONDS,
        user_id=user_id,
    )


class ConnectionTable:
    def __init__(self, client: "DynamoDBClient", table_name: str) -> None:
        self._client = client
        self._table = table_name

    def add(self, connection: Connection) -> bool:
        """Write a row for a socket that has none; False when it has another one."""
        request: dict[str, Any] = {
            "TableName": self._table,
            "Item": typed(msgspec.to_builtins(connection)),
            "ConditionExpression": "attribute_not_exists(connectionId)",
        }
        if connection.membership_id is not None:
            request["ConditionExpression"] += " OR membershipId = :mine"
            request["ExpressionAttributeValues"] = typed({":mine": connection.membership_id})
        try:
            self._client.put_item(**request)
        except self._client.exceptions.ConditionalCheckFailedException:
            return False
        return True

    def get(self, connection_id: str, *, at_ms: int) -> Connection | None:
        """The row as last written; None when there is none or it has outlived its socket."""
        response = self._client.get_item(
            TableName=self._table, Key=typed({"connectionId": connection_id}), ConsistentRead=True
        )
        item = response.get("Item")
        if not item:
            return None
        connection = msgspec.convert(plain(item), Connection)
        return connection if connection.ttl > at_ms / 1000 else None

    def enter_session(self, member: Connection) -> bool:
        """Make a socket that has a row a member; False when its row is gone or is one already."""
        assignments = "SET sessionId = :session, membershipId = :mine"
        if member.target_language is not None:
            assignments += ", targetLanguage = :language"
        return self._changed(
            member.connection_id,
            assignments,
            "attribute_exists(connectionId) "
            "AND (attribute_not_exists(sessionId) OR membershipId = :mine)",
            {
                ":session": member.session_id,
                ":mine": member.membership_id,
                ":language": member.target_language,
            },
        )

    def release_speaker(self, connection_id: str, session_id: str) -> bool:
        """Take the speaker out of its session; True for the one call that did."""
        return self._changed(
            connection_id,
            "REMOVE sessionId, membershipId",
            "sessionId = :session",
            {":session": session_id},
        )

    def remove(
        self,
        connection_id: str,
        *,
        session_id: str | None = None,
        membership_id: str | None = None,
    ) -> Connection | None:
        """Delete the row and return it: only the caller that gets it has removed it.

        With `session_id` only if the socket is a member of that session, with `membership_id`
        only if it is by that join.
        """
        request: dict[str, Any] = {
            "TableName": self._table,
            "Key": typed({"connectionId": connection_id}),
            "ReturnValues": "ALL_OLD",
        }
        if membership_id is not None:
            request["ConditionExpression"] = "membershipId = :mine"
            request["ExpressionAttributeValues"] = typed({":mine": membership_id})
        elif session_id is not None:
            request["ConditionExpression"] = "sessionId = :session"
            request["ExpressionAttributeValues"] = typed({":session": session_id})
        try:
            response = self._client.delete_item(**request)
        except self._client.exceptions.ConditionalCheckFailedException:
            return None
        removed = response.get("Attributes")
        return msgspec.convert(plain(removed), Connection) if removed else None

    def listener_pages(self, session_id: str, *, page_size: int) -> Iterator[list[Listener]]:
        """The session's listeners from the index, which may lag behind the table."""
        pages = self._client.get_paginator("query").paginate(
            TableName=self._table,
            IndexName=LISTENERS_INDEX,
            KeyConditionExpression="sessionId = :session",
            ExpressionAttributeValues=typed({":session": session_id}),
            PaginationConfig={"PageSize": page_size},
        )
        for page in pages:
            yield [msgspec.convert(plain(item), Listener) for item in page.get("Items", [])]

    def _changed(
        self, connection_id: str, expression: str, condition: str, values: Mapping[str, str | None]
    ) -> bool:
        try:
            self._client.update_item(
                TableName=self._table,
                Key=typed({"connectionId": connection_id}),
                UpdateExpression=expression,
                ConditionExpression=condition,
                ExpressionAttributeValues=typed(values),
            )
        except self._client.exceptions.ConditionalCheckFailedException:
            return False
        return True
