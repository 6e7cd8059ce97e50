"""The tables as they are at each moment, and as a lagging index may still show them."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from moto.core import DEFAULT_ACCOUNT_ID
from moto.dynamodb.models import dynamodb_backends

from live_sessions.aws.attributes import plain
from tests.handlers.conftest import REGION

KEYS = {"sessions": "sessionId", "connections": "connectionId"}
Row = dict[str, Any]


@dataclass(frozen=True)
class Version:
    """A row as it was from `since_ms` on; None when it was not there."""

    since_ms: int
    item: Any


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
        # moto changes its items in place.
        for name, table in self._backend.tables.items():
            table.items = copy.deepcopy(copies.items[name])
        self.rows = {table: dict(rows) for table, rows in copies.rows.items()}
        self._versions = {
            table: {key: list(each) for key, each in versions.items()}
            for table, versions in copies.versions.items()
        }

    def note_changes(self, now_ms: int) -> list[Change]:
        """What has changed since the last time."""
        changes: list[Change] = []
        for table, key_name in KEYS.items():
            items = {
                item.attrs[key_name].value: item
                for item in self._backend.tables[table].items.values()
            }
            known = self.rows[table]
            for key in [*known, *(key for key in items if key not in known)]:
                before = known.get(key, {})
                after = plain(items[key].to_json()["Attributes"]) if key in items else {}
                if before == after:
                    continue
                changes.append(Change(table, key, before, after))
                versions = self._versions[table].setdefault(key, [Version(0, None)])
                versions.append(Version(now_ms, copy.deepcopy(items.get(key))))
                if after:
                    known[key] = after
                else:
                    del known[key]
        return changes

    @contextmanager
    def seen_through_an_index(
        self, table: str, view: int, *, now_ms: int, lag_ms: int
    ) -> Iterator[None]:
        """Let a query find each row in some version that was the last at most `lag_ms` ago.

        `view` chooses the versions, 0 the latest of each.
        """
        seen: dict[Any, Any] = {}
        for versions in self._versions[table].values():
            candidates = _last_within(versions, now_ms - lag_ms)
            view, chosen = divmod(view, len(candidates))
            item = candidates[chosen].item
            if item is not None:
                seen[item.hash_key] = item
        backend = self._backend.tables[table]
        present = backend.items
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
