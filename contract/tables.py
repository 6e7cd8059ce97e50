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
    """A table: `name` follows the stack's prefix, `hash_key` is its primary key.

    `key_types` has DynamoDB's type (S or N) of every key attribute of the table and its indexes.
    Items expire by the attribute `ttl_attribute` (epoch seconds), where there is one.
    """

    name: str
    hash_key: str
    key_types: Mapping[str, str]
    indexes: tuple[Index, ...] = ()
    ttl_attribute: str | None = "ttl"

    @property
    def variable(self) -> str:
        """The environment variable that has a table's physical name, such as SESSIONS_TABLE."""
        return f"{self.name.replace('-', '_').upper()}_TABLE"


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

TABLES = (SESSIONS, CONNECTIONS, RATE_LIMITS, AUDIO_SLOTS)

STATUS_SHARDS_LIMIT = 64
"""The most partitions of the active-session index that config allows; reconcile reads them all."""
