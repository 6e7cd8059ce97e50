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
own_status="STATUS_$(basename "$0")"
exit "${!own_status:-${STATUS:-0}}"
"""


class Runner:
    """A GitHub runner: its folder, its files and its commands, which are fakes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.calls = folder / "calls"
        self.outputs, self.summary = folder / "outputs", folder / "summary"
        for place in ("bin/gh", "bin/pulumi", "bin/make", ".venv/bin/python"):
            (folder / place).parent.mkdir(parents=True, exist_ok=True)
            (folder / place).write_text(FAKE_COMMAND)
            (folder / place).chmod(0o755)

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
                "RUNNER_TEMP": str(self.folder),
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
DEPLOYED = script("drift-stack", "drift", "Find the commit that is deployed")
COMPARE = script("drift-stack", "drift", "Compare")
WRITE = script("drift-stack", "drift", "Write the report")
ISSUE = script("drift", "report", "Open, update or close the issue")
ACCOUNT = "123456789012"
REPORT = script("deploy-stack", "deploy", "Report which commit replaces which")
DEPLOY = script("deploy-stack", "deploy", "Deploy")
RELEASE = script("deploy-stack", "deploy", "Release")
LAST_DEPLOYED = script("rollback", "rollback", "Find the commit that was deployed last")
ROLL_BACK = script("rollback", "rollback", "Roll back")
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
    ran = runner.run(PREVIEW, STACK="staging", ACCOUNT=ACCOUNT)
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
    ran = runner.run(PREVIEW, STACK="staging", ACCOUNT=ACCOUNT, STATUS="255")
    assert ran.returncode == 255
    assert "error: audioSlots is '0'" in runner.outputs.read_text()
    assert "error: audioSlots is '0'" in runner.summary.read_text()


def test_a_preview_is_kept_without_the_accounts_number(runner: Runner):
    runner.answer("pulumi", f"~ arn:aws:sqs:eu-central-1:{ACCOUNT}:queue in {ACCOUNT}\n")
    ran = runner.run(PREVIEW, STACK="staging", ACCOUNT=ACCOUNT)
    assert ran.returncode == 0, ran.stderr
    written = runner.outputs.read_text() + runner.summary.read_text() + ran.stdout
    assert "arn:aws:sqs:eu-central-1:<account>:queue in <account>" in written
    assert ACCOUNT not in written


def test_a_preview_without_a_known_account_is_not_passed_on(runner: Runner):
    runner.answer("pulumi", f"arn:aws:sqs:eu-central-1:{ACCOUNT}:queue\n")
    ran = runner.run(PREVIEW, STACK="staging", ACCOUNT="")
    assert ran.returncode != 0
    assert runner.outputs.read_text() == ""


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


@pytest.mark.parametrize(
    ("older", "refresh"), [("", ""), ("live-sessions-staging-fan-out\n", " --refresh")]
)
def test_a_deployment_refreshes_only_a_stack_that_is_rolled_back(
    runner: Runner, older: str, refresh: str
):
    (runner.folder / "operations/releases").mkdir(parents=True)
    runner.answer("python", older)
    ran = runner.run(DEPLOY, STACK="staging", COMMIT=NEW)
    assert ran.returncode == 0, ran.stderr
    asked, up = runner.calls.read_text().splitlines()
    assert asked == "python -m operations.releases --stack staging --rolled-back"
    assert up.startswith(f"pulumi up{refresh} --stack staging --yes ")
    assert ("::notice::staging is rolled back" in ran.stdout) is bool(older)


def test_nothing_is_deployed_if_it_is_unknown_whether_the_stack_is_rolled_back(runner: Runner):
    (runner.folder / "operations/releases").mkdir(parents=True)
    ran = runner.run(DEPLOY, STACK="staging", COMMIT=NEW, STATUS_python="2")
    assert ran.returncode == 2
    assert "pulumi" not in runner.calls.read_text()


def test_a_deployment_is_released_with_its_commit(runner: Runner):
    (runner.folder / "operations/releases").mkdir(parents=True)
    ran = runner.run(RELEASE, STACK="staging", COMMIT=NEW)
    assert ran.returncode == 0, ran.stderr
    (call,) = runner.calls.read_text().splitlines()
    assert call == f"make --no-print-directory release STACK=staging COMMIT={NEW}"


def test_a_commit_from_before_there_were_records_is_deployed_without(runner: Runner):
    ran = runner.run(DEPLOY, STACK="staging", COMMIT=OLD)
    assert ran.returncode == 0, ran.stderr
    (call,) = runner.calls.read_text().splitlines()
    assert call.startswith("pulumi up --stack staging --yes ")
    ran = runner.run(RELEASE, STACK="staging", COMMIT=OLD)
    assert (ran.returncode, runner.calls.read_text()) == (0, "")
    assert f"{OLD} is from before" in ran.stdout


@pytest.mark.parametrize("release", ["", "1a788f3", "2026-11-29T12:00"])
def test_a_rollback_passes_the_release_on_and_asks_nobody(runner: Runner, release: str):
    ran = runner.run(ROLL_BACK, STACK="production", RELEASE=release)
    assert ran.returncode == 0, ran.stderr
    (call,) = runner.calls.read_text().splitlines()
    assert call == (
        f"make --no-print-directory rollback STACK=production TO={release} ROLLBACK=--yes"
    )


