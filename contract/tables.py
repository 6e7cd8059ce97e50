"""The DynamoDB tables: keys, indexes and what each index projects."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Index:
    """A global secondary index. `projected` are the attributes that it holds beside the keys."""

    name: str
    hash_key: str
    range_key: str
    projected: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table: `name` follows the stack's prefix; its primary key is `hash_key`, with `range_key`
    where it has one.

    `key_types` has DynamoDB's type (S or N) of every key attribute of the table and its indexes.
    Items expire by the attribute `ttl_attribute` (epoch seconds), where there is one.
    """

    name: str
    hash_key: str
    key_types: Mapping[str, str]
    range_key: str | None = None
    indexes: tuple[Index, ...] = ()
    ttl_attribute: str | None = "ttl"

    @property
    def key(self) -> tuple[str, ...]:
        """The attributes of the primary key."""
        return (self.hash_key,) if self.range_key is None else (self.hash_key, self.range_key)

    @property
    def variable(self) -> str:
        """The environment variable that has a table's physical name, such as SESSIONS_TABLE."""
        return f"{self.name.replace('-', '_').upper()}_TABLE"

    @property
    def output(self) -> str:
        """The stack output that has a table's physical name, such as sessionsTable."""
        first, *others = self.name.split("-")
        return f"{first}{''.join(map(str.capitalize, others))}Table"


ACTIVE_SESSIONS_INDEX = Index(
    name="active-sessions-index",
    hash_key="activeShard",
    range_key="sessionId",
    projected=(
        "broadcastState",
        "createdAt",
        "endReason",
        "endedAt",
        "expiresAt",
        "listenerCount",
        "listenersByLanguage",
        "membershipChangedAt",
        "membershipVersion",
        "sourceLanguage",
        "speakerConnectionId",
        "speakerLostAt",
        "statusRequestedAt",
    ),
)
"""Sparse: a closed session has no activeShard. It projects what a status push and reconcile read.

All indexes of a table together may project 100 attributes:
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html
"""

LISTENERS_INDEX = Index(
    name="sessionId-targetLanguage-index",
    hash_key="sessionId",
    range_key="targetLanguage",
    projected=("ttl",),
)
"""Sparse: only listeners have a targetLanguage. `ttl` shows rows that outlived their socket."""

SESSIONS = Table(
    name="sessions",
    hash_key="sessionId",
    key_types={"sessionId": "S", "activeShard": "N"},
    indexes=(ACTIVE_SESSIONS_INDEX,),
)
CONNECTIONS = Table(
    name="connections",
    hash_key="connectionId",
    key_types={"connectionId": "S", "sessionId": "S", "targetLanguage": "S"},
    indexes=(LISTENERS_INDEX,),
)
RATE_LIMITS = Table(name="rate-limits", hash_key="identifier", key_types={"identifier": "S"})
AUDIO_SLOTS = Table(
    name="audio-slots", hash_key="slot", key_types={"slot": "N"}, ttl_attribute=None
)
"""One item per slot, which is never removed."""

CAPTIONS = Table(
    name="captions",
    hash_key="sessionLanguage",
    range_key="sequence",
    key_types={"sessionLanguage": "S", "sequence": "N"},
)
"""The final captions of a session in one language: a partition for each pair of both."""


def caption_partition(session_id: str, language: str) -> str:
    """The partition key of a session's captions in one language."""
    return f"{session_id}#{language}"


TABLES = (SESSIONS, CONNECTIONS, RATE_LIMITS, AUDIO_SLOTS, CAPTIONS)

STATUS_SHARDS_LIMIT = 64
"""The most partitions of the active-session index that config allows; reconcile reads them all."""
