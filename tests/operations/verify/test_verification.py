"""How checks run: in order, background ones in parallel, and none affected by another's failure."""

import threading
from collections.abc import Callable, Iterator

import pytest
from botocore.exceptions import ClientError

from client.sockets import FrameMissing
from operations.verify import verification
from operations.verify.checks import CheckSpec
from operations.verify.context import Check, Context
from operations.verify.verdicts import Result, Verdict, right
from operations.verify.verification import run_checks
from tests.operations.verify.contexts import context_of
from tests.patience import PATIENCE_SECONDS

DENIED = ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "DescribeRule")


def failing(error: Exception) -> Check:
    def check(context: Context) -> Iterator[Verdict]:
        yield right("first", "seen")
        raise error

    return check


def fine(context: Context) -> Iterator[Verdict]:
    yield right("fine", "seen")


@pytest.fixture
def listed(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    def listed(**checks: CheckSpec) -> None:
        monkeypatch.setattr(verification, "CHECKS", checks)

    return listed


@pytest.mark.parametrize(
    ("error", "seen"),
    [
        (DENIED, "DescribeRule failed with AccessDenied"),
        (FrameMissing("nothing came"), "FrameMissing: nothing came"),
        (ZeroDivisionError("oh"), "the check itself failed: ZeroDivisionError: oh"),
    ],
)
def test_a_failing_check_keeps_its_rows_and_the_others_continue(
    listed: Callable[..., None], error: Exception, seen: str
) -> None:
    listed(bad=CheckSpec(failing(error)), good=CheckSpec(fine))
    said, broke, other = run_checks(context_of(), ["bad", "good"])
    assert (said.check, said.verdict.result) == ("bad", Result.RIGHT)
    assert (broke.check, broke.verdict.result) == ("bad", Result.NOT_CHECKED)
    assert broke.verdict.seen == seen
    assert broke.verdict.way_out
    assert other.check == "good"


def test_a_background_check_runs_in_parallel_and_keeps_its_place(
    listed: Callable[..., None],
) -> None:
    others_ran = threading.Event()

    def waits(context: Context) -> Iterator[Verdict]:
        assert others_ran.wait(PATIENCE_SECONDS), "the other checks wait for this one"
        yield right("waits", "seen")

    def sets(context: Context) -> Iterator[Verdict]:
        others_ran.set()
        yield right("sets", "seen")

    listed(slow=CheckSpec(waits, in_background=True), quick=CheckSpec(sets))
    rows = run_checks(context_of(), ["slow", "quick"])
    assert [row.verdict.subject for row in rows] == ["waits", "sets"]
