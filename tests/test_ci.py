""".ci/run on a small project: what is run again, and what fails at once."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from program.stack_config import ROOT
from tests.patience import PATIENCE_SECONDS

(TOOLS,) = re.findall(r'^tools="\$PWD/(.+)"$', (ROOT / ".ci/run").read_text(), re.MULTILINE)
MAKEFILE = """\
TEST_RUNS := test-first test-engine test-typescript test-web
.PHONY: check $(TEST_RUNS)
check:
\ttest ! -e lint-fails
\t@$(MAKE) --keep-going --jobs=2 $(TEST_RUNS)
$(TEST_RUNS):
\t.venv/bin/python -m pytest -o cache_dir=.pytest_cache/$@ $(OPTIONS) $@
test-engine: OPTIONS = -p xdist --numprocesses=1 --junitxml=.pytest_cache/$@/results.xml
test-typescript test-web: OPTIONS = --junitxml=.pytest_cache/$@/results.xml
"""
PASSING = "def test_that_passes():\n    pass\n"
FAILING = "def test_that_fails():\n    assert False\n"
ONCE = """\
import pathlib, pytest
def has_failed_before():
    mark = pathlib.Path(__file__).with_suffix(".mark")
    is_there = mark.exists()
    mark.touch()
    return is_there
"""
FLAKY = f"""{ONCE}
@pytest.mark.parametrize("value", ["a b"])
def test_that_is_flaky(value):
    assert has_failed_before()
"""
FLAKY_ID = "test-{run}/test_{run}_flaky.py::test_that_is_flaky[a b]"
NEEDING_ITS_FOLDER = f"""{ONCE}
def test_that_judges_its_folder(request):
    if [each.path.parent for each in request.session.items].count(request.path.parent) == 1:
        pytest.skip("only the whole folder can be judged")
    assert PASSES
"""
LATER_SKIPPED = f"""{ONCE}
def test_that_is_skipped_later():
    if has_failed_before():
        pytest.skip("a tool is missing by now")
    assert False
"""
KILLED = (
    "import os, signal\ndef test_that_kills_pytest():\n    os.kill(os.getpid(), signal.SIGKILL)\n"
)
SKIPPED = """\
import pytest
def test_that_is_skipped():
    pytest.skip("a tool is missing")
"""
USING_TOOLS = """\
import os, shutil
def test_that_needs_the_tools():
    assert os.environ["AWS_PLUGIN_COMMAND"] == {folder!r} + "/aws-plugin"
    assert shutil.which("pulumi") == {folder!r} + "/pulumi"
"""
NOT_COLLECTED = "import no_such_module\n"


class Project:
    """A folder with .ci/run, a Makefile and four test runs, each with a test that passes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / ".ci").mkdir(parents=True)
        shutil.copy(ROOT / ".ci/run", folder / ".ci/run")
        installing = folder / ".ci/install-debian-packages"
        installing.write_text("#!/bin/sh\necho Packages come first.\n")
        installing.chmod(0o755)
        (folder / ".venv").symlink_to(ROOT / ".venv")
        (folder / "Makefile").write_text(MAKEFILE)
        (folder / "pytest.ini").write_text("[pytest]\naddopts = --import-mode=importlib\n")
        self.add("first", "passing", PASSING)
        self.add("engine", "passing", PASSING)
        self.add("typescript", "passing", PASSING)
        self.add("web", "passing", PASSING)

    def add(self, run: str, name: str, content: str) -> None:
        path = self.folder / f"test-{run}" / f"test_{run}_{name}.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(content)

    def add_tools(self) -> str:
        folder = self.folder / TOOLS
        folder.resolve().mkdir(parents=True)
        (folder / "pulumi").touch(mode=0o755)
        return str(folder)

    def ci(self) -> subprocess.CompletedProcess[str]:
        inherited = {k: v for k, v in os.environ.items() if k != "AWS_PLUGIN_COMMAND"}
        return subprocess.run(
            [str(self.folder / ".ci/run")],
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
            check=False,
            # Of pytest's plugins only those that the small project uses: it starts faster.
            env={**inherited, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        )


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path / "project")


