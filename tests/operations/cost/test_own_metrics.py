"""Exactly the metrics that each function's code can emit are counted."""

import ast
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from operations.cost.own_metrics import WATCHED, Pair, own_metrics
from program.engine import recorded
from program.stack_config import ROOT, stack_config

HANDLERS = ROOT / "handlers"
EMITTERS = ("count", "gauge", "took", "_record")
# Emitted in a module that the function imports, but by code that it never calls.
NEVER_CALLED: frozenset[Pair] = frozenset(
    {
        ("audio_ingest", "ChunksUnreadable"),
        ("audio_processor", "AudioSlotsExhausted"),
        ("disconnect", "ListenersNotTold"),
        ("refresh", "PlacesNotReleased"),
    }
)


@cache
def counted(**overrides: Any) -> frozenset[Pair]:
    return own_metrics(recorded("staging", stack_config("staging", {**overrides, **WATCHED})))


def names_in(text: str) -> set[str]:
    """Metric names: keywords of emitting calls, keys of counters, strings that name a duration."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(text)):
        match node:
            case ast.Call(func=ast.Name(id=called)) if called in EMITTERS:
                names.update(
                    each.arg for each in node.keywords if each.arg and each.arg[0].isupper()
                )
            case ast.Subscript(
                value=ast.Attribute(attr="_counters"), slice=ast.Constant(value=key)
            ):
                names.add(str(key))
            case ast.Constant(value=str(word)) if re.fullmatch("[A-Z][A-Za-z]+Milliseconds", word):
                names.add(word)
            case _:
                pass
    return names


def file_of(module: str) -> Path | None:
    path = HANDLERS.joinpath(*module.split("."))
    files = (path.with_suffix(".py"), path / "__init__.py")
    return next((each for each in files if each.is_file()), None)


def imports_of(path: Path) -> Iterator[Path]:
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


def code_of(entry: Path) -> set[Path]:
    """The entry module and everything it imports, directly or indirectly."""
    found, left = {entry}, [entry]
    while left:
        new = set(imports_of(left.pop())) - found
        found |= new
        left += new
    return found


@pytest.fixture(scope="module")
def emitted() -> Mapping[str, set[str]]:
    """By entry, the metric names in its code."""
    return {
        entry.stem: {name for path in code_of(entry) for name in names_in(path.read_text())}
        for entry in HANDLERS.glob("*.py")
    }


def test_the_counted_metrics_are_those_that_the_code_emits(emitted: Mapping[str, set[str]]):
    pairs = {(entry, name) for entry, names in emitted.items() for name in names}
    assert pairs >= NEVER_CALLED
    assert counted() == pairs - NEVER_CALLED


def test_no_metric_emitted_by_any_handler_is_missing():
    anywhere = {name for path in HANDLERS.rglob("*.py") for name in names_in(path.read_text())}
    assert anywhere == {name for _, name in counted()}
    assert {"Ticks", "ChunksLost", "ListenersUntried", "JoinMilliseconds"} <= anywhere


def test_a_name_that_several_functions_emit_is_one_metric_for_each():
    services = {entry for entry, name in counted() if name == "InternalErrors"}
    assert services == {"audio_ingest", "connection", "heartbeat", "refresh", "session_status"}


def test_a_function_that_the_stack_lacks_emits_nothing():
    arn = "arn:aws:lambda:eu-central-1:123456789012:function:captions"
    without = counted(translationFunctionArn=arn)
    assert without == {pair for pair in counted() if pair[0] != "translation"}


def test_a_new_name_in_a_handler_would_be_found():
    text = """
count(New=1)
_record("x", Left=2)
self._counters["Lost"] += 1
timed = {"joinSession": "JoinMilliseconds"}
count_of(Not=1)
other["Neither"] = 1
"""
    assert names_in(text) == {"New", "Left", "Lost", "JoinMilliseconds"}
