"""The workflows' scripts, run in bash with fakes for gh, pulumi and make."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from program.stack_config import ROOT
from tests.patience import PATIENCE_SECONDS

FAKE_COMMAND = """#!/bin/bash
printf '%s\\n' "$(basename "$0") $*" >> "$CALLS"
[ -f body.md ] && cp body.md "$CALLS.body"
answer="$ANSWERS/$(basename "$0")"
for special in "$answer".*; do
  [[ "$*" == *"${special##*.}"* ]] && answer="$special"
done
cat "$answer" 2>/dev/null
exit "${STATUS:-0}"
"""


class Runner:
    """A GitHub runner: its folder, its files and its commands, which are fakes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.calls = folder / "calls"
        self.outputs, self.summary = folder / "outputs", folder / "summary"
        (folder / "bin").mkdir()
        for name in ("gh", "pulumi", "make"):
            (folder / "bin" / name).write_text(FAKE_COMMAND)
            (folder / "bin" / name).chmod(0o755)

    def run(self, script: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Runs a script as GitHub runs `shell: bash`; `environment` is added to the runner's."""
        for path in (self.calls, self.outputs, self.summary):
            path.write_text("")
        return subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],  # noqa: S607
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
            check=False,
            env={
                "PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}",
                "CALLS": str(self.calls),
                "ANSWERS": str(self.folder),
                "GITHUB_OUTPUT": str(self.outputs),
                "GITHUB_STEP_SUMMARY": str(self.summary),
                **environment,
            },
        )

    def answer(self, command: str, text: str, *, argument: str | None = None) -> None:
        """Sets what a fake prints: always, or only when its arguments contain `argument`."""
        (self.folder / (f"{command}.{argument}" if argument else command)).write_text(text)


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    return Runner(tmp_path)


def script(workflow: str, job: str, step: str) -> str:
    """Returns the script of the step with this name."""
    content: dict[str, Any] = yaml.safe_load(
        (ROOT / f".github/workflows/{workflow}.yml").read_text()
    )
    (found,) = [each for each in content["jobs"][job]["steps"] if each.get("name") == step]
    return found["run"]


COMMENT = script("preview", "comment", "Create or update the comment")
PREVIEW = script("preview-stack", "preview", "Preview")
NEWEST = script("deploy-stack", "deploy", "Choose the commit to deploy, unless main has moved on")
REPORT = script("deploy-stack", "deploy", "Report which commit replaces which")
OLD, NEW, LATER = "a" * 40, "b" * 40, "c" * 40
PULL_REQUEST = {
    "GH_REPO": "acme/live-sessions",
    "NUMBER": "7",
    "HEAD": "abc123",
    "RESULT": "success",
    "RUN": "https://github.com/acme/live-sessions/actions/runs/1",
    "PREVIEW": "+ aws:sqs/queue:Queue $(touch injected) `touch injected`\n- gone",
}


def test_the_first_preview_creates_a_comment(runner: Runner):
    ran = runner.run(COMMENT, **PULL_REQUEST)
    assert ran.returncode == 0, ran.stderr
    listing, write = runner.calls.read_text().splitlines()
    assert "--paginate repos/acme/live-sessions/issues/7/comments" in listing
    assert "--method POST repos/acme/live-sessions/issues/7/comments" in write
    body = (runner.folder / "calls.body").read_text()
    assert body.startswith("<!-- preview of staging -->\n")
    assert PULL_REQUEST["PREVIEW"] in body
    assert "at abc123: success ([run](https://github.com/acme" in body
    assert not (runner.folder / "injected").exists()


def test_a_later_preview_updates_the_comment(runner: Runner):
    runner.answer("gh", "41\n42\n")
    ran = runner.run(COMMENT, **PULL_REQUEST)
    assert ran.returncode == 0, ran.stderr
    _, write = runner.calls.read_text().splitlines()
    assert "--method PATCH repos/acme/live-sessions/issues/comments/41 " in write


def test_the_comment_says_so_if_the_preview_printed_nothing(runner: Runner):
    runner.run(COMMENT, **{**PULL_REQUEST, "PREVIEW": "", "RESULT": "failure"})
    body = (runner.folder / "calls.body").read_text()
    assert "at abc123: failure" in body
    assert "The preview printed nothing; see the run." in body


def test_the_end_of_a_long_preview_is_the_output(runner: Runner):
    runner.answer("pulumi", "begin\n" + "x" * 70_000 + "\nResources: 3 to create\n")
    ran = runner.run(PREVIEW, STACK="staging")
    assert ran.returncode == 0, ran.stderr
    (call,) = runner.calls.read_text().splitlines()
    assert call.startswith("pulumi preview --stack staging --diff --non-interactive")
    first, *lines, last = runner.outputs.read_text().splitlines()
    assert first == f"preview<<{last}"
    assert len(last) == 32
    output = "\n".join(lines)
    assert len(output) <= 60_001
    assert "begin" not in output
    assert "Resources: 3 to create" in output
    assert "begin" in runner.summary.read_text()


