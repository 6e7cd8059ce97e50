"""Another status interval, from the names of release 0.1.0 and from today's."""

from itertools import pairwise

import pytest
from pulumi.automation import OpType

from components.cadence import MAXIMUM_TARGETS_PER_RULE
from tests.engine.conftest import StartStack
from tests.engine.stack import EngineStack
from tests.engine.status_alone import (
    assert_that_it_keeps,
    most_targets,
    status_alone,
    status_of_release_0_1_0,
)
from tests.engine.steps import Steps

FORMER_SECONDS = 15
# Fewer targets, the most, and one; tests/engine/full has every pair.
WALK = (20, 12, 60)


@pytest.fixture(scope="module")
def stack(start_stack: StartStack) -> EngineStack:
    """A stack that release 0.1.0 made."""
    started = start_stack(name="intervals", program=status_of_release_0_1_0(FORMER_SECONDS))
    started.up()
    assert_that_it_keeps(started, FORMER_SECONDS)
    return started


def test_the_interval_changes_together_with_the_names_of_release_0_1_0(stack: EngineStack) -> None:
    stack.use(status_alone(WALK[0]))
    steps = stack.up()
    assert most_targets(FORMER_SECONDS, steps) <= MAXIMUM_TARGETS_PER_RULE, str(steps)
    assert_that_it_keeps(stack, WALK[0])
    # Of three queues, the one of 30 s is kept as it is, and the last one goes.
    assert steps.names(OpType.CREATE_REPLACEMENT, type="sqs/queue") == {
        "status-ticks-ticks-2-queue"
    }
    assert steps.names(OpType.CREATE) == set()


@pytest.mark.parametrize(("before", "after"), list(pairwise(WALK)))
def test_another_interval_updates_delays_in_place(
    stack: EngineStack, before: int, after: int
) -> None:
    stack.use(status_alone(after))
    steps = stack.up()
    assert most_targets(before, steps) <= MAXIMUM_TARGETS_PER_RULE, str(steps)
    assert_that_it_keeps(stack, after)
    assert_in_place(steps)


def test_a_preview_after_all_of_it_is_empty(stack: EngineStack) -> None:
    steps = stack.preview()
    assert steps.changes == [], str(steps)


def assert_in_place(steps: Steps) -> None:
    assert {step.op for step in steps.changes} <= {OpType.CREATE, OpType.UPDATE, OpType.DELETE}
    for step in steps.of(OpType.UPDATE):
        assert set(step.changed) <= {"delaySeconds", "inputTransformer", "policy"}, str(step)