class Machine:
    """A PATH with apt-get, dpkg-query and id that only note how they are called."""

    def __init__(self, folder: Path, *, installed: str = "", user: int = 0) -> None:
        self._calls = folder / "calls.txt"
        self.programs = folder / "programs"
        self.programs.mkdir()
        for name in ("bash", "grep", "dirname"):
            found = shutil.which(name)
            assert found
            (self.programs / name).symlink_to(found)
        self.add("id", f"echo {user}")
        self.add("dpkg-query", f'case " {installed} " in *" $3 "*) echo -n installed;; esac')
        self.add("apt-get", f'echo "$*" >> {self._calls}; case "$*" in *broken*) exit 100;; esac')

    def add(self, name: str, script: str) -> None:
        path = self.programs / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    def install(self, folder: Path) -> str:
        """What the script in this folder prints; it never fails."""
        ran = subprocess.run(
            [folder / "install-debian-packages"],
            env={"PATH": str(self.programs)},
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
            check=True,
        )
        return ran.stdout

    @property
    def installed(self) -> list[str]:
        """What apt-get was asked for, in order; `update` among it."""
        calls = self._calls.read_text().splitlines() if self._calls.exists() else []
        return [call.split()[-1] for call in calls]


@pytest.fixture
def packages(tmp_path: Path) -> Path:
    """A folder with the script and a list of three packages, one of them not to be had."""
    folder = tmp_path / "packages"
    folder.mkdir()
    shutil.copy(ROOT / ".ci/install-debian-packages", folder)
    (folder / "debian-packages").write_text("# Why.\nbrowser other-browser\nbroken\nvoice\n")
    return folder


def test_missing_packages_are_installed_after_an_update_and_one_that_fails_keeps_none_out(
    packages: Path, tmp_path: Path
) -> None:
    machine = Machine(tmp_path)
    printed = machine.install(packages)
    assert machine.installed == ["update", "browser", "broken", "voice"]
    assert "broken could not be installed. Tests that use it are skipped." in printed
    assert "voice could not" not in printed


def test_what_is_installed_or_has_another_program_is_not_installed_again(
    packages: Path, tmp_path: Path
) -> None:
    machine = Machine(tmp_path, installed="voice")
    machine.add("other-browser", "exit 0")
    machine.install(packages)
    assert machine.installed == ["update", "broken"]


def test_a_machine_that_has_everything_is_left_alone(packages: Path, tmp_path: Path) -> None:
    machine = Machine(tmp_path, installed="browser broken voice")
    assert machine.install(packages) == ""
    assert machine.installed == []


def test_who_is_not_root_or_has_no_apt_is_told_what_is_missing(
    packages: Path, tmp_path: Path
) -> None:
    machine = Machine(tmp_path, installed="broken", user=1000)
    assert "needs apt-get and root: browser voice." in machine.install(packages)
    assert machine.installed == []
    (machine.programs / "apt-get").unlink()
    machine.add("id", "echo 0")
    assert "needs apt-get and root: browser voice." in machine.install(packages)


