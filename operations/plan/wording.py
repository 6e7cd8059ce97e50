"""Values and changes as short text, one line each, for a reviewer."""

import json
import re
from typing import Any

from operations.plan.changes import MISSING, Change
from operations.plan.recording import ARCHIVE, ASSET
from program.computed import ACCOUNT, REGION

LONGEST_VALUE = 200
LONGEST_LIST = 12
_KEPT_BEFORE_DIFFERENCE = 30
_HASH = re.compile(r"[0-9a-f]{40,}")


def worded(change: Change) -> str:
    """One change as text, such as `memorySize: 256 -> 512`."""
    if _is_archive(change.old) and _is_archive(change.new):
        return f"{change.path} changed: {_files(change.old[ARCHIVE], change.new[ARCHIVE])}"
    path = change.path.removesuffix("[]")
    if change.old is MISSING:
        return f"{path}: + {_value(change.new)}"
    if change.new is MISSING:
        return f"{path}: - {_value(change.old)}"
    old, new = change.old, change.new
    if isinstance(old, str) and isinstance(new, str) and len(old) + len(new) > LONGEST_VALUE:
        old, new = _around_difference(old, new)
    return f"{path}: {_value(old)} -> {_value(new)}"


def counted(count: int, noun: str) -> str:
    """Text such as `1 stack` or `2 stacks`."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def shortened(text: str) -> str:
    """The text with account and Region replaced by `…`, and hashes and long texts truncated."""
    text = text.replace(f":{REGION}:{ACCOUNT}:", ":…:").replace(f"::{ACCOUNT}:", ":…:")
    text = _HASH.sub(lambda found: f"{found[0][:12]}…", text)
    if len(text) > LONGEST_VALUE:
        return f"{text[:LONGEST_VALUE]}… ({len(text)} characters)"
    return text


def _value(value: Any) -> str:
    if _is_archive(value):
        return f"{len(value[ARCHIVE])} files"
    if isinstance(value, dict) and ASSET in value:
        return f"file {value[ASSET]}"
    if isinstance(value, dict) and "Effect" in value:
        return _statement(value)
    return shortened(json.dumps(value, ensure_ascii=False, sort_keys=True))


def _statement(statement: dict[str, Any]) -> str:
    """A policy statement in full, because reviews depend on it."""
    rest = {k: v for k, v in statement.items() if k not in ("Sid", "Effect", "Action", "Resource")}
    parts = [statement["Effect"], *_texts(statement.get("Action"))]
    if "Resource" in statement:
        parts += ["on", *_texts(statement["Resource"])]
    if rest:
        parts.append(json.dumps(rest, sort_keys=True))
    return re.sub(f":{REGION}:{ACCOUNT}:|::{ACCOUNT}:", ":…:", " ".join(parts))


def _texts(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else [str(each) for each in value or []]


def _files(old: dict[str, str], new: dict[str, str]) -> str:
    marks = {
        place: "+" if place not in old else "-" if place not in new else "~"
        for place in sorted({**old, **new})
        if old.get(place) != new.get(place)
    }
    shown = [f"{mark} {place}" for place, mark in marks.items()][:LONGEST_LIST]
    if len(marks) > len(shown):
        shown.append(f"and {len(marks) - len(shown)} more")
    return ", ".join(shown)


def _around_difference(old: str, new: str) -> tuple[str, str]:
    """Both texts from shortly before their first difference, if that is far from the start."""
    same = next((i for i, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), 0)
    start = max(0, same - _KEPT_BEFORE_DIFFERENCE)
    return (f"…{old[start:]}", f"…{new[start:]}") if start else (old, new)


def _is_archive(value: Any) -> bool:
    return isinstance(value, dict) and ARCHIVE in value
