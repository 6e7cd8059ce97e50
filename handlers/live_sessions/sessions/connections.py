"""The connections table: a row for each open socket; a listener's row is its membership."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, Self, TypeVar

import msgspec
from botocore.exceptions import BotoCoreError, ClientError

from contract.actions import Role
from contract.tables import LISTENERS_INDEX
from live_sessions.aws.clients import ATTEMPTS, Clients
from live_sessions.aws.dynamodb import plain, typed
from live_sessions.aws.runtime import Clock, hashed, logger
from live_sessions.sessions.hearing import is_renewal_due, minute_of

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import DeleteTypeDef, UpdateTypeDef

Result = TypeVar("Result")

CONNECTION_LIFETIME_SECONDS = 2 * 3600
"""https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html"""

ROW_LIFETIME_SECONDS = CONNECTION_LIFETIME_SECONDS + 600
"""The socket's longest lifetime, plus a margin for clock skew and a late `$disconnect`."""

BATCH_LIMIT = 100
"""https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html"""

CONFLICT_ATTEMPTS = 3
CONFLICT_WAIT_SECONDS = 0.05


NOTICE_CLAIM_SECONDS = 90
"""Longer than any function that sends sessionEnded runs."""


class NoticeClaim(Enum):
    """Who sends sessionEnded to a member; TAKEN: another call has claimed that just now."""

    MINE = "mine"
    TAKEN = "taken"
    NOT_A_MEMBER = "not a member"


