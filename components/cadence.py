"""How a scheduler of whole minutes keeps an interval in seconds.

A rule fires once a minute and has one target for each tick within that minute: the first tick is
delivered at once, each later one through a queue that delays it by `offset` seconds.
"""

from dataclasses import dataclass

SECONDS_PER_MINUTE = 60
# https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html
MAXIMUM_TARGETS_PER_RULE = 5
SHORTEST_INTERVAL_SECONDS = SECONDS_PER_MINUTE // MAXIMUM_TARGETS_PER_RULE


@dataclass(frozen=True)
class Cadence:
    """A rule's schedule, and the seconds from each firing to the ticks that follow from it."""

    schedule_expression: str
    offsets_seconds: tuple[int, ...]


def problem_with_interval(interval_seconds: int) -> str | None:
    """What is wrong with an interval in seconds, as the rule that it breaks; None if nothing is."""
    if interval_seconds >= SECONDS_PER_MINUTE:
        fits = interval_seconds % SECONDS_PER_MINUTE == 0
    else:
        divides = interval_seconds > 0 and SECONDS_PER_MINUTE % interval_seconds == 0
        fits = divides and interval_seconds >= SHORTEST_INTERVAL_SECONDS
    if fits:
        return None
    return (
        f"must divide {SECONDS_PER_MINUTE} and be at least {SHORTEST_INTERVAL_SECONDS}"
        " (12, 15, 20 or 30), or be a whole number of minutes (60, 120, ...)"
    )


def cadence_of(interval_seconds: int) -> Cadence:
    """The schedule that keeps an interval; raises `ValueError` for an interval it cannot keep."""
    if rule := problem_with_interval(interval_seconds):
        raise ValueError(f"A status interval of {interval_seconds} seconds {rule}.")
    if interval_seconds < SECONDS_PER_MINUTE:
        return Cadence(rate(1), tuple(range(0, SECONDS_PER_MINUTE, interval_seconds)))
    return Cadence(rate(interval_seconds // SECONDS_PER_MINUTE), (0,))


def rate(minutes: int) -> str:
    """EventBridge's rate expression, which has the singular for one minute."""
    return "rate(1 minute)" if minutes == 1 else f"rate({minutes} minutes)"
