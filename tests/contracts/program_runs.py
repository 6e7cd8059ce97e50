"""Runs of the whole program on recording mocks; tests that need the same run share it."""

import functools
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from components.layers import host_architecture
from components.web_pages import PagesBuildError
from program.computed import REGION
from program.engine import Engine, RecordingMonitor
from program.run import run_program
from program.stack_config import ROOT, committed_stacks, recorded_config

HOST = {
    "lambdaRuntime": f"python3.{sys.version_info[1]}",
    "lambdaArchitecture": host_architecture(),
}
# npm writes it when it has installed everything.
WEB_PACKAGES = ROOT / "web/node_modules/.package-lock.json"
# What may be in a stack besides what staging has.
EVERYTHING = {
    "region": REGION,
    "manageApiGatewayAccount": True,
    "accessLogs": True,
    "domainName": "live.example.com",
    "hostedZoneId": "Z0123456789",
    "alarms": True,
    "alarmEmail": "ops@example.com",
    "dashboard": True,
    "routeMetrics": True,
    "tracing": True,
    "transcripts": True,
    "webPages": True,
    "webPagesDomainName": "talk.example.com",
    "webPagesHostedZoneId": "Z0123456789",
    "webPagesOrigins": ["http://localhost:5173"],
}
# A stack of few resources, for tests that need many runs.
LEAN = {
    "alarms": False,
    "dashboard": False,
    "accessLogs": False,
    "manageApiGatewayAccount": False,
    "audioSlots": 1,
    "statusIntervalSeconds": 60,
}
STACKS = (*committed_stacks(), "everything")


@dataclass(frozen=True)
class ProgramRun:
    """One run, shared by tests that only read it; the keys of `config` have no prefix."""

    name: str
    config: Mapping[str, str]
    engine: Engine
    outputs: Mapping[str, Any]

    def is_on(self, key: str) -> bool:
        return self.config[key] == "true"


def run(
    stack: str,
    overrides: Mapping[str, Any] | None = None,
    *,
    name: str = "",
    preview: bool = False,
) -> ProgramRun:
    """A committed stack's config, with overrides, as the stack `name`; the local cloud's has the
    host's Python, as its runner sets it.
    """
    return _made_once(stack, json.dumps(overrides or {}), name or stack, preview)


def run_named(stack: str) -> ProgramRun:
    """One of STACKS: a committed stack, or staging with everything in it."""
    return run("staging", EVERYTHING) if stack == "everything" else run(stack)


@functools.cache
def _made_once(stack: str, overrides: str, name: str, preview: bool) -> ProgramRun:
    return run_afresh(stack, json.loads(overrides), name=name, preview=preview)


def run_afresh(
    stack: str, overrides: Mapping[str, Any], *, name: str, preview: bool = False
) -> ProgramRun:
    """A run of its own, which no other test sees.

    Skips the test if it needs the pages, where what they depend on could not be installed.
    """
    engine = Engine(preview=preview)
    config = recorded_config(stack, {**(HOST if stack == "local" else {}), **overrides})
    try:
        outputs = run_program(
            engine, stack=name, config=config, preview=preview, monitor=RecordingMonitor(engine)
        )
    except PagesBuildError as error:
        if WEB_PACKAGES.exists():
            raise
        pytest.skip(str(error))
    plain = {key.removeprefix("live-sessions:"): value for key, value in config.items()}
    return ProgramRun(name, plain, engine, outputs)
