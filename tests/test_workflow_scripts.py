"""The workflows' scripts, run in bash with stand-ins for gh, pulumi and make."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from program.stack_config import ROOT
from tests.patience import PATIENCE_SECONDS

STAND_IN = """#!/bin/bash
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
    """A runner's folder, files and commands."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.calls = folder / "calls"
        self.outputs, self.summary = folder / "outputs", folder / "summary"
        (folder / "bin").mkdir()
        for name in ("gh", "pulumi", "make"):
            (folder / "bin" / name).write_text(STAND_IN)
            (folder / "bin" / name).chmod(0o755)

    def run(self, script: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """As GitHub runs `shell: bash`."""
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

    def answer(self, command: str, text: str, *, asked: str | None = None) -> None:
        """What the stand-in of a command prints, if need be only where it is asked for a word."""
        (self.folder / (f"{command}.{asked}" if asked else command)).write_text(text)


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    return Runner(tmp_path)


def script(workflow: str, job: str, step: str) -> str:
    content: dict[str, Any] = yaml.safe_load(
        (ROOT / f".github/workflows/{workflow}.yml").read_text()
    )
    (found,) = [each for each in content["jobs"][job]["steps"] if each.get("name") == step]
    return found["run"]


COMMENT = script("preview", "comment", "Write the comment, or write it anew")
PREVIEW = script("preview-stack", "preview", "Preview")
NEWEST = script(
    "deploy-stack", "deploy", "See that main has not gone on, and which commit is to be deployed"
)
OVER = script("deploy-stack", "deploy", "Say which commit goes over which")
OLD, NEW, LATER = "a" * 40, "b" * 40, "c" * 40
PULL_REQUEST = {
    "GH_REPO": "acme/live-sessions",
    "NUMBER": "7",
    "HEAD": "abc123",
    "RESULT": "success",
    "RUN": "https://github.com/acme/live-sessions/actions/runs/1",
    "PREVIEW": "+ aws:sqs/queue:Queue $(touch injected) `touch injected`\n- gone",
}


def test_the_first_preview_is_a_new_comment(runner: Runner):
    ran = runner.run(COMMENT, **PULL_REQUEST)
    assert ran.returncode == 0, ran.stderr
    look, write = runner.calls.read_text().splitlines()
    assert "--paginate repos/acme/live-sessions/issues/7/comments" in look
    assert "--method POST repos/acme/live-sessions/issues/7/comments" in write
    body = (runner.folder / "calls.body").read_text()
    assert body.startswith("<!-- preview of staging -->\n")
    assert PULL_REQUEST["PREVIEW"] in body
    assert "at abc123: success ([run](https://github.com/acme" in body
    assert not (runner.folder / "injected").exists()


def test_a_later_preview_goes_into_the_same_comment(runner: Runner):
    runner.answer("gh", "41\n42\n")
    ran = runner.run(COMMENT, **PULL_REQUEST)
    assert ran.returncode == 0, ran.stderr
    _, write = runner.calls.read_text().splitlines()
    assert "--method PATCH repos/acme/live-sessions/issues/comments/41 " in write


def test_a_preview_that_printed_nothing_says_so(runner: Runner):
    runner.run(COMMENT, **{**PULL_REQUEST, "PREVIEW": "", "RESULT": "failure"})
    body = (runner.folder / "calls.body").read_text()
    assert "at abc123: failure" in body
    assert "Nothing was printed: see the run." in body


def test_a_preview_is_handed_on_and_its_end_kept_where_it_is_long(runner: Runner):
    runner.answer("pulumi", "begin\n" + "x" * 70_000 + "\nResources: 3 to create\n")
    ran = runner.run(PREVIEW, STACK="staging")
    assert ran.returncode == 0, ran.stderr
    (call,) = runner.calls.read_text().splitlines()
    assert call.startswith("pulumi preview --stack staging --diff --non-interactive")
    first, *lines, last = runner.outputs.read_text().splitlines()
    assert first == f"preview<<{last}"
    assert len(last) == 32
    handed_on = "\n".join(lines)
    assert len(handed_on) <= 60_001
    assert "begin" not in handed_on
    assert "Resources: 3 to create" in handed_on
    assert "begin" in runner.summary.read_text()


def test_a_preview_that_fails_is_handed_on_too(runner: Runner):
    runner.answer("pulumi", "error: audioSlots is '0'\n")
    ran = runner.run(PREVIEW, STACK="staging", STATUS="255")
    assert ran.returncode == 255
    assert "error: audioSlots is '0'" in runner.outputs.read_text()
    assert "error: audioSlots is '0'" in runner.summary.read_text()


def asked_for(runner: Runner, *, main: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """The run of a deployment of NEW, while main is where it is."""
    runner.answer("gh", f"{main}\n")
    given = {"GITHUB_REPOSITORY": "acme/live-sessions", "GITHUB_SHA": NEW, "BACK_TO": ""}
    return runner.run(NEWEST, **{**given, **environment})


def test_mains_newest_commit_is_deployed(runner: Runner):
    ran = asked_for(runner, main=NEW)
    assert ran.returncode == 0, ran.stderr
    assert runner.outputs.read_text().splitlines() == [f"commit={NEW}", "newest=true"]
    (call,) = runner.calls.read_text().splitlines()
    assert "commits/main" in call


@pytest.mark.parametrize("attempt", ["1", "2"])
@pytest.mark.parametrize("back_to", ["", OLD])
def test_a_run_that_main_has_left_behind_deploys_nothing_however_often_it_is_run(
    runner: Runner, attempt: str, back_to: str
):
    runner.answer("gh", "ahead\n", asked="compare")
    ran = asked_for(runner, main=LATER, GITHUB_RUN_ATTEMPT=attempt, BACK_TO=back_to)
    assert ran.returncode == 0, ran.stderr
    assert runner.outputs.read_text() == "newest=false\n"
    assert f"this run is of {NEW}, and main is at {LATER}" in ran.stdout


@pytest.mark.parametrize("main_is", ["ahead", "identical"])
def test_an_older_commit_of_main_is_deployed_when_it_is_asked_for(runner: Runner, main_is: str):
    runner.answer("gh", f"{main_is}\n", asked="compare")
    ran = asked_for(runner, main=NEW, BACK_TO=OLD)
    assert ran.returncode == 0, ran.stderr
    assert runner.outputs.read_text().splitlines() == [f"commit={OLD}", "newest=true"]
    _, compared = runner.calls.read_text().splitlines()
    assert f"repos/acme/live-sessions/compare/{OLD}...{NEW}" in compared


@pytest.mark.parametrize("main_is", ["diverged", "behind", ""])
def test_a_commit_that_main_never_had_is_refused(runner: Runner, main_is: str):
    runner.answer("gh", f"{main_is}\n", asked="compare")
    ran = asked_for(runner, main=NEW, BACK_TO=OLD)
    assert ran.returncode == 1
    assert runner.outputs.read_text() == ""
    assert f"::error::commit {OLD} is not in main's history" in ran.stdout


@pytest.mark.parametrize("back_to", ["main", "abc1234", f"{OLD}0", "A" * 40, f"{OLD}\n::error::x"])
def test_what_is_no_whole_commit_is_refused_before_anybody_is_asked(runner: Runner, back_to: str):
    ran = asked_for(runner, main=NEW, BACK_TO=back_to)
    assert ran.returncode == 1
    assert runner.outputs.read_text() == ""
    assert len(ran.stdout.splitlines()) == 1
    assert "must be all 40 digits of a commit" in ran.stdout
    assert "compare" not in runner.calls.read_text()


def test_nothing_is_deployed_when_github_does_not_say_what_is_newest(runner: Runner):
    ran = asked_for(runner, main=NEW, STATUS="1")
    assert ran.returncode == 1
    assert runner.outputs.read_text() == ""


@pytest.mark.parametrize(
    ("updates", "over"),
    [
        ([], "nothing yet"),
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
@pytest.mark.parametrize(("back_to", "how"), [("", ""), (NEW, "(back, as asked for) ")])
def test_it_is_said_which_commit_goes_over_which(
    runner: Runner, updates: list[dict[str, Any]], over: str, back_to: str, how: str
):
    runner.answer("pulumi", json.dumps(updates))
    ran = runner.run(OVER, STACK="production", COMMIT=NEW, BACK_TO=back_to)
    assert ran.returncode == 0, ran.stderr
    assert runner.summary.read_text() == f"production: {NEW} {how}goes over {over}\n"
    assert f"::notice::production: {NEW} {how}goes over {over}" in ran.stdout
    (call,) = runner.calls.read_text().splitlines()
    assert call.startswith("pulumi stack history --stack production --json")
