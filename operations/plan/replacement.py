"""Whether a change replaces a resource or updates it, by the provider's own measured rules.

`replacement_rules.json` has them by type token; its `_about` says how they were measured. Nobody
guesses: what is not in it is UNKNOWN.
"""

import enum
import json
import re
from collections.abc import Collection, Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from operations.plan.changes import MISSING, Change

RULES = Path(__file__).with_name("replacement_rules.json")
# Pulumi's options, which are in its state alone.
_OPTIONS_OF_THE_STATE = ("options.protect", "options.retainOnDelete")
# Tags are updated in place in every AWS type.
_TAGS = "tags"


class Effect(enum.StrEnum):
    """What a change does to its resource."""

    REPLACED = "replaced"
    UPDATED = "updated"
    UNKNOWN = "replaced or updated: not known"


@cache
def rules() -> Mapping[str, Mapping[str, frozenset[str]]]:
    """By type token: the inputs whose change replaces (`replace`) or updates (`update`)."""
    content: dict[str, Any] = json.loads(RULES.read_text())
    return {
        typ: {effect: frozenset(paths) for effect, paths in of_type.items()}
        for typ, of_type in content.items()
        if not typ.startswith("_")
    }


def effect_of(typ: str, change: Change) -> Effect:
    """The effect of one change on a resource of this type."""
    if change.path in _OPTIONS_OF_THE_STATE:
        return Effect.UPDATED
    path = re.sub(r"\[[^]]*\]", "", change.path)
    if typ.startswith("aws:") and path.partition(".")[0] == _TAGS:
        return Effect.UPDATED
    known = rules().get(typ, {})
    replacing, updating = known.get("replace", frozenset[str]()), known.get("update", frozenset())
    rule = _rule_for(path, replacing | updating, is_whole=MISSING in (change.old, change.new))
    if rule is None:
        return Effect.UNKNOWN
    return Effect.REPLACED if rule in replacing else Effect.UPDATED


def effect_of_all(typ: str, changes: Iterable[Change]) -> Effect:
    """The effect of several changes at once: one that replaces decides, then one not known."""
    effects = {effect_of(typ, each) for each in changes}
    decisive = (Effect.REPLACED, Effect.UNKNOWN, Effect.UPDATED)
    return next(each for each in decisive if each in effects)


def _rule_for(path: str, measured: Collection[str], *, is_whole: bool) -> str | None:
    """The measured path that is this one, or a map, list or document that this one is in.

    A block, which has measured paths below it, counts only where it comes or goes as a whole.
    """
    parts = path.split(".")
    for length in range(len(parts), 0, -1):
        above = ".".join(parts[:length])
        if above in measured:
            is_block = any(each.startswith(f"{above}.") for each in measured)
            return above if not is_block or (length == len(parts) and is_whole) else None
    return None
