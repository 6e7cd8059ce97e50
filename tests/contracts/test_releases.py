"""The program still has everything that functions of the release before rely on."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from typing import Any

import pytest

from contract import tables
from contract.actions import ACTIONS
from operations.plan.recorder import recording
from tests.contracts.definitions import Definitions, broken_promises, definitions
from tests.contracts.program_runs import run
from tests.recorded_releases import latest_release, release_to_write

STACK = "production"
FEW = {"audioSlots": 1}
"""Queues, and rights on them."""


@pytest.fixture(scope="module")
def now() -> Definitions:
    made = run(STACK, FEW)
    return definitions(recording(STACK, made.engine, made.outputs))


@pytest.fixture
def before() -> Definitions:
    return latest_release().recorded("definitions")


def test_what_the_release_before_relies_on_is_still_there(
    before: Definitions, now: Definitions
) -> None:
    if release := release_to_write():
        release.write("definitions", now)
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


def connections(changed: Definitions) -> dict[str, Any]:
    return changed["tables"]["live-sessions-production-connections"]


def without_a_right(changed: Definitions) -> None:
    changed["rights"]["live-sessions-production-fan-out"].pop()


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
    assert broken_promises(before, more) == []
