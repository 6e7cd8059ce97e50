"""Every pair of intervals: from the names of release 0.1.0, and from today's.

The pairs are side by side in one stack: an update mostly waits for queues to spread.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from components.cadence import MAXIMUM_TARGETS_PER_RULE, cadence_of
from local.emulator.process import Emulator
from tests.engine.stack import EngineStack
from tests.engine.status_alone import (
    INTERVALS,
    Change,
    assert_that_it_keeps,
    most_targets,
    statuses_side_by_side,
    steps_of,
)
from tests.engine.steps import Steps
from tests.engine.test_intervals import assert_in_place
from tests.patience import OUT_OF_REACH_SECONDS

PAIRS = [(before, after) for before in INTERVALS for after in INTERVALS]
OTHERS = [(before, after) for before, after in PAIRS if before != after]
STEPS_AT_ONCE = 64
"""Most of them wait."""


@dataclass(frozen=True)
class Update:
    """The stack after an update in which each of its intervals changed, and its steps."""

    stack: EngineStack
    steps: Steps


@contextmanager
def updated(
    folder: Path, changes: Sequence[Change], *, from_release_0_1_0: bool
) -> Iterator[Update]:
    """On an emulator of its own, so that nothing need be destroyed."""
    before = {change: change[0] for change in changes}
    after = {change: change[1] for change in changes}
    with (
        Emulator(folder, start_timeout_seconds=OUT_OF_REACH_SECONDS) as emulator,
        EngineStack(emulator) as stack,
    ):
        stack.use(statuses_side_by_side(before, release_0_1_0=from_release_0_1_0))
        stack.up(parallel=STEPS_AT_ONCE)
        stack.use(statuses_side_by_side(after, release_0_1_0=False))
        yield Update(stack, stack.up(parallel=STEPS_AT_ONCE))


@pytest.fixture(scope="module")
def from_release_0_1_0(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Update]:
    folder = tmp_path_factory.mktemp("release")
    with updated(folder, PAIRS, from_release_0_1_0=True) as update:
        yield update


@pytest.fixture(scope="module")
def from_today(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Update]:
    folder = tmp_path_factory.mktemp("today")
    with updated(folder, OTHERS, from_release_0_1_0=False) as update:
        yield update


@pytest.mark.parametrize("change", PAIRS, ids=str)
def test_from_release_0_1_0_the_rule_never_has_more_targets_than_either_interval(
    from_release_0_1_0: Update, change: Change
) -> None:
    before, after = change
    most = most_targets(before, steps_of(change, from_release_0_1_0.steps))
    print(f"from {before} to {after} s: at most {most} targets")
    assert most == max(len(cadence_of(each).offsets_seconds) for each in change)
    assert most <= MAXIMUM_TARGETS_PER_RULE
    assert_that_it_keeps(from_release_0_1_0.stack, after, change)


def test_the_default_interval_has_kept_the_names_of_release_0_1_0(
    from_release_0_1_0: Update,
) -> None:
    assert steps_of((30, 30), from_release_0_1_0.steps).changes == []


@pytest.mark.parametrize("change", OTHERS, ids=str)
def test_from_every_interval_to_every_other_delays_are_updated_in_place(
    from_today: Update, change: Change
) -> None:
    before, after = change
    steps = steps_of(change, from_today.steps)
    most = most_targets(before, steps)
    print(f"from {before} to {after} s: at most {most} targets")
    assert most <= MAXIMUM_TARGETS_PER_RULE, str(steps)
    assert_that_it_keeps(from_today.stack, after, change)
    assert_in_place(steps)


@pytest.mark.parametrize("update", ["from_release_0_1_0", "from_today"])
def test_a_preview_afterwards_is_empty(update: str, request: pytest.FixtureRequest) -> None:
    steps = request.getfixturevalue(update).stack.preview()
    assert steps.changes == [], str(steps)
