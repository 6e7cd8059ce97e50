"""The functions that the contract names for a metric are those whose code emits it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from contract import metrics
from contract.actions import answered_by
from contract.functions import FUNCTIONS
from contract.metrics import METRICS, Metric

HANDLERS = Path(__file__).resolve().parents[2] / "handlers"


def file_of(module: str) -> Path | None:
    path = HANDLERS.joinpath(*module.split("."))
    files = (path.with_suffix(".py"), path / "__init__.py")
    return next((each for each in files if each.is_file()), None)


@cache
def imports_of(path: Path) -> frozenset[Path]:
    return frozenset(_imports_of(path))


def _imports_of(path: Path) -> Iterator[Path]:
    for node in ast.walk(ast.parse(path.read_text())):
        modules: list[str] = []
        match node:
            case ast.Import(names=names):
                modules = [each.name for each in names]
            case ast.ImportFrom(module=str(package), names=names):
                modules = [package, *(f"{package}.{each.name}" for each in names)]
            case _:
                pass
        yield from filter(None, map(file_of, modules))


@cache
def code_of(entry: str) -> set[Path]:
    """The entry module and everything it imports, directly or indirectly."""
    found = {HANDLERS / f"{entry}.py"}
    left = list(found)
    while left:
        new = set(imports_of(left.pop())) - found
        found |= new
        left += new
    return found


@cache
def emitted_in(path: Path) -> set[Metric]:
    """The metrics that a file names, as `metrics.NAME`."""
    return {
        getattr(metrics, node.attr)
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "metrics"
        and isinstance(getattr(metrics, node.attr, None), Metric)
    }


def emitted_by(entry: str) -> set[Metric]:
    """What the function's code may emit: named in it, or the duration of one of its actions."""
    durations = {action.duration for action in answered_by(entry) if action.duration}
    return durations | {metric for path in code_of(entry) for metric in emitted_in(path)}


@pytest.mark.parametrize("entry", FUNCTIONS)
def test_each_metric_of_a_function_is_emitted_by_its_code(entry: str) -> None:
    declared = {metric for metric in METRICS if entry in metric.emitted_by}
    missing = declared - emitted_by(entry)
    assert not missing, f"{entry} does not emit {sorted(each.name for each in missing)}"


def test_each_metric_that_any_handler_emits_is_declared_for_one_that_imports_it() -> None:
    for path in HANDLERS.rglob("*.py"):
        for metric in emitted_in(path):
            importing = {entry for entry in FUNCTIONS if path in code_of(entry)}
            assert importing & set(metric.emitted_by), f"{metric.name} in {path.name}"


def test_every_metric_is_emitted_by_a_handler() -> None:
    anywhere = {metric for entry in FUNCTIONS for metric in emitted_by(entry)}
    assert anywhere == set(METRICS)
