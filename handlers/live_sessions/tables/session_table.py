"""The sessions table: one row per session, each change one conditional update.

botocore repeats a call whose answer was lost, though it was carried out. So whoever changes a row
leaves a mark by which the repeated call knows that it was itself.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from live_sessions.aws import clients
from live_sessions.aws.attributes import plain, typed
from live_sessions.aws.backoff import repeated
from live_sessions.aws.outages import was_not_carried_out
from live_sessions.protocol import EndReason
from live_sessions.sessions import (
    SESSION_RETENTION_SECONDS,
    Session,
    session_from_attributes,
)
from live_sessions.telemetry import logger

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import UpdateItemOutputTypeDef

ATTEMPTS = 3

ACTIVE_SESSIONS_INDEX = "active-sessions-index"


class SessionTable:
    def __init__(self, client: "DynamoDBClient", table_name: str) -> None:
        self._client = client
        self._table = table_name

    def create(self, session: Session) -> bool:
        """Write a new session; False when its id is taken."""
        row = msgspec.to_builtins(session) | {
            "ttl": session.expires_at + SESSION_RETENTION_SECONDS,
        }
        try:
            self._client.put_item(
                TableName=self._table,
                Item=typed(row),
                # A write whose answer was lost is repeated by botocore, and finds its own row.
                ConditionExpression=(
                    "attribute_not_exists(sessionId) "
                    "OR (createdAt = :created AND speakerConnectionId = :speaker)"
                ),
                ExpressionAttributeValues=typed(
                    {
                        ":created": session.created_at,
                        ":speaker": session.speaker_connection_id,
                    }
                ),
            )
        except self._client.exceptions.ConditionalCheckFailedException:
            return False
        return True

    def delete(self, session_id: str) -> None:
        """Take back a session whose id nobody has been told yet."""
        self._client.delete_item(TableName=self._table, Key=typed({"sessionId": session_id}))

    def get(self, session_id: str) -> Session | None:
        """The session as last written (a consistent read)."""
        response = self._client.get_item(
            TableName=self._table, Key=typed({"sessionId": session_id}), ConsistentRead=True
        )
        item = response.get("Item")
        return session_from_attributes(plain(item)) if item else None

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
        outcome = self.attempt(
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
        session = outcome.session
        ended_by_this_call = session is not None and (
            outcome.done or (session.ended_at, session.end_reason) == (at_ms, reason)
        )
        return session if ended_by_this_call else None

    def close(self, session_id: str) -> None:
        """Take an ended session, whose listeners have all been told, out of the active index."""
        self.attempt(session_id, "REMOVE activeShard", condition="attribute_exists(endedAt)")

    def mark_speaker_lost(self, session_id: str, speaker_connection_id: str, *, at_ms: int) -> bool:
        """Note when the speaker's socket was lost; False when it is not the speaker's any more."""
        return self.attempt(
            session_id,
            "SET speakerLostAt = :now",
            condition="speakerConnectionId = :speaker AND attribute_not_exists(endedAt)",
            values={":now": at_ms, ":speaker": speaker_connection_id},
        ).done

    def mark_speaker_present(self, session_id: str, speaker_connection_id: str) -> None:
        """Take back that the speaker's socket was lost."""
        self.attempt(
            session_id,
            "REMOVE speakerLostAt",
            condition="speakerConnectionId = :speaker AND attribute_not_exists(endedAt)",
            values={":speaker": speaker_connection_id},
        )

    def take_over(
        self, session: Session, *, user_id: str, connection_id: str, at_ms: int
    ) -> "Attempt":
        """Give the speaker's place, from the connection that `session` names, to the same user's
        `connection_id`, if the session is live.
        """
        outcome = self.attempt(
            session.session_id,
            "SET speakerConnectionId = :new, "
            "streamEpoch = if_not_exists(streamEpoch, :zero) + :one REMOVE speakerLostAt",
            condition=(
                "attribute_exists(sessionId) AND attribute_not_exists(endedAt) "
                "AND expiresAt > :now_seconds AND speakerUserId = :user "
                "AND speakerConnectionId = :old"
            ),
            values={
                ":new": connection_id,
                ":old": session.speaker_connection_id,
                ":user": user_id,
                ":now_seconds": at_ms / 1000,
                ":one": 1,
                ":zero": 0,
            },
        )
        after = outcome.session
        taken = after is not None and after.speaker_connection_id == connection_id
        return Attempt(done=outcome.done or taken, session=after)

    def note_status_request(self, session_id: str, *, at_ms: int) -> None:
        """Reset the session's periodic timer.

        Asks for nothing back: the status function's role may touch these attributes alone.
        """
        try:
            self._client.update_item(
                TableName=self._table,
                Key=typed({"sessionId": session_id}),
                UpdateExpression="SET statusRequestedAt = :now",
                ConditionExpression="attribute_exists(sessionId)",
                ExpressionAttributeValues=typed({":now": at_ms}),
            )
        except self._client.exceptions.ConditionalCheckFailedException:
            return

    def active_in_shard(self, shard: int) -> Iterator[Session]:
        """The shard's sessions that are active or not closed yet, from the index.

        A row that cannot be read is logged and left out: it must not cost the others anything.
        """
        pages = self._client.get_paginator("query").paginate(
            TableName=self._table,
            IndexName=ACTIVE_SESSIONS_INDEX,
            KeyConditionExpression="activeShard = :shard",
            ExpressionAttributeValues=typed({":shard": shard}),
        )
        for page in pages:
            for item in page.get("Items", []):
                try:
                    yield session_from_attributes(plain(item))
                except msgspec.ValidationError as problem:
                    logger.error(
                        "A session's row cannot be read",
                        extra={"session": item["sessionId"], "problem": str(problem)},
                    )

    def move_to_shard(self, session_id: str, shard: int) -> None:
        """Follow a changed number of shards."""
        self.attempt(
            session_id,
            "SET activeShard = :shard",
            condition="attribute_exists(activeShard)",
            values={":shard": shard},
        )

    def attempt(
        self,
        session_id: str,
        expression: str,
        *,
        condition: str,
        values: Mapping[str, Any] | None = None,
        names: Mapping[str, str] | None = None,
        at_most_once: bool = False,
    ) -> "Attempt":
        """One conditional update, with the row after it, or the row that did not meet it.

        `values` are plain, `names` for attributes whose names are data or reserved words. With
        `at_most_once` it is not repeated after an answer was lost.
        """
        request: dict[str, Any] = {
            "TableName": self._table,
            "Key": typed({"sessionId": session_id}),
            "UpdateExpression": expression,
            "ConditionExpression": condition,
            "ReturnValues": "ALL_NEW",
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
        if values:
            request["ExpressionAttributeValues"] = typed(values)
        if names:
            request["ExpressionAttributeNames"] = dict(names)
        update = self._update_at_most_once if at_most_once else self._client.update_item
        try:
            item = update(**request).get("Attributes")
        except self._client.exceptions.ConditionalCheckFailedException as refusal:
            return Attempt(done=False, session=_session_in(refusal.response.get("Item")))
        return Attempt(done=True, session=_session_in(item))

    def _update_at_most_once(self, **request: Any) -> "UpdateItemOutputTypeDef":
        """What never arrived, or was refused for its rate, is sent again; nothing else is."""
        client = clients.dynamodb_at_most_once()
        return repeated(
            lambda: client.update_item(**request),
            attempts=ATTEMPTS,
            is_passing=was_not_carried_out,
        )


@dataclass(frozen=True)
class Attempt:
    """Whether an update met its condition, and the row: after it, or as it stands; None if gone."""

    done: bool
    session: Session | None


def _session_in(item: Any) -> Session | None:
    return session_from_attributes(plain(item)) if item else None
