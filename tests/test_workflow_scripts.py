"""The workflows' scripts, run in bash with stand-ins for gh, pulumi and make."""

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from program.stack_config import ROOT

STAND_IN = """#!/bin/bash
printf '%s\\n' "$(basename "$0") $*" >> "$CALLS"
[ -f body.md ] && cp body.md "$CALLS.body"
cat "$ANSWERS/$(basename "$0")" 2>/dev/null
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
            timeout=30,
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

    def answer(self, command: str, text: str) -> None:
        """What the stand-in of a command prints."""
        (self.folder / command).write_text(text)


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
NEWEST = script("deploy-stack", "deploy", "See whether this commit is still main's newest")
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


@pytest.mark.parametrize(
    ("newest", "attempt", "deploys"),
    [("abc", "1", "true"), ("def", "1", "false"), ("def", "2", "true")],
)
def test_an_older_commit_is_deployed_only_when_its_run_is_run_again(
    runner: Runner, newest: str, attempt: str, deploys: str
):
    runner.answer("gh", f"{newest}\n")
    ran = runner.run(
        NEWEST,
        GITHUB_REPOSITORY="acme/live-sessions",
        GITHUB_SHA="abc",
        GITHUB_RUN_ATTEMPT=attempt,
    )
    assert ran.returncode == 0, ran.stderr
    assert runner.outputs.read_text() == f"newest={deploys}\n"
    assert "commits/main" in runner.calls.read_text()


def test_nothing_is_deployed_when_github_does_not_say_what_is_newest(runner: Runner):
    ran = runner.run(
        NEWEST,
        GITHUB_REPOSITORY="acme/live-sessions",
        GITHUB_SHA="abc",
        GITHUB_RUN_ATTEMPT="1",
        STATUS="1",
    )
    assert ran.returncode == 1
    assert runner.outputs.read_text() == ""
