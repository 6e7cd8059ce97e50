"""The tables as they are at each moment, and as a lagging index may still show them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from live_sessions.aws.dynamodb import plain
from tests.handlers.faults.dynamodb import DynamoDB, Item, Key

KEYS = {"sessions": "sessionId", "connections": "connectionId"}
Row = dict[str, Any]
RowKey = tuple[str, str]
"""A table of KEYS, and the key of one of its rows."""


@dataclass(frozen=True)
class Version:
    """A row's item as it was from `since_ms` on; None if it did not exist."""

    since_ms: int
    item: Item | None


@dataclass(frozen=True)
class Change:
    table: str
    key: str
    before: Row
    after: Row


@dataclass(frozen=True)
class Copies:
    """The items, their rows and the rows' versions, by table and key."""

    items: dict[str, dict[Key, Item]]
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
    """Reads DynamoDB's items directly, without an API call, and remembers each row's versions."""

    def __init__(self, dynamodb: DynamoDB) -> None:
        self._items = dynamodb.items
        self.rows: dict[str, dict[str, Row]] = {table: {} for table in KEYS}
        self._versions: dict[str, dict[str, list[Version]]] = {table: {} for table in KEYS}

    def empty(self) -> None:
        for items in self._items.values():
            items.clear()
        for table in KEYS:
            self.rows[table].clear()
            self._versions[table].clear()

    def copied(self) -> Copies:
        """Everything, for `put_back`."""
        return Copies(
            {table: dict(items) for table, items in self._items.items()},
            {table: dict(rows) for table, rows in self.rows.items()},
            {
                table: {key: list(each) for key, each in versions.items()}
                for table, versions in self._versions.items()
            },
        )

    def put_back(self, copies: Copies) -> None:
        self._items.update({table: dict(items) for table, items in copies.items.items()})
        self.rows = {table: dict(rows) for table, rows in copies.rows.items()}
        self._versions = {
            table: {key: list(each) for key, each in versions.items()}
            for table, versions in copies.versions.items()
        }

    def note_changes(self, now_ms: int, keys: Iterable[RowKey] | None = None) -> list[Change]:
        """What has changed since the last time, in the rows with these keys or in all rows."""
        changes: list[Change] = []
        for table, key in self._all_keys() if keys is None else keys:
            item = self._items[table].get(("S", key))
            known = self.rows[table]
            before, after = known.get(key, {}), plain(item or {})
            if before == after:
                continue
            changes.append(Change(table, key, before, after))
            versions = self._versions[table].setdefault(key, [Version(0, None)])
            versions.append(Version(now_ms, item))
            if after:
                known[key] = after
            else:
                del known[key]
        return changes

    def _all_keys(self) -> list[RowKey]:
        return [
            (table, key)
            for table in KEYS
            for key in dict.fromkeys([*self.rows[table], *(key for _, key in self._items[table])])
        ]

    @contextmanager
    def seen_through_an_index(
        self, table: str, view: int, *, now_ms: int, lag_ms: int
    ) -> Iterator[None]:
        """Let a query find each row in some version that was the last at most `lag_ms` ago.

        `view` chooses the versions, 0 the latest of each.
        """
        present = self._items[table]
        seen: dict[Key, Item] = {}
        for key, versions in self._versions[table].items():
            candidates = _last_within(versions, now_ms - lag_ms)
            view, chosen = divmod(view, len(candidates))
            item = candidates[chosen].item
            if item is not None:
                seen["S", key] = item
        self._items[table] = seen
        try:
            yield
        finally:
            self._items[table] = present


def _last_within(versions: list[Version], from_ms: int) -> list[Version]:
    """The latest version first, then those that were replaced at `from_ms` or later."""
    candidates = [versions[-1]]
    for version, successor in zip(reversed(versions[:-1]), reversed(versions[1:]), strict=True):
        if successor.since_ms < from_ms:
            break
        candidates.append(version)
    return candidates
