"""What a tick's queue, target and mapping are called: by position, whatever the interval.

So another interval changes their delays in place. Position 0 is the tick that is not delayed.
"""

from dataclasses import dataclass

# The first two as in release 0.1.0 at the default interval of 30 s, so that a stack with that
# interval can be brought to this release and back without a change.
LABELS = ("0s", "30s", "2", "3", "4")
"""The end of the names at each position; there are as many as a rule may have targets."""

# Release 0.1.0 named them by their delay in seconds: here is the position at which each is now.
# The delays of one interval are in different positions, from 1 on. So no two resources have the
# same alias, and an update from any interval to any other makes no target that would be the sixth.
POSITIONS_OF_FORMER_DELAYS = {12: 1, 15: 2, 20: 1, 24: 2, 30: 1, 36: 3, 40: 2, 45: 3, 48: 4}


@dataclass(frozen=True)
class TickName:
    """`label` ends the names of a position; the other labels ended them in release 0.1.0."""

    label: str
    former_labels: tuple[str, ...]


def _tick_name(position: int) -> TickName:
    former = [f"{delay}s" for delay, at in POSITIONS_OF_FORMER_DELAYS.items() if at == position]
    label = LABELS[position]
    return TickName(label, tuple(each for each in former if each != label))


TICK_NAMES = tuple(_tick_name(position) for position in range(len(LABELS)))
"""By position."""