def test_the_output_of_a_failed_preview_is_kept(runner: Runner):
    runner.answer("pulumi", "error: audioSlots is '0'\n")
    ran = runner.run(PREVIEW, STACK="staging", STATUS="255")
    assert ran.returncode == 255
    assert "error: audioSlots is '0'" in runner.outputs.read_text()
    assert "error: audioSlots is '0'" in runner.summary.read_text()


def choose_commit(
    runner: Runner, *, main: str, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Runs the step for a push of NEW, while `main` is the newest commit."""
    runner.answer("gh", f"{main}\n")
    given = {"GITHUB_REPOSITORY": "acme/live-sessions", "GITHUB_SHA": NEW, "ROLLBACK_TO": ""}
    return runner.run(NEWEST, **{**given, **environment})


def test_the_newest_commit_of_main_is_deployed(runner: Runner):
    ran = choose_commit(runner, main=NEW)
    assert ran.returncode == 0, ran.stderr
    assert runner.outputs.read_text().splitlines() == [f"commit={NEW}", "newest=true"]
    (call,) = runner.calls.read_text().splitlines()
    assert "commits/main" in call


@pytest.mark.parametrize("attempt", ["1", "2"])
@pytest.mark.parametrize("rollback_to", ["", OLD])
def test_a_run_for_an_older_commit_deploys_nothing_however_often_it_is_repeated(
    runner: Runner, attempt: str, rollback_to: str
):
    runner.answer("gh", "ahead\n", argument="compare")
    ran = choose_commit(runner, main=LATER, GITHUB_RUN_ATTEMPT=attempt, ROLLBACK_TO=rollback_to)
    assert ran.returncode == 0, ran.stderr
    assert runner.outputs.read_text() == "newest=false\n"
    assert f"this run is for {NEW}, but main is at {LATER}" in ran.stdout


@pytest.mark.parametrize("main_is", ["ahead", "identical"])
def test_an_older_commit_of_main_is_deployed_for_a_rollback(runner: Runner, main_is: str):
    runner.answer("gh", f"{main_is}\n", argument="compare")
    ran = choose_commit(runner, main=NEW, ROLLBACK_TO=OLD)
    assert ran.returncode == 0, ran.stderr
    assert runner.outputs.read_text().splitlines() == [f"commit={OLD}", "newest=true"]
    _, compared = runner.calls.read_text().splitlines()
    assert f"repos/acme/live-sessions/compare/{OLD}...{NEW}" in compared


@pytest.mark.parametrize("main_is", ["diverged", "behind", ""])
def test_a_commit_outside_the_history_of_main_is_refused(runner: Runner, main_is: str):
    runner.answer("gh", f"{main_is}\n", argument="compare")
    ran = choose_commit(runner, main=NEW, ROLLBACK_TO=OLD)
    assert ran.returncode == 1
    assert runner.outputs.read_text() == ""
    assert f"::error::commit {OLD} is not in main's history" in ran.stdout


@pytest.mark.parametrize(
    "rollback_to", ["main", "abc1234", f"{OLD}0", "A" * 40, f"{OLD}\n::error::x"]
)
def test_an_incomplete_commit_id_is_refused_without_a_request(runner: Runner, rollback_to: str):
    ran = choose_commit(runner, main=NEW, ROLLBACK_TO=rollback_to)
    assert ran.returncode == 1
    assert runner.outputs.read_text() == ""
    assert len(ran.stdout.splitlines()) == 1
    assert "must be a full commit id of 40 hexadecimal digits" in ran.stdout
    assert "compare" not in runner.calls.read_text()


def test_nothing_is_deployed_if_the_newest_commit_cannot_be_read(runner: Runner):
    ran = choose_commit(runner, main=NEW, STATUS="1")
    assert ran.returncode == 1
    assert runner.outputs.read_text() == ""


@pytest.mark.parametrize(
    ("updates", "previous"),
    [
        ([], "no deployment"),
        ([{"kind": "update", "message": "by hand", "environment": {}}], "by hand"),
        (
            [
                {"kind": "refresh", "message": "", "environment": {"git.head": LATER}},
                {"kind": "update", "message": "m", "environment": {"git.head": OLD}},
                {"kind": "update", "message": "m", "environment": {"git.head": LATER}},
            ],
            OLD,
        ),
    ],
)
@pytest.mark.parametrize(("rollback_to", "mark"), [("", ""), (NEW, "(rollback) ")])
def test_the_summary_says_which_commit_replaces_which(
    runner: Runner, updates: list[dict[str, Any]], previous: str, rollback_to: str, mark: str
):
    runner.answer("pulumi", json.dumps(updates))
    ran = runner.run(REPORT, STACK="production", COMMIT=NEW, ROLLBACK_TO=rollback_to)
    assert ran.returncode == 0, ran.stderr
    assert runner.summary.read_text() == f"production: {NEW} {mark}replaces {previous}\n"
    assert f"::notice::production: {NEW} {mark}replaces {previous}" in ran.stdout
    (call,) = runner.calls.read_text().splitlines()
    assert call.startswith("pulumi stack history --stack production --json")