def makefile_runs() -> list[str]:
    (names,) = re.findall(r"^TEST_RUNS := (.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    return names.split()


def pytest_runs(ran: subprocess.CompletedProcess[str]) -> int:
    return ran.stdout.count("test session starts")


def test_ci_passes_when_every_test_passes(project: Project) -> None:
    ran = project.ci()
    assert ran.returncode == 0, ran.stdout
    assert "UNSTABLE" not in ran.stdout
    assert ran.stdout.count("1 passed in ") == 4
    assert pytest_runs(ran) == 4
    assert ran.stdout.startswith("Packages come first.\n")


def test_ci_says_how_many_engine_tests_were_skipped_and_accepts_it_without_the_tools(
    project: Project,
) -> None:
    project.add("engine", "skipped", SKIPPED)
    ran = project.ci()
    assert ran.returncode == 0, ran.stdout
    assert ran.stdout.endswith("Tests on Pulumi's engine: 1 ran, 1 were skipped.\n")


@pytest.mark.parametrize(
    ("run", "tests"),
    [("typescript", "Tests of the TypeScript client"), ("web", "Tests of the pages in a browser")],
)
def test_ci_says_how_many_tests_of_node_and_of_a_browser_were_skipped(
    project: Project, run: str, tests: str
) -> None:
    project.add(run, "skipped", SKIPPED)
    ran = project.ci()
    assert ran.returncode == 0, ran.stdout
    assert f"{tests}: 1 ran, 1 were skipped.\n" in ran.stdout


def test_ci_gives_the_engine_tests_the_tools_that_lie_beside_the_project(project: Project) -> None:
    folder = project.add_tools()
    project.add("engine", "tools", USING_TOOLS.format(folder=folder))
    ran = project.ci()
    assert ran.returncode == 0, ran.stdout
    assert ran.stdout.endswith("Tests on Pulumi's engine: 2 ran, 0 were skipped.\n")


@pytest.mark.parametrize("other", [PASSING, FLAKY])
def test_ci_fails_if_an_engine_test_is_skipped_where_the_tools_are(
    project: Project, other: str
) -> None:
    project.add_tools()
    project.add("engine", "skipped", SKIPPED)
    project.add("first", "other", other)
    ran = project.ci()
    assert ran.returncode == 1
    assert "FAILED: none of them may be skipped" in ran.stdout
    assert "UNSTABLE" not in ran.stdout


def test_tests_that_pass_the_second_time_are_reported_as_unstable(project: Project) -> None:
    project.add("first", "flaky", FLAKY)
    project.add("engine", "flaky", FLAKY)
    stale = project.folder / ".pytest_cache/test-first/v/cache/lastfailed"
    stale.parent.mkdir(parents=True)
    stale.write_text('{"test-first/test_first_removed.py::test_that_was_removed": true}')
    ran = project.ci()
    assert ran.returncode == 0, ran.stdout
    first_try, _, second_try = ran.stdout.partition("once more")
    assert first_try.count("1 failed, 1 passed in ") == 2
    assert "collected 2 items" in second_try, "only the tests that failed run again"
    assert "2 passed in " in second_try
    last_line = ran.stdout.splitlines()[-1]
    assert last_line.startswith("UNSTABLE: ")
    for run in ("first", "engine"):
        assert FLAKY_ID.format(run=run) in last_line
    assert "removed" not in last_line


def test_ci_fails_when_a_test_fails_twice(project: Project) -> None:
    project.add("first", "flaky", FLAKY)
    project.add("engine", "failing", FAILING)
    ran = project.ci()
    assert ran.returncode == 1
    assert "UNSTABLE" not in ran.stdout
    assert "1 failed, 1 passed in " in ran.stdout.partition("once more")[2]


def test_a_test_that_is_skipped_alone_has_its_second_try_with_its_folder(project: Project) -> None:
    judging = NEEDING_ITS_FOLDER.replace("PASSES", "has_failed_before()")
    project.add("first", "judging", judging)
    project.add("engine", "flaky", FLAKY)
    ran = project.ci()
    assert ran.returncode == 0, ran.stdout
    _, _, second_try = ran.stdout.partition("once more")
    alone, _, with_folder = second_try.partition("running them with all of test-first.")
    assert "1 passed, 1 skipped in " in alone
    assert "2 passed in " in with_folder
    last_line = ran.stdout.splitlines()[-1]
    assert last_line.startswith("UNSTABLE: ")
    assert "test-first/test_first_judging.py::test_that_judges_its_folder" in last_line


def test_ci_fails_when_a_test_fails_again_with_its_folder(project: Project) -> None:
    project.add("first", "judging", NEEDING_ITS_FOLDER.replace("PASSES", "False"))
    ran = project.ci()
    assert ran.returncode == 1
    assert "UNSTABLE" not in ran.stdout
    assert "1 failed, 1 passed in " in ran.stdout.partition("running them with all of")[2]


def test_ci_fails_when_a_test_that_failed_is_skipped_the_second_time(project: Project) -> None:
    project.add("first", "skipped", LATER_SKIPPED)
    ran = project.ci()
    assert ran.returncode == 1
    assert "UNSTABLE" not in ran.stdout
    last_line = ran.stdout.splitlines()[-1]
    assert last_line.startswith("FAILED: ")
    assert last_line.endswith("test-first/test_first_skipped.py::test_that_is_skipped_later")


def test_a_lint_failure_fails_before_any_test_runs(project: Project) -> None:
    (project.folder / "lint-fails").touch()
    ran = project.ci()
    assert ran.returncode == 1
    assert pytest_runs(ran) == 0


def test_a_file_that_cannot_be_collected_fails_without_a_second_try(project: Project) -> None:
    project.add("first", "broken", NOT_COLLECTED)
    project.add("engine", "broken", NOT_COLLECTED)
    ran = project.ci()
    assert ran.returncode == 1
    assert "UNSTABLE" not in ran.stdout
    assert pytest_runs(ran) == 4


def test_a_crash_of_pytest_fails_even_beside_a_test_that_would_pass_now(project: Project) -> None:
    project.add("first", "crash", KILLED)
    project.add("engine", "flaky", FLAKY)
    ran = project.ci()
    assert ran.returncode == 1
    assert "FAILED: test-first ended without running every test" in ran.stdout
    assert pytest_runs(ran) == 4


@pytest.mark.parametrize("run", makefile_runs())
def test_each_test_run_of_the_makefile_writes_the_cache_that_ci_reads(run: str) -> None:
    assert f"cache_dir=.pytest_cache/{run} " in planned_commands(run)


@pytest.mark.parametrize("run", ["test-engine", "test-typescript", "test-web"])
def test_the_runs_whose_tests_may_be_skipped_write_the_results_that_ci_counts(run: str) -> None:
    assert f"--junitxml=.pytest_cache/{run}/results.xml " in planned_commands(run)


def planned_commands(target: str) -> str:
    planned = subprocess.run(
        ["make", "--dry-run", target],  # noqa: S607
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=True,
    )
    return planned.stdout
