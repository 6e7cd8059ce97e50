"""What the handlers do on many threads and over many rows, made small enough to be shown whole."""

from __future__ import annotations

import dataclasses
import importlib
import sys
from concurrent.futures import Executor, Future
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from tests.handlers.conftest import Stage

PAGE_SIZE = 2
"""Three listeners, which is a full session here, are two pages."""

SHARDS_SWEPT = 1


class InlineExecutor(Executor):
    """Runs what is submitted at once, in the thread that submits it."""

    def __init__(self, *_: Any, **__: Any) -> None:
        pass

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_result(fn(*args, **kwargs))
        return future


def modules_of(stage: Stage) -> list[ModuleType]:
    """The handlers' entries and what they share."""
    return [
        module
        for name, module in list(sys.modules.items())
        if name in stage.entries or name.startswith("live_sessions.")
    ]


def arrange(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in modules_of(stage):
        if hasattr(module, "ThreadPoolExecutor"):
            monkeypatch.setattr(module, "ThreadPoolExecutor", InlineExecutor)
    monkeypatch.setattr(stage.entries["fan_out"], "PAGE_SIZE", PAGE_SIZE)
    _use_one_shard(stage, monkeypatch)
    as_they_are = SimpleNamespace(shuffle=lambda slots: None)
    monkeypatch.setattr("live_sessions.tables.audio_slots.random", as_they_are)
    _be_quiet(monkeypatch)


def _use_one_shard(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sixty-four index queries for each run of reconcile would drown everything else."""
    reconcile, connection = stage.entries["reconcile"], stage.entries["connection"]
    monkeypatch.setattr(reconcile, "STATUS_SHARDS_LIMIT", SHARDS_SWEPT)
    in_order = SimpleNamespace(sample=lambda shards, _: list(shards))
    monkeypatch.setattr(reconcile, "random", in_order)
    one_shard = dataclasses.replace(reconcile.ENVIRONMENT, status_shards=1)
    monkeypatch.setattr(reconcile, "ENVIRONMENT", one_shard)
    create_session = dataclasses.replace(connection.SPEAKERS, status_shards=1).create_session
    monkeypatch.setitem(connection.ANSWERS, "createSession", create_session)


def _be_quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    telemetry = importlib.import_module("live_sessions.telemetry")
    for level in ("info", "warning", "exception"):
        monkeypatch.setattr(telemetry.logger, level, lambda *_, **__: None)
    monkeypatch.setattr(telemetry.metrics, "flush_metrics", telemetry.metrics.clear_metrics)
