"""The contract is consistent in itself, and with the frames and handlers that it names."""

from __future__ import annotations

import ast
import sys
from collections import Counter
from dataclasses import fields
from pathlib import Path

import pytest

from contract import metrics, tables
from contract.actions import (
    ACTIONS,
    LONGEST_TIMEOUT_SECONDS,
    RETIRED_ACTIONS,
    ROUTED_ACTIONS,
    Action,
    Rate,
    answered_by,
)
from contract.functions import FUNCTIONS, Function
from contract.languages import LANGUAGES, SOURCE_LANGUAGES, TARGET_LANGUAGES
from contract.metrics import Kind, Metric
from tests.recorded_releases import latest_release

ROOT = Path(__file__).resolve().parents[2]
METRICS = [each for each in vars(metrics).values() if isinstance(each, Metric)]


def frame_types() -> set[str]:
    """The `type` of every frame, read from the sources of the wire and the capabilities."""
    found: set[str] = set()
    for path in (ROOT / "handlers" / "live_sessions").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef):
                found.update(
                    str(keyword.value.value)
                    for keyword in node.keywords
                    if keyword.arg == "tag" and isinstance(keyword.value, ast.Constant)
                )
    return found


def test_the_contract_imports_the_standard_library_and_itself_alone() -> None:
    for path in (ROOT / "contract").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names: list[str] = []
            if isinstance(node, ast.Import):
                names = [each.name for each in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            for name in names:
                top = name.partition(".")[0]
                assert top == "contract" or top in sys.stdlib_module_names, f"{path.name}: {name}"


def test_an_action_of_the_latest_release_is_retired_before_it_is_dropped() -> None:
    dropped = latest_release().actions - ROUTED_ACTIONS.keys()
    assert not dropped, (
        f"move {dropped} from _ACTIONS to _RETIRED_ACTIONS (contract/actions.py) for one release"
    )


def test_an_action_is_retired_for_one_release() -> None:
    assert RETIRED_ACTIONS.keys().isdisjoint(ACTIONS)
    over = RETIRED_ACTIONS.keys() - latest_release().actions
    assert not over, f"drop {over}: the latest release did not have them any more"


@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=FUNCTIONS)
def test_a_variable_is_retired_for_one_release(function: Function) -> None:
    read = {each.name.upper() for each in fields(function.environment)}
    assert read.isdisjoint(function.retired_variables)
    before: dict[str, list[str]] = latest_release().recorded("definitions")["variables"]
    names = before.get(function.name_in("live-sessions-production"), [])
    over = set(function.retired_variables) - set(names)
    assert not over, f"drop {over}: the latest release did not read them any more"


@pytest.mark.parametrize("action", ROUTED_ACTIONS.values(), ids=ROUTED_ACTIONS)
def test_each_action_is_answered_by_a_function_within_api_gateways_limit(action: Action) -> None:
    assert action.function in FUNCTIONS
    assert action.roles
    assert 1 <= action.timeout_seconds <= LONGEST_TIMEOUT_SECONDS


@pytest.mark.parametrize("action", ACTIONS.values(), ids=ACTIONS)
def test_each_action_names_frames_that_exist(action: Action) -> None:
    named = {action.reply, *action.posts, action.to_listeners, action.to_speaker} - {None}
    assert named <= frame_types()


def test_answered_by_shares_out_every_action_once() -> None:
    shared_out = [action.name for entry in FUNCTIONS for action in answered_by(entry)]
    assert sorted(shared_out) == sorted(ACTIONS)


def test_each_rate_is_checked_by_an_action_or_by_the_handshake() -> None:
    checked = {rate for action in ACTIONS.values() for rate in action.rates}
    misses = {Rate.ADDRESS_MISSES, Rate.SESSION_MISSES}
    assert set(Rate) - checked == {Rate.CONNECTIONS, *misses}


@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=FUNCTIONS)
def test_each_function_has_code_and_variables_of_types_that_can_be_read(
    function: Function,
) -> None:
    assert (ROOT / "handlers" / f"{function.entry}.py").is_file()
    assert {each.type for each in fields(function.environment)} <= {str, int, bool}
    assert len(set(function.variables)) == len(function.variables)


def test_each_metric_has_a_name_of_its_own_and_functions_that_emit_it() -> None:
    twice = [name for name, times in Counter(each.name for each in METRICS).items() if times > 1]
    assert not twice
    for metric in METRICS:
        assert metric.emitted_by, metric.name
        assert set(metric.emitted_by) <= FUNCTIONS.keys(), metric.name
        assert (metric.kind is Kind.DURATION) == metric.name.endswith("Milliseconds")


def test_each_table_has_the_types_of_its_keys_and_no_others() -> None:
    for table in tables.TABLES:
        keys = set(table.key)
        for index in table.indexes:
            keys |= {index.hash_key, index.range_key}
            assert not keys & set(index.projected), f"{index.name} projects a key"
        assert table.key_types.keys() == keys


def test_whatever_is_spoken_can_be_read() -> None:
    assert SOURCE_LANGUAGES <= TARGET_LANGUAGES == LANGUAGES.keys()
