"""Runs of `python -m local.run`, each in a copy of the project."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from program.stack_config import ROOT

COPIED = ("__main__.py", "client", "components", "contract", "handlers", "local", "program")
READY_TIMEOUT_SECONDS = 60.0
RELOAD_TIMEOUT_SECONDS = 60.0
ENDING_TIMEOUT_SECONDS = 60.0
# Which another process may be writing.
UNFINISHED_BYTECODE = shutil.ignore_patterns("*.pyc.*")
NOT_SOURCES = shutil.ignore_patterns("dist", "node_modules", "tests")


class Run:
    """One `python -m local.run`; its output is kept in a file."""

    def __init__(self, project: Path, scratch: Path, *arguments: str) -> None:
        self.project = project
        self.scratch = scratch
        scratch.mkdir()
        self._output = scratch.with_suffix(".txt")
        with self._output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "local.run", *arguments],
                cwd=project,
                env={**os.environ, "TMPDIR": str(scratch)},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def text(self) -> str:
        return self._output.read_text()

    def wait_for(self, words: str, timeout_seconds: float) -> str:
        """Return the first line with these words."""
        deadline = time.monotonic() + timeout_seconds
        while time.monotonic() < deadline:
            for line in self.text.splitlines():
                if words in line:
                    return line
            assert self.process.poll() is None, f"the run ended: {self.text}"
            time.sleep(0.05)
        raise AssertionError(f"no {words!r} within {timeout_seconds} s: {self.text}")

    def wait_until_ready(self) -> str:
        return self.wait_for("ready in", READY_TIMEOUT_SECONDS)

    def page(self, name: str) -> str:
        """The URL of the page that is printed with this name, such as `speak`."""
        return self.wait_for(f"{name}: ", READY_TIMEOUT_SECONDS).split()[1]

    def end(self, number: int) -> int:
        self.process.send_signal(number)
        return self.process.wait(ENDING_TIMEOUT_SECONDS)


# For a test to delete.
UNUSED_MODULE = Path("handlers", "live_sessions", "unused.py")


class Runs:
    """The runs in one copy of the project; those that are left in the end are killed."""

    def __init__(self, folder: Path) -> None:
        self.project = copy_of_the_project(folder / "project")
        self._folder = folder
        self._all: list[Run] = []
        self._edited: Run | None = None

    def start(self, *arguments: str) -> Run:
        scratch = self._folder / f"scratch-{len(self._all)}"
        self._all.append(Run(self.project, scratch, *arguments))
        return self._all[-1]

    def edited(self) -> Run:
        """One run for all tests, as long as it lives; it is ready and serves in `.local`."""
        if self._edited is None or self._edited.process.poll() is not None:
            (self.project / UNUSED_MODULE).touch()
            self._edited = self.start()
            self._edited.wait_until_ready()
        return self._edited

    def kill(self) -> None:
        for run in self._all:
            if run.process.poll() is None:
                run.process.kill()
                run.process.wait(ENDING_TIMEOUT_SECONDS)


def copy_of_the_project(copy: Path) -> Path:
    """The program and the handlers, with their bytecode; environments and built layers are the
    original's.
    """
    copy.mkdir()
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, copy / name, ignore=UNFINISHED_BYTECODE)
        else:
            shutil.copy(source, copy / name)
    for config in ROOT.glob("Pulumi*.yaml"):
        shutil.copy(config, copy)
    (copy / ".venv-emulator").symlink_to(ROOT / ".venv-emulator")
    for package in ("clients/typescript", "web"):
        shutil.copytree(ROOT / package, copy / package, ignore=NOT_SOURCES)
        if (ROOT / package / "node_modules").exists():
            (copy / package / "node_modules").symlink_to(ROOT / package / "node_modules")
    if (ROOT / ".build").exists():
        shutil.copytree(ROOT / ".build", copy / ".build", ignore=unfinished_builds)
    return copy


def unfinished_builds(folder: str, names: list[str]) -> list[str]:
    """What another test run may be building, and takes away again."""
    return [
        name for name in names if Path(folder).name in ("layers", "web") and name.startswith(".")
    ]
