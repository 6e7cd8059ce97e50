"""What the functions of a release rely on in their stack, and what a later one may change of it.

Functions of two releases run side by side during an update, and after a rollback old ones run for
long with new tables, queues and rights. So what the release before uses is removed no earlier than
the release after.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from typing import Any

from operations.plan.recording import Recording

Definitions = dict[str, Any]

NEW_NAME = (
    "declare another one under a new name beside it, let the next release read that, and remove the"
    " old one in the release after"
)
LATER = "keep it in this release, and remove it in the next one"


def definitions(recording: Recording) -> Definitions:
    """Tables with their indexes, queues, each function's variables, the rule's inputs, and what
    each role may do, as `action resource`.
    """
    found: Definitions = {
        "tables": {},
        "queues": [],
        "variables": {},
        "ruleInputs": [],
        "rights": {},
    }
    for each in recording.resources:
        inputs = each.inputs
        match each.short_type:
            case "dynamodb.Table":
                found["tables"][inputs["name"]] = _table(inputs)
            case "sqs.Queue":
                found["queues"].append(inputs["name"])
            case "lambda.Function":
                variables = inputs.get("environment", {}).get("variables", {})
                found["variables"][inputs["name"]] = sorted(variables)
            case "cloudwatch.EventTarget" if "inputTransformer" in inputs:
                found["ruleInputs"].append(_shape(inputs["inputTransformer"]["inputTemplate"]))
            case "iam.RolePolicy":
                rights = found["rights"].setdefault(inputs["role"], [])
                rights += _rights(json.loads(inputs["policy"]))
            case _:
                pass
    return json.loads(json.dumps(_sorted(found)))


def _table(inputs: dict[str, Any]) -> dict[str, Any]:
    indexes = {
        index["name"]: {
            "hashKey": index.get("hashKey"),
            "rangeKey": index.get("rangeKey"),
            "projection": index["projectionType"],
            "attributes": sorted(index.get("nonKeyAttributes", [])),
        }
        for index in inputs.get("globalSecondaryIndexes", [])
    }
    keys = {key: inputs.get(key) for key in ("hashKey", "rangeKey")}
    return keys | {"indexes": indexes}


def _shape(template: str) -> str:
    """The template without the values that config decides."""
    return "".join("0" if char.isdigit() else char for char in template)


def _rights(policy: dict[str, Any]) -> Iterator[str]:
    for statement in policy["Statement"]:
        for action in _listed(statement["Action"]):
            for resource in _listed(statement["Resource"]):
                yield f"{action} {resource}"


def _listed(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value]


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value)}
    if isinstance(value, list):
        return sorted(set(value))
    return value


def broken_promises(before: Definitions, now: Definitions) -> list[str]:
    """What the release before relies on and `now` lacks, each with the way out."""
    return [
        *_broken_tables(before["tables"], now["tables"]),
        *_missing("queue", before["queues"], now["queues"]),
        *_missing("input of the rule", before["ruleInputs"], now["ruleInputs"]),
        *(
            problem
            for function, variables in before["variables"].items()
            for problem in _broken_function(function, variables, now["variables"])
        ),
        *(
            f"{role} may no longer {right}: {LATER}"
            for role, rights in before["rights"].items()
            for right in rights
            if not any(_covers(each, right) for each in now["rights"].get(role, []))
        ),
    ]


def _broken_tables(before: dict[str, Any], now: dict[str, Any]) -> Iterator[str]:
    yield from _missing("table", before, now)
    for name in before.keys() & now.keys():
        old, new = before[name], now[name]
        if any(old[key] != new[key] for key in ("hashKey", "rangeKey")):
            yield f"table {name} has other keys: {NEW_NAME}"
        yield from _missing(f"index of {name}", old["indexes"], new["indexes"])
        for index in old["indexes"].keys() & new["indexes"].keys():
            if old["indexes"][index] != new["indexes"][index]:
                yield (
                    f"index {index} of {name} was changed in place, which deletes it: {NEW_NAME}"
                )


def _broken_function(
    function: str, variables: Iterable[str], now: dict[str, list[str]]
) -> Iterator[str]:
    if function not in now:
        yield f"function {function} is gone: {LATER}"
        return
    yield from _missing(f"variable of {function}", variables, now[function])


def _missing(kind: str, before: Iterable[str], now: Iterable[str]) -> Iterator[str]:
    for name in sorted(set(before) - set(now)):
        yield f"{kind} {name} is gone: {LATER}"


def _covers(right: str, other: str) -> bool:
    """Whether a right allows all that another one allows; `*` stands for anything."""
    return fnmatchcase(other, right)
