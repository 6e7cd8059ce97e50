"""The tables as they are at each moment, and as a lagging index may still show them."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from moto.core import DEFAULT_ACCOUNT_ID
from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.models.dynamo_type import DynamoType, Item

from live_sessions.aws.dynamodb import plain
from tests.handlers.conftest import REGION

KEYS = {"sessions": "sessionId", "connections": "connectionId"}
Row = dict[str, Any]
RowKey = tuple[str, str]
"""A table of KEYS, and the key of one of its rows."""


@dataclass(frozen=True)
class Version:
    """A row's attributes as they were from `since_ms` on; None if it did not exist."""

    since_ms: int
    attributes: dict[str, Any] | None


@dataclass(frozen=True)
class Change:
    table: str
    key: str
    before: Row
    after: Row


@dataclass(frozen=True)
class Copies:
    """moto's items, their rows and the rows' versions, by table and key."""

    items: dict[str, Any]
    rows: dict[str, dict[str, Row]]
    versions: dict[str, dict[str, list[Version]]]


def written_by(parameters: Mapping[str, Any]) -> Iterator[RowKey]:
    """The rows of KEYS that a call with these parameters may write."""
    for item in parameters.get("TransactItems", ()):
        for change in item.values():
            yield from written_by(change)
    table = parameters.get("TableName")
    if table in KEYS:
        yield table, (parameters.get("Key") or parameters["Item"])[KEYS[table]]["S"]


class Tables:
    """Reads moto's tables directly, which costs no call, and remembers each row's versions."""

    def __init__(self) -> None:
        self._backend = dynamodb_backends[DEFAULT_ACCOUNT_ID][REGION]
        self.rows: dict[str, dict[str, Row]] = {table: {} for table in KEYS}
        self._versions: dict[str, dict[str, list[Version]]] = {table: {} for table in KEYS}

    def empty(self) -> None:
        for table in self._backend.tables.values():
            table.items.clear()
        for table in KEYS:
            self.rows[table].clear()
            self._versions[table].clear()

    def copied(self) -> Copies:
        """Everything, for `put_back`."""
        return Copies(
            {name: copy.deepcopy(table.items) for name, table in self._backend.tables.items()},
            {table: dict(rows) for table, rows in self.rows.items()},
            {
                table: {key: list(each) for key, each in versions.items()}
                for table, versions in self._versions.items()
            },
        )

    def put_back(self, copies: Copies) -> None:
        for name, table in self._backend.tables.items():
            present = dict(table.items)
            table.items.clear()
            for key, item in copies.items[name].items():
                # moto changes its items in place.
                is_unchanged = self._is_unchanged(name, key.value, copies)
                table.items[key] = present[key] if is_unchanged else copy.deepcopy(item)
        self.rows = {table: dict(rows) for table, rows in copies.rows.items()}
        self._versions = {
            table: {key: list(each) for key, each in versions.items()}
            for table, versions in copies.versions.items()
        }

    def _is_unchanged(self, table: str, key: str, copies: Copies) -> bool:
        """A change makes a new row."""
        return table in KEYS and self.rows[table].get(key) is copies.rows[table][key]

    def note_changes(self, now_ms: int, keys: Iterable[RowKey] | None = None) -> list[Change]:
        """What has changed since the last time, in the rows with these keys or in all rows."""
        changes: list[Change] = []
        for table, key in self._all_keys() if keys is None else keys:
            item = self._backend.tables[table].items.get(DynamoType({"S": key}))
            attributes = item.to_json()["Attributes"] if item else None
            known = self.rows[table]
            before, after = known.get(key, {}), plain(attributes or {})
            if before == after:
                continue
            changes.append(Change(table, key, before, after))
            versions = self._versions[table].setdefault(key, [Version(0, None)])
            versions.append(Version(now_ms, attributes))
            if after:
                known[key] = after
            else:
                del known[key]
        return changes

    def _all_keys(self) -> list[RowKey]:
        return [
            (table, key)
            for table in KEYS
            for key in dict.fromkeys(
                [*self.rows[table], *(each.value for each in self._backend.tables[table].items)]
            )
        ]

    @contextmanager
    def seen_through_an_index(
        self, table: str, view: int, *, now_ms: int, lag_ms: int
    ) -> Iterator[None]:
        """Let a query find each row in some version that was the last at most `lag_ms` ago.

        `view` chooses the versions, 0 the latest of each.
        """
        backend = self._backend.tables[table]
        present = backend.items
        seen: dict[Any, Any] = {}
        for key, versions in self._versions[table].items():
            candidates = _last_within(versions, now_ms - lag_ms)
            view, chosen = divmod(view, len(candidates))
            attributes = candidates[chosen].attributes
            if attributes is not None:
                hash_key = DynamoType({"S": key})
                is_latest = candidates[chosen] is versions[-1]
                seen[hash_key] = present[hash_key] if is_latest else Item(hash_key, None, attributes)
        backend.items = seen
        try:
            yield
        finally:
            backend.items = present


def _last_within(versions: list[Version], from_ms: int) -> list[Version]:
    """The latest version first, then those that were replaced at `from_ms` or later."""
    candidates = [versions[-1]]
    for version, successor in zip(reversed(versions[:-1]), reversed(versions[1:]), strict=True):
        if successor.since_ms < from_ms:
            break
        candidates.append(version)
    return candidates