@pytest.mark.parametrize(
    "release", ["$(touch injected)", "'; touch injected; '", "main\n::error::x"]
)
def test_a_release_that_is_neither_a_commit_nor_a_date_is_refused(runner: Runner, release: str):
    """make pastes it into a command."""
    ran = runner.run(ROLL_BACK, STACK="production", RELEASE=release)
    assert ran.returncode == 1
    assert "must be the beginning of a commit or of a date" in ran.stdout
    assert len(ran.stdout.splitlines()) == 1
    assert runner.calls.read_text() == ""


def test_a_rollback_that_fails_or_finds_something_wrong_fails_its_run(runner: Runner):
    assert runner.run(ROLL_BACK, STACK="staging", RELEASE="", STATUS="2").returncode == 2


@pytest.mark.parametrize(
    ("updates", "main_is", "commit"),
    [
        ([{"kind": "update", "environment": {"git.head": OLD}}], "ahead", OLD),
        ([{"kind": "update", "environment": {"git.head": NEW}}], "identical", NEW),
        ([{"kind": "update", "environment": {"git.head": OLD}}], "diverged", NEW),
        ([{"kind": "update", "environment": {}}], "", NEW),
        ([], "", NEW),
    ],
)
def test_a_rollback_is_verified_with_the_commit_that_was_deployed_last(
    runner: Runner, updates: list[dict[str, Any]], main_is: str, commit: str
):
    runner.answer("pulumi", json.dumps([{"kind": "refresh", "environment": {}}, *updates]))
    runner.answer("gh", f"{main_is}\n")
    ran = runner.run(
        LAST_DEPLOYED, STACK="staging", GITHUB_SHA=NEW, GITHUB_REPOSITORY="acme/live-sessions"
    )
    assert ran.returncode == 0, ran.stderr
    assert runner.outputs.read_text() == f"commit={commit}\n"
    assert ("::notice::" in ran.stdout) is (main_is in ("diverged", ""))


def history(*updates: dict[str, Any]) -> str:
    return json.dumps(list(updates))


def find_deployed(runner: Runner, **environment: str) -> subprocess.CompletedProcess[str]:
    given = {"GITHUB_REPOSITORY": "acme/live-sessions", "STACK": "production"}
    return runner.run(DEPLOYED, **{**given, **environment})


def test_the_deployed_commit_is_that_of_the_last_release_record(runner: Runner):
    runner.answer("python", f"{OLD}\n")
    runner.answer("gh", "ahead\n")
    ran = find_deployed(runner)
    assert ran.returncode == 0, ran.stderr
    assert runner.outputs.read_text() == f"commit={OLD}\n"
    record, compared = runner.calls.read_text().splitlines()
    assert record == "python -m operations.releases --stack production --last-commit"
    assert f"repos/acme/live-sessions/compare/{OLD}...main" in compared


@pytest.mark.parametrize("status", ["0", "1"])
def test_without_a_release_record_the_deployed_commit_is_in_pulumis_history(
    runner: Runner, status: str
):
    updates = [
        {"kind": "refresh", "environment": {"git.head": LATER}},
        {"kind": "update", "environment": {"git.head": NEW}},
        {"kind": "update", "environment": {"git.head": OLD}},
    ]
    runner.answer("pulumi", history(*updates))
    runner.answer("gh", "identical\n")
    ran = find_deployed(runner, STATUS_python=status)
    assert ran.returncode == 0, ran.stderr
    assert runner.outputs.read_text() == f"commit={NEW}\n"


@pytest.mark.parametrize("updates", [[], [{"kind": "update", "environment": {}}]])
def test_an_unknown_commit_is_an_error(runner: Runner, updates: list[dict[str, Any]]):
    runner.answer("pulumi", history(*updates))
    ran = find_deployed(runner)
    assert ran.returncode == 1
    assert runner.outputs.read_text() == ""
    assert "::error::The commit that is deployed to production is unknown" in ran.stdout


@pytest.mark.parametrize("main_is", ["diverged", "behind"])
def test_a_commit_outside_the_history_of_main_is_not_run(runner: Runner, main_is: str):
    runner.answer("python", f"{OLD}\n")
    runner.answer("gh", f"{main_is}\n")
    ran = find_deployed(runner)
    assert ran.returncode == 1
    assert runner.outputs.read_text() == ""
    assert f"{OLD}, which is deployed to production, is not in main's history" in ran.stdout


