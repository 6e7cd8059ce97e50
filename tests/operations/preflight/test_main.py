"""The command: its exit status, and the errors with which it does not start."""

import json
from collections.abc import Callable

import pytest

from operations.preflight import __main__ as command
from operations.preflight.__main__ import main, preflight
from operations.preflight.checks import CHECKS
from operations.verify.verdicts import Result, Row, Verdict
from tests.operations.preflight.accounts import account


def row(check: str, result: Result) -> Row:
    return Row(check, Verdict("subject", result, "seen", "way out"))


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Sets the rows that the next run finds."""

    def set_rows(*rows: Row) -> None:
        monkeypatch.setattr(command, "account_of", lambda stack: None)
        monkeypatch.setattr(command, "preflight", lambda account, say: list(rows))

    return set_rows


@pytest.mark.parametrize(
    ("rows", "status", "before_update"),
    [
        ([row("names", Result.RIGHT)], 0, 0),
        ([row("names", Result.RIGHT), row("names", Result.WRONG)], 1, 1),
        ([row("capacity", Result.WRONG)], 1, 0),
        ([row("alarm email", Result.WRONG)], 1, 0),
        ([row("names", Result.UNKNOWN)], 2, 0),
        ([row("names", Result.NOT_CHECKED)], 2, 0),
        ([row("alarm email", Result.NOT_TRIED)], 0, 0),
    ],
)
def test_before_an_update_only_what_would_fail_it_counts(
    found: Callable[..., None], rows: list[Row], status: int, before_update: int
) -> None:
    found(*rows)
    assert main(["--stack", "staging"]) == status
    assert main(["--stack", "staging", "--before-update"]) == before_update


def test_json_has_every_row(found: Callable[..., None], capsys: pytest.CaptureFixture[str]) -> None:
    found(row("names", Result.UNKNOWN))
    main(["--stack", "staging", "--json"])
    document = json.loads(capsys.readouterr().out)
    assert (document["stack"], document["exitStatus"]) == ("staging", 2)
    assert document["rows"][0]["result"] == "unknown"


def test_a_stack_that_is_not_on_aws_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    for stack in ("local", "moon"):
        assert main(["--stack", stack]) == 2
        assert f"--stack {stack} is not a stack on AWS: it takes production, staging" in (
            capsys.readouterr().err
        )


def test_a_check_that_fails_itself_is_reported_and_the_others_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(service: str) -> object:
        raise ZeroDivisionError(service)

    context = account()
    monkeypatch.setattr(command, "declared_by", lambda *_: context.declared)
    deployment = context.deployment.__class__(**{**vars(context.deployment), "client": broken})
    rows = preflight(deployment, lambda text: None)
    assert {each.check for each in rows} == set(CHECKS) - {
        "domain",
        "pages domain",
        "speaker issuer",
    }
    assert {each.verdict.result for each in rows} == {Result.NOT_CHECKED, Result.RIGHT}
