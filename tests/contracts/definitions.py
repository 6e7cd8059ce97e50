"""What the functions of a release rely on in their stack, and what a later one may change of it.

Functions of two releases run side by side during an update, and after a rollback old ones run for
long with new tables, queues and rights. So what the release before uses is removed no earlier than
the release after.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

from contract.functions import FUNCTIONS, LIVE
from operations.plan.recording import Recording
from tests.recorded_releases import PREFIX

Definitions = dict[str, Any]
Condition = Mapping[str, Mapping[str, Any]]

IF = " if "
"""Between a right and its condition, which is JSON."""

WIDER_WITH_MORE_VALUES = frozenset({"StringEquals", "StringLike", "ArnEquals", "ArnLike"})
"""Operators that are met by any of their values, so another value only allows more."""

NEW_NAME = (
    "declare another one under a new name beside it, let the next release read that, and remove the"
    " old one in the release after"
)
LATER = "keep it in this release, and remove it in the next one"


def definitions(recording: Recording) -> Definitions:
    """Tables with their indexes, queues, each function's variables, the rule's inputs, and what
    each role may do and is denied, as `action resource`, followed by the condition if there is one.
    """
    found: Definitions = {
        "tables": {},
        "queues": [],
        "variables": {},
        "ruleInputs": [],
        "rights": {},
        "denials": {},
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
                for statement in json.loads(inputs["policy"])["Statement"]:
                    kind = {"Allow": "rights", "Deny": "denials"}[statement["Effect"]]
                    found[kind].setdefault(inputs["role"], []).extend(_rights(statement))
            case _:
                pass
    return json.loads(json.dumps(_sorted(found)))


def _table(inputs: dict[str, Any]) -> dict[str, Any]:
    indexes = {
        index["name"]: {
            **_keys(index),
            "projection": index["projectionType"],
            "attributes": sorted(index.get("nonKeyAttributes", [])),
        }
        for index in inputs.get("globalSecondaryIndexes", [])
    }
    return {**_keys(inputs), "indexes": indexes}


def _keys(block: dict[str, Any]) -> dict[str, str | None]:
    """The keys of a table or an index, in either of the provider's forms."""
    schema = {key["keyType"]: key["attributeName"] for key in block.get("keySchemas", [])}
    hash_key = block.get("hashKey") or schema["HASH"]
    return {"hashKey": hash_key, "rangeKey": block.get("rangeKey") or schema.get("RANGE")}


def _shape(template: str) -> str:
    """The template with 0 for each number, which config decides."""
    return re.sub(r"\d+", "0", template)


def _rights(statement: dict[str, Any]) -> Iterator[str]:
    condition = statement.get("Condition")
    suffix = f"{IF}{json.dumps(condition, sort_keys=True)}" if condition else ""
    for action in _listed(statement["Action"]):
        for resource in _listed(statement["Resource"]):
            yield f"{action} {resource}{suffix}"


def _listed(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value]


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value)}
    if isinstance(value, list):
        return sorted(set(value))
    return value


def relied_on(declared: Definitions) -> Definitions:
    """Without what is declared for the release before alone: the release after may remove it.

    That is retired variables, and rights to invoke a function also without its alias.
    """
    retired = {each.name_in(PREFIX): set(each.retired_variables) for each in FUNCTIONS.values()}
    variables = {
        name: [each for each in variables if each not in retired.get(name, ())]
        for name, variables in declared["variables"].items()
    }
    rights = {
        role: [each for each in rights if f"{each}:{LIVE}" not in rights]
        for role, rights in declared["rights"].items()
    }
    return {**declared, "variables": variables, "rights": rights}


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
        *(
            f"{role} is now denied {denial}: deny it in the next release"
            for role in before["rights"]
            for denial in now["denials"].get(role, [])
            if denial not in before["denials"].get(role, [])
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
    allowed, _, condition = right.partition(IF)
    wanted, _, given = other.partition(IF)
    return fnmatchcase(wanted, allowed) and _is_met(
        json.loads(condition or "{}"), json.loads(given or "{}")
    )


def _is_met(condition: Condition, given: Condition) -> bool:
    """Whether every request that meets the condition `given` meets this one, as far as is sure."""
    return all(
        key in given.get(operator, {}) and _includes(operator, values, given[operator][key])
        for operator, block in condition.items()
        for key, values in block.items()
    )


def _includes(operator: str, values: Any, given: Any) -> bool:
    if operator.rpartition(":")[2].removesuffix("IfExists") in WIDER_WITH_MORE_VALUES:
        return set(_listed(values)) >= set(_listed(given))
    return values == given
