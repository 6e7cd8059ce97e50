"""Every pair of intervals: from the names of release 0.1.0, and from today's."""

from collections.abc import Iterator
from itertools import pairwise, permutations, product
from pathlib import Path

import pytest

from components.cadence import MAXIMUM_TARGETS_PER_RULE, cadence_of
from local.emulator.process import Emulator
from tests.engine.stack import EngineStack
from tests.engine.status_alone import (
    INTERVALS,
    assert_that_it_keeps,
    most_targets,
    status_alone,
    status_of_release_0_1_0,
)
from tests.engine.test_intervals import assert_in_place
from tests.patience import OUT_OF_REACH_SECONDS


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[EngineStack]:
    """On an emulator of its own, so that the tests need not destroy what they made."""
    with (
        Emulator(tmp_path, start_timeout_seconds=OUT_OF_REACH_SECONDS) as emulator,
        EngineStack(emulator) as started,
    ):
        yield started


@pytest.mark.parametrize(("former", "today"), list(product(INTERVALS, repeat=2)))
def test_from_release_0_1_0_the_rule_never_has_more_targets_than_either_interval(
    stack: EngineStack, former: int, today: int
) -> None:
    stack.use(status_of_release_0_1_0(former))
    stack.up()
    stack.use(status_alone(today))
    steps = stack.up()
    most = most_targets(former, steps)
    assert most == max(len(cadence_of(each).offsets_seconds) for each in (former, today))
    assert most <= MAXIMUM_TARGETS_PER_RULE
    assert_that_it_keeps(stack, today)
    assert (again := stack.preview()).changes == [], str(again)
    if former == today == 30:
        assert steps.changes == [], "the default interval's resources have kept their names"


def test_from_every_interval_to_every_other_delays_are_updated_in_place(
    stack: EngineStack,
) -> None:
    walk = every_pair_once()
    stack.use(status_alone(walk[0]))
    stack.up()
    most: dict[tuple[int, int], int] = {}
    for before, after in pairwise(walk):
        stack.use(status_alone(after))
        steps = stack.up()
        most[before, after] = most_targets(before, steps)
        assert most[before, after] <= MAXIMUM_TARGETS_PER_RULE, str(steps)
        assert_that_it_keeps(stack, after)
        assert_in_place(steps)
    assert most.keys() == set(permutations(INTERVALS, 2))


def every_pair_once() -> list[int]:
    """A walk from the first interval back to it that takes each step between two of them once."""
    left = {each: [other for other in INTERVALS if other != each] for each in INTERVALS}
    path, walk = [INTERVALS[0]], list[int]()
    while path:
        if left[path[-1]]:
            path.append(left[path[-1]].pop())
        else:
            walk.append(path.pop())
    return walk[::-1]
