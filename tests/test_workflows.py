"""The workflows: pinned actions, time limits, least privilege, and commands that exist."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import yaml

from program.stack_config import ROOT, committed_stacks, stack_config
from tests.patience import PATIENCE_SECONDS

GITHUB = ROOT / ".github"
WORKFLOWS = sorted((GITHUB / "workflows").glob("*.yml"))
MAKE_TARGET = re.compile(r"\bmake (?:--[a-z-]+ )*([a-z-]+)")
PINNED = re.compile(r"\s*-? ?uses: [\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+")
REUSABLE = re.compile(r"\s*uses: \$/(?P<path>\.github/workflows/[\w-]+\.yml)")


class ActionsLoader(yaml.SafeLoader):
    """Reads YAML as GitHub does: `on` is a string, not a boolean."""

    yaml_implicit_resolvers = {  # noqa: RUF012
        first: [each for each in resolvers if each[0] != "tag:yaml.org,2002:bool"]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


def read(path: Path) -> dict[str, Any]:
    return yaml.load(path.read_text(), ActionsLoader)  # noqa: S506


def jobs() -> Iterator[Any]:
    for path in WORKFLOWS:
        for name, job in read(path)["jobs"].items():
            yield pytest.param(job, id=f"{path.stem}: {name}")


def steps() -> Iterator[tuple[Path, dict[str, Any]]]:
    for path in WORKFLOWS:
        for job in read(path)["jobs"].values():
            for step in job.get("steps", []):
                yield path, step


def zizmor(where: Path) -> list[dict[str, Any]]:
    """Returns the findings of zizmor's strictest persona."""
    command = [
        *(str(Path(sys.executable).with_name("zizmor")), "--offline", "--persona=auditor"),
        *("--no-progress", "--no-exit-codes", "--format=json", str(where)),
    ]
    ran = subprocess.run(
        command, capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=True
    )
    return json.loads(ran.stdout)


def test_zizmor_finds_nothing():
    found = zizmor(GITHUB)
    assert [(each["ident"], each["locations"][0]["symbolic"]["key"]) for each in found] == []


def test_zizmor_finds_an_unpinned_action_and_an_expression_in_a_script(tmp_path: Path):
    shutil.copytree(GITHUB, tmp_path / ".github")
    path = tmp_path / ".github/workflows/deploy-stack.yml"
    text = re.sub(r"(actions/checkout)@\S+ # \S+", r"\1@v7", path.read_text())
    path.write_text(text.replace('STACK="$STACK"', "STACK='${{ inputs.stack }}'"))
    idents = {each["ident"] for each in zizmor(tmp_path / ".github")}
    assert {"unpinned-uses", "template-injection"} <= idents


def test_there_are_workflows_for_checks_previews_deployments_and_nights():
    assert {"check", "preview", "deploy", "nightly"} <= {path.stem for path in WORKFLOWS}


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_every_action_is_pinned_to_a_commit_beside_its_version(path: Path):
    lines = [line for line in path.read_text().splitlines() if "uses:" in line]
    assert lines
    for line in lines:
        reusable = REUSABLE.fullmatch(line)
        assert reusable or PINNED.fullmatch(line), line
        assert reusable is None or (ROOT / reusable["path"]).is_file(), line


def test_each_action_has_the_same_version_everywhere():
    pins = {step["uses"] for _, step in steps() if "uses" in step}
    assert len({pin.partition("@")[0] for pin in pins}) == len(pins)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_permissions_are_granted_by_jobs_only(path: Path):
    assert read(path)["permissions"] == {}


@pytest.mark.parametrize("job", list(jobs()))
def test_each_job_has_its_permissions_and_a_time_limit(job: dict[str, Any]):
    assert job["permissions"]
    writes = {name for name, right in job["permissions"].items() if right == "write"}
    assert writes <= {"id-token", "issues", "pull-requests"}
    # A job that can write to the repository runs no code of it, such as that of a pull request.
    if writes & {"issues", "pull-requests"}:
        assert not any("uses" in step for step in job["steps"])
    if "uses" not in job:
        assert 1 <= int(job["timeout-minutes"]) <= 60
        assert job["runs-on"] == "ubuntu-24.04"


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_no_workflow_has_a_trigger_that_exposes_secrets_to_forks(path: Path):
    assert read(path)["on"].keys() <= {
        *("pull_request", "push", "schedule", "workflow_call", "workflow_dispatch")
    }


