"""The command: what it shows and asks, and what it says afterwards."""

import io
import sys
from collections.abc import Callable

import pytest

from operations.releases.stack import ReleasedStack
from operations.rollback import __main__ as command
from operations.rollback.__main__ import main
from operations.verify.deployment import CannotVerify
from operations.verify.verdicts import Result, Row, Verdict
from tests.operations.releases.lambdas import THREE, Lambdas, named, stack_of
from tests.operations.rollback.test_rollback import A, B, live, two_releases

MOVED, UNMOVED = ["1", "1", "1"], ["2", "2", "1"]


class Terminal(io.StringIO):
    """A terminal on which somebody types this."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def lambdas(monkeypatch: pytest.MonkeyPatch) -> Lambdas:
    """What the command finds: two releases, of which the newer one serves."""
    lambdas = two_releases()

    def found(stack: str, cloud: str | None) -> ReleasedStack:
        return stack_of(lambdas)

    monkeypatch.setattr(command, "released_stack", found)
    return lambdas


@pytest.fixture
def verified(lambdas: Lambdas, monkeypatch: pytest.MonkeyPatch) -> Callable[[Result], None]:
    """Sets what the verification finds, which must come after the aliases have moved."""

    def finds(result: Result) -> None:
        def verify(*asked: object) -> list[Row]:
            assert live(lambdas) == MOVED
            return [Row("functions", Verdict("functions", result, "seen", "way out"))]

        monkeypatch.setattr(command, "deployment_of", lambda options: None)
        monkeypatch.setattr(command, "verify", verify)

    return finds


def typing(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal(text))


@pytest.mark.parametrize(
    ("result", "status"), [(Result.RIGHT, 0), (Result.WRONG, 1), (Result.NOT_CHECKED, 2)]
)
def test_after_a_yes_the_aliases_move_and_the_stack_is_verified(
    lambdas: Lambdas,
    verified: Callable[[Result], None],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    result: Result,
    status: int,
) -> None:
    verified(result)
    typing(monkeypatch, "yes\n")
    assert main(["--stack", "staging"]) == status
    printed = capsys.readouterr().out
    assert printed.startswith("staging serves release bbbbbbb of 2026-11-29T13:00:00Z; to go back")
    assert "  live-sessions-staging-connection: 2 → 1\n" in printed
    assert f"on their versions already: {named(THREE)}" in printed
    assert "every alias is on release aaaaaaa of 2026-11-29T12:00:00Z" in printed
    assert "(3 functions, 2 moved)" in printed
    assert "`pulumi up --refresh --stack staging`" in printed
    assert "functions  " in printed, "the table of the verification"


@pytest.mark.parametrize("answer", ["no\n", "y\n", "\n", ""])
def test_without_a_yes_nothing_moves(
    lambdas: Lambdas,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    answer: str,
) -> None:
    typing(monkeypatch, answer)
    assert main(["--stack", "staging"]) == 2
    assert "nothing is rolled back" in capsys.readouterr().err
    assert live(lambdas) == UNMOVED


def test_without_a_terminal_nothing_moves_unless_told_to(
    lambdas: Lambdas,
    verified: Callable[[Result], None],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    verified(Result.RIGHT)
    monkeypatch.setattr(sys, "stdin", io.StringIO("yes\n"))
    assert main(["--stack", "staging"]) == 2
    assert "pass --yes" in capsys.readouterr().err
    assert live(lambdas) == UNMOVED
    assert main(["--stack", "staging", "--yes"]) == 0
    assert live(lambdas) == MOVED


def test_a_stack_that_cannot_be_verified_is_rolled_back_all_the_same(
    lambdas: Lambdas, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown(options: object) -> object:
        raise CannotVerify("the Pulumi CLI is not installed")

    monkeypatch.setattr(command, "deployment_of", unknown)
    assert main(["--stack", "staging", "--to", A, "--yes"]) == 2
    assert "staging is rolled back, but not verified: the Pulumi CLI" in capsys.readouterr().err
    assert live(lambdas) == MOVED


def test_a_release_that_serves_already_needs_no_answer(
    lambdas: Lambdas, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "deployment_of", lambda options: None)
    monkeypatch.setattr(command, "verify", lambda *asked: [])
    assert main(["--stack", "staging", "--to", B]) == 0
    assert "(3 functions, 0 moved)" in capsys.readouterr().out
    assert live(lambdas) == UNMOVED


def test_an_unknown_release_is_refused(
    lambdas: Lambdas, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--stack", "staging", "--to", "123", "--yes"]) == 2
    assert "TO=123: no release begins so" in capsys.readouterr().err


def test_an_interruption_says_where_to_look(
    lambdas: Lambdas, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(options: object) -> object:
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "deployment_of", interrupt)
    assert main(["--stack", "staging", "--yes"]) == 130
    assert "`make releases`" in capsys.readouterr().err