def compare(
    runner: Runner, *, preview: int = 0, verify: int = 0, deployments: int = 0
) -> tuple[str, str]:
    """Runs both steps with these exit statuses; returns the outputs drift and report."""
    runner.answer("pulumi", f"preview of {ACCOUNT}\n")
    runner.answer("make", f"verified {ACCOUNT}\n")
    runner.answer("gh", f"{deployments}\n")
    environment = {
        "GITHUB_REPOSITORY": "acme/live-sessions",
        "STACK": "staging",
        "STATUS_pulumi": str(preview),
        "STATUS_make": str(verify),
    }
    ran = runner.run(COMPARE, **environment)
    assert ran.returncode == 0, ran.stderr
    calls = runner.calls.read_text()
    assert "preview --stack staging --refresh --expect-no-changes" in calls
    assert "verify STACK=staging" in calls
    ran = runner.run(WRITE, STACK="staging", COMMIT=OLD, ACCOUNT=ACCOUNT)
    assert ran.returncode == 0, ran.stderr
    first, begin, *report, end = runner.outputs.read_text().splitlines()
    assert begin == f"report<<{end}"
    assert ACCOUNT not in runner.outputs.read_text() + runner.summary.read_text()
    return first.removeprefix("drift="), "\n".join(report)


def test_a_stack_as_declared_has_no_drift(runner: Runner):
    drift, report = compare(runner)
    assert drift == "no"
    assert f"The commit {OLD} is deployed." in report
    assert "preview of" not in report


@pytest.mark.parametrize(
    ("statuses", "shown", "not_shown"),
    [
        ({"preview": 255}, "preview of <account>", "verified"),
        ({"verify": 2}, "verified <account>", "preview of"),
    ],
)
def test_drift_is_reported_with_what_differs_and_without_the_accounts_number(
    runner: Runner, statuses: dict[str, int], shown: str, not_shown: str
):
    drift, report = compare(runner, **statuses)
    assert drift == "yes"
    assert shown in report
    assert not_shown not in report


def test_a_difference_during_a_deployment_is_no_drift(runner: Runner):
    assert compare(runner, preview=255, deployments=1)[0] == "deploying"


def test_a_long_report_is_cut_to_what_an_issue_holds(runner: Runner):
    runner.answer("pulumi", "")
    (runner.folder / "drift").mkdir()
    for name in ("preview", "verify"):
        (runner.folder / f"drift/{name}.txt").write_text("x" * 100_000 + "end")
        (runner.folder / f"drift/{name}.status").write_text("1\n")
    (runner.folder / "drift/deployments").write_text("0\n0\n")
    ran = runner.run(WRITE, STACK="staging", COMMIT=OLD, ACCOUNT=ACCOUNT)
    assert ran.returncode == 0, ran.stderr
    # Two reports fit into the 65,536 characters of an issue.
    assert len(runner.outputs.read_text()) < 28_000
    assert runner.outputs.read_text().count("end\n") == 2


def report(
    runner: Runner, *, staging: str, production: str, issue: str = ""
) -> tuple[list[str], str]:
    """Runs the step; `issue` is the number and state of the one that exists.

    Returns the calls that write, and the body that was written.
    """
    runner.answer("gh", issue, argument="state=all")
    ran = runner.run(
        ISSUE,
        GH_REPO="acme/live-sessions",
        RUN="https://github.com/acme/live-sessions/actions/runs/1",
        STAGING=staging,
        STAGING_REPORT="$(touch injected) `touch injected`" if staging else "",
        PRODUCTION=production,
        PRODUCTION_REPORT="the report of production" if production else "",
    )
    assert ran.returncode == 0, ran.stderr
    assert not (runner.folder / "injected").exists()
    listing, *writes = runner.calls.read_text().splitlines()
    assert "repos/acme/live-sessions/issues?state=all" in listing
    return writes, (runner.folder / "body.md").read_text()


def test_the_first_drift_opens_an_issue(runner: Runner):
    (write,), body = report(runner, staging="no", production="yes")
    assert "--method POST repos/acme/live-sessions/issues -f title=Drift" in write
    assert body.startswith("<!-- drift -->\n")
    assert "## staging: nothing differs" in body
    assert "## production: differs\n\nthe report of production" in body


@pytest.mark.parametrize("state", ["open", "closed"])
def test_later_drift_updates_the_same_issue_and_opens_it_again(runner: Runner, state: str):
    (write,), _ = report(runner, staging="yes", production="deploying", issue=f"12 {state}\n")
    assert "--method PATCH repos/acme/live-sessions/issues/12 -f state=open " in write


def test_a_check_that_failed_is_reported_like_drift(runner: Runner):
    (write,), body = report(runner, staging="", production="no")
    assert "--method POST repos/acme/live-sessions/issues " in write
    assert "## staging: could not be checked\n\nThe check itself failed: see the run." in body


def test_the_issue_is_closed_with_a_comment_when_nothing_differs_any_more(runner: Runner):
    (comment, write), _ = report(runner, staging="no", production="no", issue="12 open\n")
    assert "--method POST repos/acme/live-sessions/issues/12/comments" in comment
    assert "--method PATCH repos/acme/live-sessions/issues/12 -f state=closed" in write


@pytest.mark.parametrize(
    ("staging", "production", "issue"),
    [("no", "no", ""), ("no", "no", "12 closed\n"), ("no", "deploying", "12 open\n")],
)
def test_without_news_the_issue_stays_as_it_is(
    runner: Runner, staging: str, production: str, issue: str
):
    writes, _ = report(runner, staging=staging, production=production, issue=issue)
    assert writes == []