def test_only_branches_of_this_repository_get_a_preview():
    preview = read(GITHUB / "workflows/preview.yml")["jobs"]["preview"]
    assert "github.event.pull_request.head.repo.full_name == github.repository" in preview["if"]
    assert "dependabot[bot]" in preview["if"]
    assert preview["with"]["stack"] == "staging"


def test_production_follows_staging_and_each_has_its_own_environment():
    deploy = read(GITHUB / "workflows/deploy.yml")["jobs"]
    assert deploy["staging"]["needs"] == "check"
    assert deploy["preview-production"]["needs"] == "staging"
    assert deploy["production"]["needs"] == "preview-production"
    job = read(GITHUB / "workflows/deploy-stack.yml")["jobs"]["deploy"]
    assert job["environment"] == "${{ inputs.stack }}"


def test_deployments_of_a_stack_never_overlap_and_are_never_cancelled():
    job = read(GITHUB / "workflows/deploy-stack.yml")["jobs"]["deploy"]
    assert job["concurrency"] == {
        "group": "deploy-${{ inputs.stack }}",
        "cancel-in-progress": "false",
    }
    assert read(GITHUB / "workflows/deploy.yml")["concurrency"]["cancel-in-progress"] == "false"


def test_a_manual_deployment_needs_the_commit_to_roll_back_to():
    manual = [path.stem for path in WORKFLOWS if "workflow_dispatch" in read(path)["on"]]
    assert manual == ["deploy", "drift", "rollback"]
    deploy = read(GITHUB / "workflows/deploy.yml")
    (commit,) = deploy["on"]["workflow_dispatch"]["inputs"].items()
    assert commit[0] == "commit"
    assert commit[1]["required"] == "true"
    # The same commit is checked, previewed and deployed.
    assert {job["with"]["commit"] for job in deploy["jobs"].values()} == {"${{ inputs.commit }}"}


def test_a_deployment_checks_out_only_the_commit_that_was_chosen():
    deployment_steps = [step for path, step in steps() if path.stem == "deploy-stack"]
    chosen, *others = deployment_steps
    assert chosen["id"] == "newest"
    assert all(step["if"] == "steps.newest.outputs.newest == 'true'" for step in others)
    (checkout,) = [step for step in others if "actions/checkout" in step.get("uses", "")]
    assert checkout["with"]["ref"] == "${{ steps.newest.outputs.commit }}"


def test_each_deployment_is_verified():
    scripts = [step.get("run", "") for path, step in steps() if path.stem == "deploy-stack"]
    up = next(number for number, script in enumerate(scripts) if "pulumi up" in script)
    verify = next(number for number, script in enumerate(scripts) if "verify STACK=" in script)
    release = next(n for n, script in enumerate(scripts) if "release STACK=" in script)
    assert up < verify < release, "what was found wrong is no release to go back to"


def test_rollbacks_wait_for_the_deployments_of_their_stack_and_have_its_reviewers():
    deployment = read(GITHUB / "workflows/deploy-stack.yml")["jobs"]["deploy"]
    workflow = read(GITHUB / "workflows/rollback.yml")
    rollback = workflow["jobs"]["rollback"]
    for key in ("concurrency", "environment"):
        assert rollback[key] == deployment[key]
    stacks = workflow["on"]["workflow_dispatch"]["inputs"]["stack"]["options"]
    calls = read(GITHUB / "workflows/deploy.yml")["jobs"].values()
    assert set(stacks) == {
        job["with"]["stack"] for job in calls if job.get("with", {}).get("stack")
    }


def test_preflight_comes_before_each_deployment():
    deployment_steps = [step for path, step in steps() if path.stem == "deploy-stack"]
    scripts = [step.get("run", "") for step in deployment_steps]
    preflight = next(n for n, script in enumerate(scripts) if "preflight STACK=" in script)
    up = next(number for number, script in enumerate(scripts) if "pulumi up" in script)
    assert preflight < up
    assert "PREFLIGHT=--before-update" in scripts[preflight]
    assert "continue-on-error" not in deployment_steps[preflight]


