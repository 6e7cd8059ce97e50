"""The sessions table: one row per session, each change one conditional update."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import msgspec
from botocore.exceptions import ClientError

from live_sessions.attributes import plain, typed
from live_sessions.protocol import EndReason
from live_sessions.sessions import SESSION_RETENTION_SECONDS, Session, session_from_attributes

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

ACTIVE_SESSIONS_INDEX = "active-sessions-index"

_MEMBERSHIP_MOVES = (
    "membershipVersion = membershipVersion + :one, membershipChangedAt = :now, "
    "listenerCount = listenerCount {sign} :one, listenersByLanguage.#language = {count} {sign} :one"
)


class SessionIsGone(Exception):
    """There is no such session."""


class SessionHasEnded(Exception):
    """The session has ended or expired."""


class SessionIsFull(Exception):
    """Every listener's place is taken."""


class SessionTable:
    def __init__(self, client: "DynamoDBClient", table_name: str) -> None:
        self._client = client
        self._table = table_name

    def create(self, session: Session, *, speaker_user_id: str, quality_tier: str) -> bool:
        """Write a new session; False when its id is taken."""
        row = msgspec.to_builtins(session) | {
            "speakerUserId": speaker_user_id,
            "qualityTier": quality_tier,
            "ttl": session.expires_at + SESSION_RETENTION_SECONDS,
        }
        try:
            self._client.put_item(
                TableName=self._table,
                Item=typed(row),
                ConditionExpression="attribute_not_exists(sessionId)",
            )
        except self._client.exceptions.ConditionalCheckFailedException:
            return False
        return True

    def delete(self, session_id: str) -> None:
        """Take back a session that nobody can have joined."""
        self._client.delete_item(TableName=self._table, Key=typed({"sessionId": session_id}))

    def get(self, session_id: str) -> Session | None:
        """The session as last written (a consistent read)."""
        response = self._client.get_item(
            TableName=self._table, Key=typed({"sessionId": session_id}), ConsistentRead=True
        )
        item = response.get("Item")
        return session_from_attributes(plain(item)) if item else None

    def reserve_place(self, session_id: str, language: str, *, limit: int, at_ms: int) -> Session:
        """Count one listener more, if the session is live and has a place left.

        Returns the session after the change. Raises SessionIsGone, SessionHasEnded or
        SessionIsFull; then nothing has changed.
        """
        moves = _MEMBERSHIP_MOVES.format(
            sign="+", count="if_not_exists(listenersByLanguage.#language, :zero)"
        )
        try:
            response = self._client.update_item(
                TableName=self._table,
                Key=typed({"sessionId": session_id}),
                UpdateExpression=f"SET {moves}",
                ConditionExpression=(
                    "attribute_exists(sessionId) AND attribute_not_exists(endedAt) "
                    "AND expiresAt > :now_seconds AND listenerCount < :limit"
                ),
                ExpressionAttributeNames={"#language": language},
                ExpressionAttributeValues=typed(
                    {
                        ":one": 1,
                        ":zero": 0,
                        ":now": at_ms,
                        ":now_seconds": at_ms / 1000,
                        ":limit": limit,
                    }
                ),
                ReturnValues="ALL_NEW",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except self._client.exceptions.ConditionalCheckFailedException as refusal:
            current = _row_that_failed(refusal)
            if current is None:
                raise SessionIsGone from None
            raise (SessionIsFull if current.is_live(at_ms) else SessionHasEnded) from None
        return session_from_attributes(plain(response.get("Attributes", {})))

    def release_place(self, session_id: str, language: str, *, at_ms: int) -> Session | None:
        """Count one listener less; None when the session is gone, ended or counted none."""
        moves = _MEMBERSHIP_MOVES.format(sign="-", count="listenersByLanguage.#language")
        return self._update(
            session_id,
            f"SET {moves}",
            condition=(
                "attribute_not_exists(endedAt) AND listenerCount >= :one "
                "AND listenersByLanguage.#language >= :one"
            ),
            names={"#language": language},
            values={":one": 1, ":now": at_ms},
        )

    def end(
        self,
        session_id: str,
        reason: EndReason,
        *,
        at_ms: int,
        speaker_connection_id: str | None = None,
    ) -> Session | None:
        """End the session once: only the caller that gets it back has ended it.

        With `speaker_connection_id` only if that connection is still its speaker's. The counts
        go to zero with it; the row stays in the active index until `close`.
        """
        condition = "attribute_exists(sessionId) AND attribute_not_exists(endedAt)"
        values: dict[str, Any] = {
            ":now": at_ms,
            ":reason": reason.value,
            ":ttl": at_ms // 1000 + SESSION_RETENTION_SECONDS,
            ":false": False,
            ":one": 1,
            ":zero": 0,
            ":nobody": {},
        }
        if speaker_connection_id is not None:
            condition += " AND speakerConnectionId = :speaker"
            values[":speaker"] = speaker_connection_id
        return self._update(
            session_id,
            "SET endedAt = :now, endReason = :reason, #ttl = :ttl, "
            "broadcastState.isActive = :false, "
            "broadcastState.version = broadcastState.version + :one, "
            "broadcastState.lastStateChange = :now, "
            "listenerCount = :zero, listenersByLanguage = :nobody, "
            "membershipVersion = membershipVersion + :one, membershipChangedAt = :now",
            condition=condition,
            names={"#ttl": "ttl"},
            values=values,
        )

    def close(self, session_id: str) -> None:
        """Take an ended session, whose listeners have all been told, out of the active index."""
        self._update(session_id, "REMOVE activeShard", condition="attribute_exists(endedAt)")

    def mark_speaker_lost(self, session_id: str, speaker_connection_id: str, *, at_ms: int) -> bool:
        """Note when the speaker's socket was lost; False when it is not the speaker's any more."""
        marked = self._update(
            session_id,
            "SET speakerLostAt = :now",
            condition="speakerConnectionId = :speaker AND attribute_not_exists(endedAt)",
            values={":now": at_ms, ":speaker": speaker_connection_id},
        )
        return marked is not None

    def note_status_request(self, session_id: str, *, at_ms: int) -> None:
        """Reset the session's periodic timer."""
        self._update(
            session_id,
            "SET statusRequestedAt = :now",
            condition="attribute_exists(sessionId)",
            values={":now": at_ms},
            return_values="NONE",
        )

    def active_in_shard(self, shard: int) -> Iterator[Session]:
        """The shard's sessions that are active or not closed yet, from the index."""
        pages = self._client.get_paginator("query").paginate(
            TableName=self._table,
            IndexName=ACTIVE_SESSIONS_INDEX,
            KeyConditionExpression="activeShard = :shard",
            ExpressionAttributeValues=typed({":shard": shard}),
        )
        for page in pages:
            for item in page.get("Items", []):
                yield session_from_attributes(plain(item))

    def move_to_shard(self, session_id: str, shard: int) -> None:
        """Follow a changed number of shards."""
        self._update(
            session_id,
            "SET activeShard = :shard",
            condition="attribute_exists(activeShard)",
            values={":shard": shard},
        )

    def correct_counts(
        self, session: Session, listeners_by_language: Mapping[str, int], *, at_ms: int
    ) -> bool:
        """Write the counted truth, unless membership has moved since `session` was read."""
        corrected = self._update(
            session.session_id,
            "SET listenerCount = :count, listenersByLanguage = :languages, "
            "membershipVersion = membershipVersion + :one, membershipChangedAt = :now",
            condition="membershipVersion = :read AND attribute_not_exists(endedAt)",
            values={
                ":count": sum(listeners_by_language.values()),
                ":languages": dict(listeners_by_language),
                ":one": 1,
                ":now": at_ms,
                ":read": session.membership_version,
            },
        )
        return corrected is not None

    def _update(
        self,
        session_id: str,
        expression: str,
        *,
        condition: str,
        values: Mapping[str, Any] | None = None,
        names: Mapping[str, str] | None = None,
        return_values: str = "ALL_NEW",
    ) -> Session | None:
        request: dict[str, Any] = {
            "TableName": self._table,
            "Key": typed({"sessionId": session_id}),
            "UpdateExpression": expression,
            "ConditionExpression": condition,
            "ReturnValues": return_values,
        }
        if values:
            request["ExpressionAttributeValues"] = typed(values)
        if names:
            request["ExpressionAttributeNames"] = dict(names)
        try:
            response = self._client.update_item(**request)
        except self._client.exceptions.ConditionalCheckFailedException:
            return None
        attributes = response.get("Attributes")
        return session_from_attributes(plain(attributes)) if attributes else None


def _row_that_failed(refusal: ClientError) -> Session | None:
    item: Mapping[str, Any] | None = refusal.response.get("Item")  # pyright: ignore[reportAssignmentType]
    return session_from_attributes(plain(item)) if item else None
