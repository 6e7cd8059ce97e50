"""Checkouts whose program can be run: the working tree, or a revision in a temporary folder."""

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
    """A folder that contains the program; `label` names it in messages."""

    root: Path
    label: str

    def stacks(self) -> list[str]:
        """The stacks with a committed config; raises `PlanError` if there is no program."""
        for needed in ("__main__.py", "Pulumi.yaml"):
            if not (self.root / needed).is_file():
                raise PlanError(
                    f"{self.label} has no {needed}, so there is no program to plan: choose a"
                    " revision that has one."
                )
        return committed_stacks(self.root)

    def record(
        self, stacks: Sequence[str], overrides: Mapping[str, str] | None = None, *, preview: bool
    ) -> dict[str, Recording]:
        """Run the program for each of these stacks; raises `PlanError`."""
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
            raise PlanError(f"{self.label}: timed out after {TIMEOUT_SECONDS} s.") from None
        if done.returncode != 0:
            last_line = done.stderr.replace(f"{self.root}/", "").strip().splitlines()[-1:]
            raise PlanError(f"{self.label}: the recorder ended with {done.returncode}: {last_line}")
        answer = json.loads(done.stdout)
        if "error" in answer:
            raise PlanError(f"{self.label}, stack {answer['stack']}: {answer['error']}")
        return {each["stack"]: Recording.from_json(each) for each in answer["recordings"]}


@contextmanager
def revision_checkout(root: Path, revision: str) -> Iterator[Checkout]:
    """The files of a revision of the repository that contains `root`, deleted afterwards.

    Raises `PlanError` for a revision that git cannot find.
    """
    commit = _git(root, "rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}").strip()
    with tempfile.TemporaryDirectory(prefix="live-sessions-plan-") as folder:
        archive, checkout = Path(folder, "revision.zip"), Path(folder, "checkout")
        # Only the part of the repository below the current folder.
        _git(root, "archive", "--format=zip", f"--output={archive}", commit)
        with zipfile.ZipFile(archive) as files:
            files.extractall(checkout)
        # Built layers are cached by a hash of their inputs, so both sides can share them.
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
            f"--against {revision}: git finds no such revision. `git log --oneline --all`"
            " lists the known ones; in a shallow clone, fetch more first."
        )
    raise PlanError(f"git {arguments[0]}: {done.stderr.strip().removeprefix('fatal: ')}")
