"""The program still has everything that functions of the release before rely on."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable
from dataclasses import fields
from typing import Any

import pytest

from contract import tables
from contract.actions import ACTIONS
from contract.functions import FUNCTIONS, LIVE
from operations.plan.recorder import recording
from operations.plan.recording import Recording, Resource
from tests.contracts.definitions import (
    IF,
    Definitions,
    broken_promises,
    definitions,
    relied_on,
)
from tests.contracts.program_runs import run
from tests.recorded_releases import PREFIX, STACK, latest_release, release_to_write

FEW = {"audioSlots": 1}
"""Queues, and rights on them."""


@pytest.fixture(scope="module")
def now() -> Definitions:
    made = run(STACK, {**FEW, "transcripts": True})
    return definitions(recording(STACK, made.engine, made.outputs))


@pytest.fixture
def before() -> Definitions:
    return latest_release().recorded("definitions")


def test_what_the_release_before_relies_on_is_still_there(
    before: Definitions, now: Definitions
) -> None:
    if release := release_to_write():
        release.write("definitions", relied_on(now))
        (release.folder / "actions.txt").write_text(
            "".join(f"{name}\n" for name in sorted(ACTIONS))
        )
    assert broken_promises(before, now) == []


def test_a_new_index_has_a_version_in_its_name(before: Definitions) -> None:
    old = {index for table in before["tables"].values() for index in table["indexes"]}
    for table in tables.TABLES:
        for index in table.indexes:
            assert index.name in old or re.search(r"-v\d+$", index.name), (
                f"name it {index.name}-v1: an index is never changed, another one follows it"
            )


def test_the_keys_of_each_table_and_index_are_recorded(
    before: Definitions, now: Definitions
) -> None:
    for table in tables.TABLES:
        found = now["tables"][f"live-sessions-{STACK}-{table.name}"]
        assert found["hashKey"] == table.hash_key
        keys = {name: each["hashKey"] for name, each in found["indexes"].items()}
        assert keys == {index.name: index.hash_key for index in table.indexes}
        keys = {name: each["rangeKey"] for name, each in found["indexes"].items()}
        assert keys == {index.name: index.range_key for index in table.indexes}
    for table in before["tables"].values():
        assert table["hashKey"]
        assert all(each["hashKey"] and each["rangeKey"] for each in table["indexes"].values())


def test_what_is_kept_for_the_release_before_alone_is_not_recorded_of_this_one(
    now: Definitions,
) -> None:
    recorded = relied_on(now)
    assert broken_promises(recorded, now) == []
    for function in FUNCTIONS.values():
        name = function.name_in(PREFIX)
        read = {each.name.upper() for each in fields(function.environment)}
        assert read <= set(recorded["variables"][name])
        assert not set(function.retired_variables) & set(recorded["variables"][name])
    invoking = [
        right
        for rights in recorded["rights"].values()
        for right in rights
        if right.startswith("lambda:InvokeFunction ")
    ]
    assert invoking
    assert all(right.endswith(f":{LIVE}") for right in invoking)


def test_a_right_to_invoke_is_recorded_without_an_alias_only_if_it_has_none() -> None:
    function = "lambda:InvokeFunction arn:aws:lambda:us-east-1:123456789012:function"
    rights = [f"{function}:ours", f"{function}:ours:{LIVE}", f"{function}:theirs"]
    found = relied_on({"variables": {}, "rights": {"role": rights}})
    assert found["rights"] == {"role": rights[1:]}


def connections(changed: Definitions) -> dict[str, Any]:
    return changed["tables"]["live-sessions-production-connections"]


def without_a_right(changed: Definitions) -> None:
    changed["rights"]["live-sessions-production-fan-out"].pop()


def conditions_of(changed: Definitions) -> tuple[list[str], int]:
    """A role's rights, and the place among them of one that has a condition."""
    rights = changed["rights"]["live-sessions-production-session-status"]
    return rights, next(place for place, right in enumerate(rights) if IF in right)


def with_a_condition_on_a_right(changed: Definitions) -> None:
    rights = changed["rights"]["live-sessions-production-fan-out"]
    place = next(place for place, right in enumerate(rights) if "dynamodb:UpdateItem" in right)
    rights[place] += f'{IF}{{"ForAllValues:StringEquals": {{"dynamodb:Attributes": ["endedAt"]}}}}'


def with_a_narrower_condition(changed: Definitions) -> None:
    rights, place = conditions_of(changed)
    rights[place] = rights[place].replace(', "statusRequestedAt"', "")


def with_one_condition_more(changed: Definitions) -> None:
    rights, place = conditions_of(changed)
    right, condition = rights[place].split(IF)
    leading = {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["a*"]}}
    rights[place] = f"{right}{IF}{json.dumps(json.loads(condition) | leading)}"


