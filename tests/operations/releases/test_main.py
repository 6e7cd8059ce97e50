"""The command: what it prints, and why it does not run."""

import json
import subprocess
from pathlib import Path

import pytest

from operations.releases import __main__ as command
from operations.releases import finding
from operations.releases.__main__ import main
from operations.releases.finding import commit_to_release, kept_versions
from operations.releases.records import FULL_COMMIT
from operations.releases.stack import ReleasedStack, ReleaseError
from operations.verify.deployment import CannotVerify
from tests.operations.releases.lambdas import (
    ONE,
    TWO,
    Function,
    Lambdas,
    deployed,
    failure,
    named,
    stack_of,
)

A, B = "a" * 40, "b" * 40


@pytest.fixture
def lambdas(monkeypatch: pytest.MonkeyPatch) -> Lambdas:
    """What the command finds: two functions on their first version."""
    lambdas = deployed(connection=1, fan_out=1)

    def found(stack: str, cloud: str | None) -> ReleasedStack:
        return stack_of(lambdas)

    monkeypatch.setattr(command, "released_stack", found)
    return lambdas


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["--stack", "staging", *arguments]) == 0
    printed = capsys.readouterr()
    assert printed.err == ""
    return printed.out


def failed(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["--stack", "staging", *arguments]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    return printed.err


def record_two(lambdas: Lambdas, capsys: pytest.CaptureFixture[str]) -> None:
    run(capsys, "--record", "--commit", A)
    lambdas.publish(TWO, 2)
    run(capsys, "--record", "--commit", B)


def test_a_release_is_recorded_and_recorded_once(
    lambdas: Lambdas, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "release aaaaaaa of 2" in run(capsys, "--record", "--commit", A)
    assert run(capsys, "--record", "--commit", A).endswith("was recorded before\n")


def test_what_is_deleted_is_printed(lambdas: Lambdas, capsys: pytest.CaptureFixture[str]) -> None:
    lambdas.publish(ONE, 2)
    printed = run(capsys, "--record", "--commit", A)
    assert f"deleted version 1 of {named(ONE)}" in printed
    assert "deleted the record of aaaaaaa" in run(capsys, "--record", "--commit", B)


def test_the_table_has_the_newest_release_first_and_says_which_is_live(
    lambdas: Lambdas, capsys: pytest.CaptureFixture[str]
) -> None:
    record_two(lambdas, capsys)
    _, newest, oldest, live = run(capsys).splitlines()
    assert B in newest
    assert "live" in newest
    assert f"{named(TWO)} 1 → 2" in newest
    assert A in oldest
    assert " live " not in oldest
    assert live.startswith("release bbbbbbb of ")
    assert live.endswith(" is live")


def test_after_a_rollback_the_older_release_is_live(
    lambdas: Lambdas, capsys: pytest.CaptureFixture[str]
) -> None:
    record_two(lambdas, capsys)
    assert run(capsys, "--rolled-back") == ""
    lambdas.move(TWO, 1)
    document = json.loads(run(capsys, "--json"))
    assert [(each["commit"], each["isLive"]) for each in document["releases"]] == [
        (B, False),
        (A, True),
    ]
    assert document["live"] == A
    assert document["state"].endswith("is live, rolled back from newer versions")
    assert run(capsys, "--rolled-back") == f"{named(TWO)}\n"
    assert run(capsys, "--last-commit") == f"{B}\n", "the last one that was deployed"


def test_versions_that_are_not_recorded_are_told_from_a_mixture(
    lambdas: Lambdas, capsys: pytest.CaptureFixture[str]
) -> None:
    record_two(lambdas, capsys)
    lambdas.publish(ONE, 2)
    assert run(capsys).splitlines()[-1].startswith("not recorded: the newest versions")
    lambdas.move(TWO, 1)
    assert "mixed: no release has the versions that are live: " in run(capsys)
    document = json.loads(run(capsys, "--json"))
    assert document["live"] is None
    assert document["state"].endswith(f"{named(ONE)} 2, {named(TWO)} 1")


def test_without_records_the_list_is_empty_and_there_is_no_last_commit(
    lambdas: Lambdas, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(capsys, "--last-commit") == ""
    assert "no release of staging is recorded" in run(capsys)
    lambdas.functions.clear()
    assert "nothing is deployed" in run(capsys)
    assert run(capsys, "--rolled-back") == ""


def test_before_the_first_versions_nothing_is_rolled_back(
    lambdas: Lambdas, capsys: pytest.CaptureFixture[str]
) -> None:
    lambdas.functions[named(ONE)] = Function()
    assert run(capsys, "--rolled-back") == ""
    assert run(capsys, "--last-commit") == ""
    assert "has no alias live" in failed(capsys)


def test_what_aws_refuses_is_named(
    lambdas: Lambdas, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(**asked: object) -> object:
        raise failure("AccessDeniedException", "GetAlias")

    monkeypatch.setattr(lambdas, "get_alias", refuse)
    assert "GetAlias failed with AccessDeniedException: allow it" in failed(capsys)


def test_options_that_contradict_each_other_are_refused(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for arguments in (["--commit", A], ["--record", "--last-commit"], ["--json", "--rolled-back"]):
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        assert ended.value.code == 2
    assert "--commit is for --record" in capsys.readouterr().err


@pytest.mark.parametrize("commit", ["abc1234", "A" * 40, f"{A}0", "main", ""])
def test_an_incomplete_commit_is_refused(
    lambdas: Lambdas, capsys: pytest.CaptureFixture[str], commit: str
) -> None:
    assert "40 hexadecimal digits" in failed(capsys, "--record", "--commit", commit)
    assert run(capsys, "--last-commit") == ""


def git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.com"]
    command = ["git", "-C", str(folder), *identity, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    git(tmp_path, "init", "--quiet")
    (tmp_path / "code.py").write_text("pass\n")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "--message", "one")
    return tmp_path


def test_the_commit_is_that_of_the_checkout(checkout: Path) -> None:
    commit = commit_to_release(None, checkout)
    assert FULL_COMMIT.fullmatch(commit)
    assert commit == git(checkout, "rev-parse", "HEAD")


@pytest.mark.parametrize("changed", ["code.py", "new.py"])
def test_a_checkout_with_changes_is_no_commit(checkout: Path, changed: str) -> None:
    (checkout / changed).write_text("changed\n")
    with pytest.raises(ReleaseError, match=f"1 files differ from the commit, .*{changed}"):
        commit_to_release(None, checkout)
    assert commit_to_release(A, checkout) == A


def test_without_a_repository_the_commit_has_to_be_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    with pytest.raises(ReleaseError, match=r"not a git repository.*name it with --commit"):
        commit_to_release(None, tmp_path)


def test_the_number_of_kept_versions_is_checked_before_anything_is_deleted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert kept_versions("staging") == 5
    for value in ("1", "51", "many", "2.5"):
        monkeypatch.setattr(
            finding,
            "stack_config",
            lambda stack, value=value: {"live-sessions:keptVersions": value},
        )
        with pytest.raises(
            ReleaseError, match=f"keptVersions is '{value}': must be a whole number"
        ):
            kept_versions("staging")


def test_an_unknown_stack_is_refused() -> None:
    with pytest.raises(CannotVerify, match=r"no Pulumi\.moon\.yaml: --stack takes local, "):
        finding.released_stack("moon")
