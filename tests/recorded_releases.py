"""What was recorded of each release, in tests/releases: its commit, its actions, the definitions of
its stack, and what its functions exchange. CONTRIBUTING.md says how a release is recorded.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contract.functions import LIVE, Function

ROOT = Path(__file__).resolve().parents[1]
RELEASES = ROOT / "tests" / "releases"

STACK = "production"
PREFIX = f"live-sessions-{STACK}"
"""Of the physical names in the stack whose definitions are recorded."""


@dataclass(frozen=True)
class Release:
    """A release by its version, such as 0.1.0."""

    version: str
    releases: Path = RELEASES

    @property
    def folder(self) -> Path:
        return self.releases / self.version

    @property
    def commit(self) -> str:
        return (self.folder / "commit.txt").read_text().strip()

    @property
    def actions(self) -> set[str]:
        return set((self.folder / "actions.txt").read_text().split())

    def recorded(self, name: str) -> dict[str, Any]:
        """What is in one of its JSON files, `definitions` or `exchanged`."""
        return json.loads((self.folder / f"{name}.json").read_text())

    def environment_of(self, function: Function, given: Mapping[str, str]) -> dict[str, str]:
        """What this release's function has of the variables that today's is given.

        Other functions are named by their alias, if this release may invoke that.
        """
        definitions = self.recorded("definitions")
        name = function.name_in(PREFIX)
        newer = set(function.variables) - set(definitions["variables"][name])
        kept = {each: value for each, value in given.items() if each not in newer}
        if any(_invokes_alias(right) for right in definitions["rights"][name]):
            return kept
        return {each: value.removesuffix(f":{LIVE}") for each, value in kept.items()}

    def write(self, name: str, content: Any) -> None:
        self.folder.mkdir(exist_ok=True)
        text = json.dumps(content, indent=1, sort_keys=True)
        (self.folder / f"{name}.json").write_text(f"{text}\n")

    def unpack(self, folder: Path) -> bool:
        """Write the files of its commit into the folder; False if git has no such commit."""
        git = ["git", "-C", str(ROOT)]
        known = subprocess.run([*git, "cat-file", "-e", f"{self.commit}^{{commit}}"], check=False)
        if known.returncode != 0:
            return False
        archive = subprocess.run([*git, "archive", self.commit], capture_output=True, check=True)
        subprocess.run(["tar", "-x", "-C", str(folder)], input=archive.stdout, check=True)  # noqa: S607
        return True


def _invokes_alias(right: str) -> bool:
    action, resource, *_ = right.split()
    return action == "lambda:InvokeFunction" and resource.endswith(f":{LIVE}")


def latest_release(releases: Path = RELEASES) -> Release:
    """The release before this code, which may be about to be recorded itself."""
    written = release_to_write()
    versions = [
        each.name for each in releases.iterdir() if not written or each.name != written.version
    ]
    latest = max(versions, key=lambda version: [int(part) for part in version.split(".")])
    return Release(latest, releases)


def release_to_write() -> Release | None:
    """The release that WRITE_RELEASE names: the tests then record it."""
    version = os.environ.get("WRITE_RELEASE")
    return Release(version) if version else None