def with_another_operator(changed: Definitions) -> None:
    rights, place = conditions_of(changed)
    rights[place] = rights[place].replace("ForAllValues:StringEquals", "ForAllValues:StringLike")


def with_a_denial(changed: Definitions) -> None:
    changed["denials"]["live-sessions-production-fan-out"] = ["dynamodb:DeleteItem *"]


def with_another_key(changed: Definitions) -> None:
    connections(changed)["hashKey"] = "id"


def with_an_index_that_projects_more(changed: Definitions) -> None:
    (index,) = connections(changed)["indexes"].values()
    index["attributes"].append("lastHeardAt")


def with_an_index_on_another_key(changed: Definitions) -> None:
    (index,) = connections(changed)["indexes"].values()
    index["rangeKey"] = "connectedAt"


BREAKS: dict[str, tuple[Callable[[Definitions], object], str]] = {
    "a table": (lambda changed: changed["tables"].popitem(), "table .* is gone"),
    "a table's key": (with_another_key, "has other keys"),
    "an index": (lambda changed: connections(changed)["indexes"].clear(), "index .* is gone"),
    "an index's projection": (with_an_index_that_projects_more, "changed in place"),
    "an index's key": (with_an_index_on_another_key, "changed in place"),
    "a queue": (lambda changed: changed["queues"].pop(), "queue .* is gone"),
    "a function": (lambda changed: changed["variables"].popitem(), "function .* is gone"),
    "a variable": (
        lambda changed: changed["variables"]["live-sessions-production-fan-out"].pop(),
        "variable of live-sessions-production-fan-out .* is gone",
    ),
    "a right": (without_a_right, "may no longer"),
    "a role": (
        lambda changed: changed["rights"].pop("live-sessions-production-refresh"),
        "may no longer",
    ),
    "a right without a condition": (with_a_condition_on_a_right, "may no longer"),
    "a value of a condition": (with_a_narrower_condition, "may no longer"),
    "a right of one condition": (with_one_condition_more, "may no longer"),
    "a condition's operator": (with_another_operator, "may no longer"),
    "what a role is not denied": (with_a_denial, "is now denied"),
    "the rule's input": (lambda changed: changed["ruleInputs"].clear(), "input of the rule"),
}


@pytest.mark.parametrize("what", BREAKS)
def test_it_is_noticed_when_this_is_taken_away_or_changed(before: Definitions, what: str) -> None:
    change, message = BREAKS[what]
    changed = copy.deepcopy(before)
    change(changed)
    problems = broken_promises(before, changed)
    assert problems
    assert all(re.search(message, problem) for problem in problems)
    assert all("next" in problem for problem in problems), "each says the way out"


def test_what_is_added_breaks_nothing(before: Definitions) -> None:
    more = copy.deepcopy(before)
    connections(more)["indexes"]["another-index-v1"] = {"hashKey": "sessionId"}
    more["queues"].append("another")
    more["rights"]["another"] = ["sqs:SendMessage *"]
    more["rights"]["live-sessions-production-refresh"] = ["*"]
    more["denials"]["another"] = ["sqs:SendMessage *"]
    assert broken_promises(before, more) == []


def test_a_right_may_lose_its_condition_or_have_a_wider_one(before: Definitions) -> None:
    wider = copy.deepcopy(before)
    rights, place = conditions_of(wider)
    rights[place] = rights[place].replace('"sessionId"', '"sessionId", "another"')
    assert rights[place] not in before["rights"]["live-sessions-production-session-status"]
    assert broken_promises(before, wider) == []
    rights[place] = rights[place].partition(IF)[0]
    assert broken_promises(before, wider) == []


POLICIES = """
[
  {"Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"], "Resource": "bucket/*",
   "Condition": {"Bool": {"aws:SecureTransport": "true"}}},
  {"Effect": "Deny", "Action": "s3:PutObject", "Resource": ["bucket/old", "bucket/older"]}
]
"""


def test_each_action_and_resource_of_a_statement_is_recorded_with_its_condition() -> None:
    policy = Resource(
        urn="policy",
        parent="",
        typ="aws:iam/rolePolicy:RolePolicy",
        name="policy",
        custom=True,
        inputs={"role": "reader", "policy": f'{{"Statement": {POLICIES}}}'},
    )
    found = definitions(Recording(stack=STACK, resources=(policy,)))
    condition = '{"Bool": {"aws:SecureTransport": "true"}}'
    assert found["rights"] == {
        "reader": [
            f"s3:GetObject bucket/* if {condition}",
            f"s3:PutObject bucket/* if {condition}",
        ]
    }
    assert found["denials"] == {"reader": ["s3:PutObject bucket/old", "s3:PutObject bucket/older"]}
