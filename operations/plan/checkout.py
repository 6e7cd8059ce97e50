"""Checkouts whose program can be run: this one, or a revision's in a folder of its own."""

import json
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from operations.plan.recording import PlanError, Recording
from program.stack_config import committed_stacks

RECORDER = Path(__file__).resolve().parents[2]
# Layers may have to be built first, which takes uv.
TIMEOUT_SECONDS = 900


@dataclass(frozen=True)
class Checkout:
    """A folder with a program in it; `label` is its name in messages."""

    root: Path
    label: str

    def stacks(self) -> list[str]:
        """The stacks with a config of their own; raises `PlanError` where there is no program."""
        for needed in ("__main__.py", "Pulumi.yaml"):
            if not (self.root / needed).is_file():
                raise PlanError(
                    f"{self.label} has no {needed}, so no program to plan: take a revision that"
                    " has one."
                )
        return committed_stacks(self.root)

    def record(
        self, stacks: Sequence[str], overrides: Mapping[str, str] | None = None, *, preview: bool
    ) -> dict[str, Recording]:
        """Runs the program for each of these stacks; raises `PlanError`."""
        request = {
            "root": str(self.root.resolve()),
            "stacks": list(stacks),
            "overrides": dict(overrides or {}),
            "preview": preview,
        }
        try:
            done = subprocess.run(
                [sys.executable, "-P", "-W", "ignore", "-m", "operations.plan.recorder"],
                input=json.dumps(request),
                capture_output=True,
                text=True,
                check=False,
                cwd=self.root,
                env={**os.environ, "PYTHONPATH": str(RECORDER), "PYTHONDONTWRITEBYTECODE": "1"},
                timeout=TIMEOUT_SECONDS,
            )
        except subprocess.TimeoutExpired:
            raise PlanError(f"{self.label}: not done after {TIMEOUT_SECONDS} s.") from None
        if done.returncode != 0:
            said = done.stderr.replace(f"{self.root}/", "").strip().splitlines()[-1:]
            raise PlanError(f"{self.label}: the recorder ended with {done.returncode}: {said}")
        answer = json.loads(done.stdout)
        if "error" in answer:
            raise PlanError(f"{self.label}, stack {answer['stack']}: {answer['error']}")
        return {each["stack"]: Recording.from_json(each) for each in answer["recordings"]}


@contextmanager
def revision_checkout(root: Path, revision: str) -> Iterator[Checkout]:
    """The files of a revision of the repository that `root` is in; gone again afterwards.

    Raises `PlanError` for a revision that git does not know here.
    """
    commit = _git(root, "rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}").strip()
    with tempfile.TemporaryDirectory(prefix="live-sessions-plan-") as folder:
        archive, checkout = Path(folder, "revision.zip"), Path(folder, "checkout")
        # The current folder's part of the repository.
        _git(root, "archive", "--format=zip", f"--output={archive}", commit)
        with zipfile.ZipFile(archive) as files:
            files.extractall(checkout)
        # What is built is kept by what it is built from, so either side can use it.
        built = root.resolve() / ".build"
        built.mkdir(exist_ok=True)
        (checkout / ".build").symlink_to(built, target_is_directory=True)
        label = revision if commit.startswith(revision) else f"{revision} ({commit[:7]})"
        yield Checkout(checkout.resolve(), label)


def _git(root: Path, *arguments: str) -> str:
    command = ["git", "-C", str(root), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise PlanError("--against needs git, which is not on the PATH.") from None
    if done.returncode == 0:
        return done.stdout
    if arguments[0] == "rev-parse" and not done.stderr.strip():
        revision = arguments[-1].removesuffix("^{commit}")
        raise PlanError(
            f"--against {revision}: git knows no such revision here. `git log --oneline --all`"
            " lists those it knows; a shallow clone has to fetch more first."
        )
    raise PlanError(f"git {arguments[0]}: {done.stderr.strip().removeprefix('fatal: ')}")