def test_drift_never_takes_a_deployments_place_in_its_queue():
    """A group keeps one waiting run: a drift run in it would cancel a waiting deployment."""
    deployments = read(GITHUB / "workflows/deploy-stack.yml")["jobs"]["deploy"]["concurrency"]
    for name in ("drift", "drift-stack"):
        workflow = read(GITHUB / f"workflows/{name}.yml")
        for part in (workflow, *workflow["jobs"].values()):
            assert part.get("concurrency", {}).get("group") != deployments["group"]


def test_drift_covers_each_deployed_stack_with_a_role_of_its_own():
    def stacks_of(workflow: str) -> set[str]:
        calls = read(GITHUB / f"workflows/{workflow}.yml")["jobs"].values()
        return {job["with"]["stack"] for job in calls if job.get("with", {}).get("stack")}

    assert stacks_of("drift") == stacks_of("deploy")
    job = read(GITHUB / "workflows/drift-stack.yml")["jobs"]["drift"]
    assert job["environment"] == "drift-${{ inputs.stack }}"


def test_the_account_is_masked_and_taken_out_of_what_jobs_pass_on():
    """GitHub drops a job output that contains a masked value."""
    for path in WORKFLOWS:
        for job in read(path)["jobs"].values():
            signed_in = [
                step
                for step in job.get("steps", [])
                if "configure-aws-credentials" in step.get("uses", "")
            ]
            assert all(step["with"]["mask-aws-account-id"] == "true" for step in signed_in)
            texts = {each for each in job.get("outputs", {}) if each in ("preview", "report")}
            if signed_in and texts:
                scripts = [step.get("run", "") for step in job["steps"]]
                assert any("s/${ACCOUNT:?" in script for script in scripts), path.name


def test_every_script_runs_in_bash_with_errexit_and_pipefail():
    for path in WORKFLOWS:
        if any("run" in step for where, step in steps() if where == path):
            assert read(path)["defaults"]["run"]["shell"] == "bash", path.name


def test_scripts_contain_no_expressions():
    for path, step in steps():
        assert "${{" not in step.get("run", ""), (path.name, step)


def test_workflows_call_make_targets_that_exist():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    called = {target for _, step in steps() for target in MAKE_TARGET.findall(step.get("run", ""))}
    assert called == {
        *("check", "coverage", "plan", "preflight", "release", "rollback", "setup"),
        *("test-engine-full", "verify"),
    }
    assert called <= targets


def test_each_deployed_stack_has_a_committed_config():
    calls = [job for each in WORKFLOWS for job in read(each)["jobs"].values() if "with" in job]
    stacks = {job["with"]["stack"] for job in calls if "stack" in job["with"]}
    assert stacks == {"staging", "production"}
    assert stacks <= set(committed_stacks())


@pytest.mark.parametrize("stack", ["staging", "production"])
def test_previews_and_deployments_use_the_python_version_of_the_functions(stack: str):
    # Otherwise layerBytecode could not be set.
    runtime = stack_config(stack)["live-sessions:lambdaRuntime"]
    pythons = {
        step["with"]["python-version"]
        for path, step in steps()
        if path.stem.endswith("-stack") and "setup-python" in step.get("uses", "")
    }
    assert pythons == {runtime.removeprefix("python")}


def test_the_workflows_commands_find_the_locked_versions_of_pulumi_and_its_plugin():
    scripts = [step.get("run", "") for _, step in steps()]
    commands = {
        line.strip() for script in scripts for line in script.splitlines() if "sed -n" in line
    }
    assert len(commands) == 2
    ran = subprocess.run(
        ["bash", "-c", "\n".join(commands).replace('>> "$GITHUB_OUTPUT"', "")],  # noqa: S607
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=True,
    )
    found = dict(line.split("=") for line in ran.stdout.splitlines())
    assert found == {"version": version("pulumi"), "aws-version": version("pulumi-aws")}


def test_each_job_that_runs_engine_tests_has_pulumi_and_its_plugin():
    for path in WORKFLOWS:
        for name, job in read(path)["jobs"].items():
            scripts = [step.get("run", "") for step in job.get("steps", [])]
            if any(re.search(r"make (check|test-engine-full)", script) for script in scripts):
                assert any("pulumi plugin install" in script for script in scripts), name


