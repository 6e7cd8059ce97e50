"""The differences between two plain JSON values, down to single statements and list elements."""

import difflib
import enum
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from operations.plan.recording import ARCHIVE

# Keys that identify the elements of a list, if every element has one and all are different.
_IDENTITIES = ("Sid", "name", "indexName", "id", "Id", "attributeName", "label", "title")


class Missing(enum.Enum):
    """The value of a property that the other side does not have."""

    MISSING = "missing"


MISSING = Missing.MISSING


@dataclass(frozen=True)
class Change:
    """One property: a path such as `policy.Statement[ReadSessions].Action`, and both values.

    A path that ends with `[]` names a list to which one element was added, or removed.
    """

    path: str
    old: Any
    new: Any

    def as_json(self) -> dict[str, Any]:
        """As JSON, without the side that lacks the property."""
        sides = {"old": self.old, "new": self.new}
        return {"path": self.path, **{k: v for k, v in sides.items() if v is not MISSING}}


def changes(old: Any, new: Any, path: str = "") -> Iterator[Change]:
    """Every difference, sorted by path. JSON documents in strings are compared as JSON."""
    if _same(old, new):
        return
    old_inside, new_inside = _opened(old), _opened(new)
    if _same(old_inside, new_inside):
        # The same JSON in another notation is still a changed string.
        yield Change(path, old, new)
    elif isinstance(old_inside, dict) and isinstance(new_inside, dict):
        if ARCHIVE in old_inside or ARCHIVE in new_inside:
            yield Change(path, old, new)
        else:
            yield from _by_key(old_inside, new_inside, (f"{path}." if path else "", ""))
    elif isinstance(old_inside, list) and isinstance(new_inside, list):
        yield from _list_changes(old_inside, new_inside, path)
    else:
        yield Change(path, old_inside, new_inside)


def _list_changes(old: list[Any], new: list[Any], path: str) -> Iterator[Change]:
    for of in _IDENTITIES:
        old_by, new_by = _by_identity(old, of), _by_identity(new, of)
        if old_by is not None and new_by is not None:
            differences = list(_by_key(old_by, new_by, (f"{path}[", "]")))
            yield from differences or [Change(path, list(old_by), list(new_by))]
            return
    if _is_set(old) and _is_set(new):
        gone = [Change(f"{path}[]", each, MISSING) for each in old if each not in new]
        came = [Change(f"{path}[]", MISSING, each) for each in new if each not in old]
        yield from [*gone, *came] or [Change(path, old, new)]
        return
    yield from _sequence_changes(old, new, path)


def _sequence_changes(old: list[Any], new: list[Any], path: str) -> Iterator[Change]:
    """Align the elements, so that an added or removed one does not change those that follow."""
    texts = [[json.dumps(each, sort_keys=True) for each in side] for side in (old, new)]
    matcher = difflib.SequenceMatcher(None, *texts, autojunk=False)
    for operation, i, i_end, j, j_end in matcher.get_opcodes():
        if operation == "replace" and i_end - i == j_end - j:
            for place in range(i_end - i):
                yield from changes(old[i + place], new[j + place], f"{path}[{j + place}]")
        elif operation != "equal":
            yield from (Change(f"{path}[]", each, MISSING) for each in old[i:i_end])
            yield from (Change(f"{path}[]", MISSING, each) for each in new[j:j_end])


def _by_key(
    old: dict[Any, Any], new: dict[Any, Any], around_key: tuple[str, str]
) -> Iterator[Change]:
    before, after = around_key
    for key in sorted({**old, **new}):
        path = f"{before}{key}{after}"
        yield from changes(old.get(key, MISSING), new.get(key, MISSING), path)


def _by_identity(elements: list[Any], of: str) -> dict[str, Any] | None:
    found: dict[str, Any] = {}
    for each in elements:
        if not isinstance(each, dict):
            return None
        identity = each.get(of) or (each.get("properties") or {}).get(of)
        if not isinstance(identity, str) or identity in found:
            return None
        found[identity] = each
    return found


def _is_set(elements: list[Any]) -> bool:
    return all(isinstance(each, str) for each in elements) and len(set(elements)) == len(elements)


def _same(old: Any, new: Any) -> bool:
    if old is MISSING or new is MISSING:
        return old is new
    # Unlike ==, this distinguishes true from 1.
    return json.dumps(old, sort_keys=True) == json.dumps(new, sort_keys=True)


def _opened(value: Any) -> Any:
    """The JSON object or array in a string, or the value itself."""
    if isinstance(value, str) and value[:1] in ("{", "["):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value
