"""Counts and notices are right however the calls of concurrent handlers interleave.

The same examples each time; with INTERLEAVING_EXAMPLES=2000 in the environment that many, each time
others, for as long as it takes. What was done is printed.
"""

from __future__ import annotations

import os
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.handlers.conftest import Stage
from tests.handlers.properties.machine import FailingSessions, LiveSessions
from tests.handlers.properties.turns import Tally
from tests.handlers.properties.world import World, without_logs

IS_DEEP = "INTERLEAVING_EXAMPLES" in os.environ
EXAMPLES = int(os.environ.get("INTERLEAVING_EXAMPLES", "40"))
RULES_AT_MOST = 50
CHECKS: Any = list(HealthCheck)
PROFILE = settings(
    max_examples=EXAMPLES,
    stateful_step_count=RULES_AT_MOST,
    deadline=None,
    derandomize=not IS_DEEP,
    database=None,
    phases=[Phase.generate, Phase.shrink],
    suppress_health_check=CHECKS,
    print_blob=False,
    report_multiple_bugs=False,
)


@pytest.mark.timeout(0 if IS_DEEP else 300)
@pytest.mark.parametrize("lag", [False, True], ids=["fresh-indexes", "lagging-indexes"])
@pytest.mark.parametrize("machine", [LiveSessions, FailingSessions])
def test_counts_and_notices_are_right_however_calls_interleave(
    stage: Stage,
    machine: type[LiveSessions],
    lag: bool,
    capsys: pytest.CaptureFixture[str],
) -> None:
    world = World(stage, lag=lag)
    tally = Tally()
    try:
        with without_logs():
            make: Any = lambda: machine(world, tally)  # noqa: E731
            run_state_machine_as_test(make, settings=PROFILE)
    finally:
        with capsys.disabled():
            print(f"\n{machine.__name__}, {'lagging' if lag else 'fresh'} indexes: {tally}")