def test_each_job_that_runs_every_test_has_the_packages_that_they_use():
    for path in WORKFLOWS:
        for name, job in read(path)["jobs"].items():
            scripts = [step.get("run", "") for step in job.get("steps", [])]
            runs = [n for n, each in enumerate(scripts) if re.search(r"make (check|cov)", each)]
            if runs:
                installs = scripts.index("sudo .ci/install-debian-packages")
                assert installs < runs[0], f"{path.stem}: {name}"


def files_run_by(script: str) -> set[Path]:
    """The test files that a step's script runs, by make or by pytest itself."""
    # What the make that runs this test has set is not for another one.
    environment = {key: value for key, value in os.environ.items() if not key.startswith("MAKE")}
    lines = script.splitlines()
    for target in MAKE_TARGET.findall(script):
        ran = subprocess.run(
            ["make", "--dry-run", target],  # noqa: S607
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
            check=True,
        )
        lines += ran.stdout.splitlines()
    found: set[Path] = set()
    for words in (line.split() for line in lines if "pytest" in line):
        run = [word for word in words if word.startswith("tests/")]
        ignored = [word.removeprefix("--ignore=") for word in words if "--ignore=" in word]
        found |= files_below(*run) - files_below(*ignored)
    return found


def files_below(*places: str) -> set[Path]:
    paths = [ROOT / place for place in places]
    files = {path for path in paths if path.is_file()}
    return files.union(*(path.rglob("test_*.py") for path in paths if path.is_dir()))


RUN_EARLIER_COMMITS = {
    path
    for path in (ROOT / "tests").rglob("test_*.py")
    if re.search(r"^(from|import) .*\brecorded_releases\b", path.read_text(), re.MULTILINE)
}


def test_each_job_that_runs_code_of_earlier_commits_has_the_whole_history():
    """Without a commit its tests are skipped, which nobody would notice."""
    jobs_to_history: dict[str, bool] = {}
    run_somewhere: set[Path] = set()
    for path in WORKFLOWS:
        for name, job in read(path)["jobs"].items():
            job_steps = job.get("steps", [])
            files = {file for step in job_steps for file in files_run_by(step.get("run", ""))}
            if needing := files & RUN_EARLIER_COMMITS:
                run_somewhere |= needing
                jobs_to_history[f"{path.stem}: {name}"] = all(
                    step.get("with", {}).get("fetch-depth") == 0
                    for step in job_steps
                    if "actions/checkout" in step.get("uses", "")
                )
    assert run_somewhere == RUN_EARLIER_COMMITS, "each of these tests is run by a workflow"
    without = [job for job, has_history in jobs_to_history.items() if not has_history]
    assert without == [], "set fetch-depth: 0 in their checkouts"


def test_the_tests_that_a_script_runs_are_found():
    nightly = files_run_by("make test-engine-full")
    assert ROOT / "tests/engine/full/test_upgrade.py" in nightly
    assert ROOT / "tests/engine/test_cloud.py" not in nightly
    checked = files_run_by("echo checking\nmake check")
    assert ROOT / "tests/engine/test_cloud.py" in checked
    assert ROOT / "tests/engine/full/test_upgrade.py" not in checked
    assert files_run_by(".venv/bin/python -m pytest -q tests/test_ci.py") == {
        ROOT / "tests/test_ci.py"
    }
    assert files_run_by("make verify STACK=staging") == set()


def test_dependabot_updates_the_actions_and_every_folder_with_a_lock():
    updates = {
        each["package-ecosystem"]: each for each in read(GITHUB / "dependabot.yml")["updates"]
    }
    assert updates.keys() == {"github-actions", "npm", "pip"}
    assert (ROOT / updates["npm"]["directory"].removeprefix("/") / "package-lock.json").is_file()
    locks = [
        path
        for pattern in (
            "requirements*.txt",
            "handlers/**/requirements*.txt",
            "local/**/requirements*.txt",
        )
        for path in ROOT.glob(pattern)
    ]
    folders = {f"/{path.parent.relative_to(ROOT).as_posix()}".removesuffix(".") for path in locks}
    assert set(updates["pip"]["directories"]) == folders
