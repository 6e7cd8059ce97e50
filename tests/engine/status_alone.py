"""StatusBroadcaster and what it needs, alone, and how many targets its rule had in an update."""

import dataclasses
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pytest
from pulumi import ResourceOptions
from pulumi.automation import OpType

from components.cadence import cadence_of
from components.layers import host_architecture
from components.session_lifecycle import SessionChecks, SessionChecksArgs
from components.status_broadcaster import StatusBroadcaster, StatusBroadcasterArgs, status_ticks
from components.status_broadcaster.tick_names import TICK_NAMES, TickName
from local.emulator.process import Emulator
from tests.components import stack_parts
from tests.engine.programs import Program
from tests.engine.stack import EngineStack
from tests.engine.steps import Steps

INTERVALS = (12, 15, 20, 30, 60)
"""Every interval within a minute, and whole minutes, whose number of targets is the same."""
Change = tuple[int, int]
"""The interval before, and the one after."""
BEGINNING = {OpType.CREATE, OpType.CREATE_REPLACEMENT}
ENDING = {OpType.DELETE, OpType.DELETE_REPLACED}


def status_alone(interval_seconds: int, names: Sequence[TickName] = TICK_NAMES) -> Program:
    """A program that makes a StatusBroadcaster; `names` are those of its ticks, by position."""
    return _program([_Broadcaster(interval_seconds, names)])


def status_of_release_0_1_0(interval_seconds: int) -> Program:
    """The same, with that release's names, which have the delay in them."""
    return status_alone(interval_seconds, names_of_release_0_1_0(interval_seconds))


def statuses_side_by_side(intervals: Mapping[Change, int], *, release_0_1_0: bool) -> Program:
    """A program that makes many at once, whose waits are then one.

    Each is called after the change of interval that it is to make, or has made.
    """
    return _program(
        [
            _Broadcaster(
                seconds,
                names_of_release_0_1_0(seconds) if release_0_1_0 else TICK_NAMES,
                _label(change),
            )
            for change, seconds in intervals.items()
        ]
    )


def names_of_release_0_1_0(interval_seconds: int) -> Sequence[TickName]:
    """The names of an interval's ticks at that release, by position."""
    return [TickName(f"{delay}s", ()) for delay in cadence_of(interval_seconds).offsets_seconds]


def steps_of(change: Change, steps: Steps) -> Steps:
    """Those steps that concern one of several side by side."""
    mark = f"{_parent_type(_label(change))}$"
    return Steps([step for step in steps.all if mark in step.urn])


@dataclass(frozen=True)
class _Broadcaster:
    """`label` is in its names, and in the type of its parent, so that no two have one URN."""

    interval_seconds: int
    tick_names: Sequence[TickName]
    label: str = ""


def _label(change: Change) -> str:
    before, after = change
    return f"-{before}-{after}"


def _parent_type(label: str) -> str:
    return f"tests:intervals:Change{label}"


def _program(broadcasters: Sequence[_Broadcaster]) -> Program:
    def program() -> None:
        platform = dataclasses.replace(
            stack_parts.platform(),
            account_id="000000000000",
            runtime=f"python3.{sys.version_info.minor}",
            architecture=host_architecture(),
        )
        checks = SessionChecksArgs(prefix=stack_parts.PREFIX, consumer_timeout_seconds=30)
        store, api = stack_parts.store(), stack_parts.api()
        session_checks = SessionChecks("checks", checks)
        for each in broadcasters:
            parent = pulumi.ComponentResource(_parent_type(each.label), f"change{each.label}")
            args = StatusBroadcasterArgs(
                platform=dataclasses.replace(platform, prefix=f"{platform.prefix}{each.label}"),
                store=store,
                api=api,
                session_checks=session_checks,
                periodic=False,  # the rule is there, and invokes nothing
                interval_seconds=each.interval_seconds,
            )
            with pytest.MonkeyPatch.context() as patched:
                patched.setattr(status_ticks, "TICK_NAMES", each.tick_names)
                StatusBroadcaster(f"status{each.label}", args, ResourceOptions(parent=parent))

    return program


def most_targets(interval_before: int, steps: Steps) -> int:
    """The most targets of the rule at any moment of an update from an interval.

    A target counts from when its creation began until its deletion had ended.
    """
    ends = [step.ended for step in steps.of(*ENDING, type="cloudwatch/eventTarget")]
    changes = [
        *((step.began, 1) for step in steps.of(*BEGINNING, type="cloudwatch/eventTarget")),
        *((ended, -1) for ended in ends if ended is not None),
    ]
    assert len(ends) == sum(1 for _, change in changes if change < 0), "a deletion did not end"
    most = now = len(cadence_of(interval_before).offsets_seconds)
    for _, change in sorted(changes):
        now += change
        most = max(most, now)
    return most


def assert_that_it_keeps(
    stack: EngineStack, interval_seconds: int, change: Change | None = None
) -> None:
    """The rule's targets and the delays of the queues behind them are those of the interval.

    `change` tells several side by side apart.
    """
    rule = f"{stack_parts.PREFIX}{_label(change) if change else ''}-status"
    targets = stack.emulator.client("events").list_targets_by_rule(Rule=rule)["Targets"]
    offsets = cadence_of(interval_seconds).offsets_seconds
    found = {
        each["InputTransformer"]["InputTemplate"].rpartition(": ")[2].rstrip("}"): delay_of(
            stack.emulator, each["Arn"]
        )
        for each in targets
    }
    assert found == {str(offset): offset for offset in offsets}
    assert len(targets) == len(offsets)


def delay_of(emulator: Emulator, arn: str) -> int:
    """How long a target delays a tick; a function does not."""
    if ":sqs:" not in arn:
        return 0
    sqs = emulator.client("sqs")
    url = sqs.get_queue_url(QueueName=arn.rpartition(":")[2])["QueueUrl"]
    got = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["DelaySeconds"])
    return int(got["Attributes"]["DelaySeconds"])
