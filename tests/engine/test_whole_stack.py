"""The whole program on a small stack: it comes up, stays as it is, and goes without a trace."""

import pytest
from pulumi.automation import OpType

from local.emulator.process import Emulator
from tests.engine.conftest import StartStack
from tests.engine.inventory import inventory
from tests.engine.stack import EngineStack


@pytest.fixture(scope="module")
def stack(start_stack: StartStack) -> EngineStack:
    started = start_stack()
    steps = started.up()
    assert {step.op for step in steps.changes} == {OpType.CREATE}
    return started


def test_a_second_preview_is_empty(stack: EngineStack) -> None:
    steps = stack.preview()
    assert steps.names(OpType.SAME) >= {"connection-function", "status-ticks-schedule-rule"}
    assert steps.changes == [], str(steps)


def test_a_preview_after_a_refresh_is_empty(stack: EngineStack) -> None:
    steps = stack.preview(refresh=True)
    assert steps.names(OpType.REFRESH) == steps.names(OpType.SAME)
    assert steps.changes == [], str(steps)


def test_destroy_leaves_nothing(stack: EngineStack, emulator: Emulator) -> None:
    before = inventory(emulator)
    assert before.keys() >= {"APIs", "functions", "queues", "roles", "rules", "tables"}
    steps = stack.destroy()
    assert {step.op for step in steps.changes} == {OpType.DELETE}
    assert inventory(emulator) == {}