class Connection(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A socket's row. `connected_at` is epoch milliseconds, `ttl` epoch seconds.

    `membership_id` identifies the write that made the socket a member: if botocore repeats a write
    whose response was lost, the repeat recognises its own row. `language_change_id` does the same
    for a change of language. `last_heard_at` (epoch milliseconds) is there from the socket's first
    heartbeat on; rows of earlier releases never have it. `end_notice_at` (epoch milliseconds) is
    when the sending of sessionEnded was claimed. `moved_session_id` is the session that a
    refresh moved to another socket, for the speaker's audio that is handled after it.
    """

    connection_id: str
    role: Role
    connected_at: int
    ttl: int
    user_id: str | None = None
    session_id: str | None = None
    target_language: str | None = None
    membership_id: str | None = None
    language_change_id: str | None = None
    last_heard_at: int | None = None
    end_notice_at: int | None = None
    moved_session_id: str | None = None


@dataclass(frozen=True)
class Written:
    """Whether a conditional write was done.

    `was_repeated` if botocore tried more than once: an earlier attempt may have been carried out.
    """

    done: bool
    was_repeated: bool = False

    @property
    def was_refused(self) -> bool:
        """Not done, and no earlier attempt of it was either."""
        return not self.done and not self.was_repeated


@dataclass(frozen=True)
class Removal:
    """The row that this call deleted, if any.

    `is_doubtful` if an earlier attempt of the same call, whose response was lost, may have done it.
    """

    row: Connection | None
    is_doubtful: bool = False


class Listener(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A listener as the listeners index projects it. `ttl` is epoch seconds."""

    connection_id: str
    session_id: str
    target_language: str
    ttl: int


class Presence(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Of a member's row, when its socket connected and was last heard from (epoch milliseconds)."""

    connection_id: str
    session_id: str | None = None
    connected_at: int
    last_heard_at: int | None = None


def new_connection(
    connection_id: str, role: Role, connected_at: int, user_id: str | None
) -> Connection:
    """The row of a socket that is a member of no session."""
    return Connection(
        connection_id=connection_id,
        role=role,
        connected_at=connected_at,
        ttl=connected_at // 1000 + ROW_LIFETIME_SECONDS,
        user_id=user_id,
    )


class ConnectionTable:
    """Reads and conditional writes of connection rows; its methods raise botocore's errors."""

    def __init__(self, client: "DynamoDBClient", table_name: str, clock: Clock) -> None:
        self._client = client
        self._table = table_name
        self._clock = clock

    @classmethod
    def of(
        cls,
        clients: Clients,
        table_name: str,
        clock: Clock,
        *,
        attempts: int = ATTEMPTS,
        connections: int = 10,
    ) -> Self:
        """The table, with `attempts` per call and a pool of `connections` connections."""
        return cls(clients.dynamodb(attempts=attempts, connections=connections), table_name, clock)

    def add(self, connection: Connection) -> Written:
        """Write the row of a socket; not done if it has another one."""
        request: dict[str, Any] = {
            "TableName": self._table,
            "Item": typed(msgspec.to_builtins(connection)),
            "ConditionExpression": "attribute_not_exists(connectionId)",
        }
        if connection.membership_id is not None:
            request["ConditionExpression"] += " OR membershipId = :mine"
            request["ExpressionAttributeValues"] = typed({":mine": connection.membership_id})
        return self._written(lambda: self._client.put_item(**request))

    def get(self, connection_id: str, *, at_ms: int) -> Connection | None:
        """The row by a consistent read; None if there is none or it has outlived its socket."""
        response = self._client.get_item(
            TableName=self._table, Key=typed({"connectionId": connection_id}), ConsistentRead=True
        )
        item = response.get("Item")
        if not item:
            return None
        connection = msgspec.convert(plain(item), Connection)
        return connection if connection.ttl > at_ms / 1000 else None

    def sender(self, connection_id: str, *, at_ms: int) -> Connection | None:
        """The same for the sender of a message, whose `lastHeardAt` is renewed, if it has one."""
        row = self.get(connection_id, at_ms=at_ms)
        if row is None or row.last_heard_at is None:
            return row
        if is_renewal_due(row.last_heard_at, at_ms):
            self.renew(connection_id, at_ms=at_ms)
        return row

    def renew(self, connection_id: str, *, at_ms: int) -> None:
        """Renew `lastHeardAt` of a socket that has sent heartbeats, once in a minute.

        If this fails, a later message does it, so a failure is only logged.
        """
        try:
            self._changed(
                connection_id,
                "SET lastHeardAt = :now",
                "attribute_exists(connectionId) AND lastHeardAt < :minute",
                {":now": at_ms, ":minute": minute_of(at_ms)},
            )
        except (ClientError, BotoCoreError):
            logger.exception("A row was not renewed", extra={"connection": hashed(connection_id)})

    def session_of(self, connection_id: str, *, at_ms: int) -> str | None:
        """The id of the session that the socket is a member of, if any."""
        row = self.get(connection_id, at_ms=at_ms)
        return None if row is None else row.session_id

    def enter_session(self, member: Connection) -> Written:
        """Make a socket with a row a member; not done if it has no row or is a member already."""
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

    def change_language(self, member: Connection, language: str, *, change_id: str) -> Written:
        """Change a listener's language; not done if its row is missing or has changed meanwhile."""
        return self._changed(
            member.connection_id,
            "SET targetLanguage = :new, languageChangeId = :change",
            "membershipId = :mine AND (targetLanguage = :old OR languageChangeId = :change)",
            {
                ":mine": member.membership_id,
                ":old": member.target_language,
                ":new": language,
                ":change": change_id,
            },
        )

    def hand_over(self, old: Connection, member: Connection) -> Written:
        """Move a membership from the old socket's row to the new one's, in one transaction.

        Not done, and nothing changed, if the old member has left or changed, or the new socket has
        no row or is a member already.
        """
        deletion: DeleteTypeDef = {
            "TableName": self._table,
            "Key": typed({"connectionId": old.connection_id}),
            "ConditionExpression": "membershipId = :old AND targetLanguage = :language",
            "ExpressionAttributeValues": typed(
                {":old": old.membership_id, ":language": old.target_language}
            ),
        }
        entry: UpdateTypeDef = {
            "TableName": self._table,
            "Key": typed({"connectionId": member.connection_id}),
            "UpdateExpression": (
                "SET sessionId = :session, membershipId = :mine, targetLanguage = :language"
            ),
            "ConditionExpression": (
                "attribute_exists(connectionId) AND attribute_not_exists(sessionId)"
            ),
            "ExpressionAttributeValues": typed(
                {
                    ":session": member.session_id,
                    ":mine": member.membership_id,
                    ":language": member.target_language,
                }
            ),
        }
        return self._written(
            lambda: self._client.transact_write_items(
                TransactItems=[{"Delete": deletion}, {"Update": entry}],
                # With the token, a call that botocore repeats is carried out once.
                ClientRequestToken=member.membership_id or "",
            )
        )

    def release_speaker(self, connection_id: str, session_id: str) -> Written:
        """Remove the speaker from the session; done only for the call that removed it."""
        return self._released(connection_id, session_id, "")

    def release_replaced_speaker(self, connection_id: str, session_id: str) -> Written:
        """The same after another socket took the session over; the row keeps the session's id."""
        return self._released(connection_id, session_id, "SET movedSessionId = :session ")

    def _released(self, connection_id: str, session_id: str, assignment: str) -> Written:
        return self._changed(
            connection_id,
            f"{assignment}REMOVE sessionId, membershipId, endNoticeAt",
            "sessionId = :session",
            {":session": session_id},
        )

    def claim_end_notice(self, connection_id: str, session_id: str, *, at_ms: int) -> NoticeClaim:
        """Claim the sending of sessionEnded to a member of the session.

        A claim that is older than NOTICE_CLAIM_SECONDS may be taken over: whoever made it has died.
        """
        try:
            self._without_conflict(
                lambda: self._client.update_item(
                    TableName=self._table,
                    Key=typed({"connectionId": connection_id}),
                    UpdateExpression="SET endNoticeAt = :now",
                    ConditionExpression=(
                        "sessionId = :session "
                        "AND (attribute_not_exists(endNoticeAt) OR endNoticeAt <= :over)"
                    ),
                    ExpressionAttributeValues=typed(
                        {
                            ":now": at_ms,
                            ":session": session_id,
                            ":over": at_ms - NOTICE_CLAIM_SECONDS * 1000,
                        }
                    ),
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                )
            )
        except self._client.exceptions.ConditionalCheckFailedException as refusal:
            row: Any = plain(refusal.response.get("Item") or {})
            if row.get("sessionId") != session_id:
                return NoticeClaim.NOT_A_MEMBER
            # botocore repeats a write whose response was lost; the repeat finds its own claim.
            is_mine = _was_repeated(refusal.response) and row.get("endNoticeAt") == at_ms
            return NoticeClaim.MINE if is_mine else NoticeClaim.TAKEN
        return NoticeClaim.MINE

    def remove(
        self,
        connection_id: str,
        *,
        session_id: str | None = None,
        membership_id: str | None = None,
        last_heard_at: int | None = None,
    ) -> Removal:
        """Delete the row and return it; only one caller gets it.

        With `session_id`, only if the socket is a member of that session; with `membership_id`,
        only if that join made it one; with `last_heard_at`, only if it was not heard from since.
        """
        request: dict[str, Any] = {
            "TableName": self._table,
            "Key": typed({"connectionId": connection_id}),
            "ReturnValues": "ALL_OLD",
        }
        wanted = {
            "membershipId": membership_id,
            "sessionId": session_id,
            "lastHeardAt": last_heard_at,
        }
        wanted = {name: value for name, value in wanted.items() if value is not None}
        if wanted:
            request["ConditionExpression"] = " AND ".join(f"{name} = :{name}" for name in wanted)
            request["ExpressionAttributeValues"] = typed(
                {f":{name}": value for name, value in wanted.items()}
            )
        try:
            response = self._without_conflict(lambda: self._client.delete_item(**request))
        except self._client.exceptions.ConditionalCheckFailedException as refusal:
            return Removal(None, is_doubtful=_was_repeated(refusal.response))
        row = response.get("Attributes")
        if not row:
            return Removal(None, is_doubtful=_was_repeated(response))
        return Removal(msgspec.convert(plain(row), Connection))

    def listener_pages(self, session_id: str, *, page_size: int) -> Iterator[list[Listener]]:
        """Pages of the session's listeners, from the index, which may lag behind the table."""
        pages = self._client.get_paginator("query").paginate(
            TableName=self._table,
            IndexName=LISTENERS_INDEX.name,
            KeyConditionExpression="sessionId = :session",
            ExpressionAttributeValues=typed({":session": session_id}),
            PaginationConfig={"PageSize": page_size},
        )
        for page in pages:
            yield [msgspec.convert(plain(item), Listener) for item in page.get("Items", [])]

    def presences(self, connection_ids: Sequence[str]) -> Iterator[Presence]:
        """When these sockets were last heard from, as far as rows are found at once.

        The reads may be some moments old; `remove` with `last_heard_at` finds out.
        """
        # The index may list a listener twice for a moment, in the old language and in the new one.
        wanted = list(dict.fromkeys(connection_ids))
        for first in range(0, len(wanted), BATCH_LIMIT):
            keys = [typed({"connectionId": each}) for each in wanted[first : first + BATCH_LIMIT]]
            response = self._client.batch_get_item(
                RequestItems={
                    self._table: {
                        "Keys": keys,
                        "ProjectionExpression": "connectionId, sessionId, connectedAt, lastHeardAt",
                    }
                }
            )
            for item in response.get("Responses", {}).get(self._table, []):
                yield msgspec.convert(plain(item), Presence)

    def _changed(
        self, connection_id: str, expression: str, condition: str, values: Mapping[str, Any]
    ) -> Written:
        return self._written(
            lambda: self._client.update_item(
                TableName=self._table,
                Key=typed({"connectionId": connection_id}),
                UpdateExpression=expression,
                ConditionExpression=condition,
                ExpressionAttributeValues=typed(values),
            )
        )

    def _written(self, write: Callable[[], Any]) -> Written:
        exceptions = self._client.exceptions
        try:
            response = self._without_conflict(write)
        except exceptions.ConditionalCheckFailedException as refusal:
            return Written(done=False, was_repeated=_was_repeated(refusal.response))
        except exceptions.TransactionCanceledException as refusal:
            if "ConditionalCheckFailed" in _cancellation_codes(refusal.response):
                return Written(done=False)
            raise
        return Written(done=True, was_repeated=_was_repeated(response))

    def _without_conflict(self, call: Callable[[], Result]) -> Result:
        """Retry after a conflict with a refresh, which is a short transaction over two rows.

        botocore retries neither the transaction nor the calls that conflict with it.
        """
        exceptions = self._client.exceptions
        for _ in range(1, CONFLICT_ATTEMPTS):
            try:
                return call()
            except exceptions.TransactionConflictException:
                pass
            except exceptions.TransactionCanceledException as refusal:
                if "TransactionConflict" not in _cancellation_codes(refusal.response):
                    raise
            self._clock.sleep(CONFLICT_WAIT_SECONDS)
        return call()


def _cancellation_codes(response: Mapping[str, Any]) -> set[str]:
    return {reason.get("Code", "") for reason in response.get("CancellationReasons", [])}


def _was_repeated(response: Any) -> bool:
    return response.get("ResponseMetadata", {}).get("RetryAttempts", 0) > 0
