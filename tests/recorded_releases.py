"""What was recorded of each release, in tests/releases: its commit, its actions, the definitions of
its stack, and what its functions exchange. CONTRIBUTING.md says how a release is recorded.
"""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
RELEASES = ROOT / "tests" / "releases"


@dataclass(frozen=True)
class Release:
    """A release by its version, such as 0.1.0."""

    version: str

    @property
    def folder(self) -> Path:
        return RELEASES / self.version

    @property
    def commit(self) -> str:
        return (self.folder / "commit.txt").read_text().strip()

    @property
    def actions(self) -> set[str]:
        return set((self.folder / "actions.txt").read_text().split())

    def recorded(self, name: str) -> dict[str, Any]:
        """What is in one of its JSON files, `definitions` or `exchanged`."""
        return json.loads((self.folder / f"{name}.json").read_text())

    def write(self, name: str, content: Any) -> None:
        self.folder.mkdir(exist_ok=True)
        text = json.dumps(content, indent=1, sort_keys=True)
        (self.folder / f"{name}.json").write_text(f"{text}\n")

    def unpack(self, folder: Path, *paths: str) -> bool:
        """Write these paths of its commit into the folder; False if git has no such commit."""
        git = ["git", "-C", str(ROOT)]
        known = subprocess.run([*git, "cat-file", "-e", f"{self.commit}^{{commit}}"], check=False)
        if known.returncode != 0:
            return False
        archive = subprocess.run(
            [*git, "archive", self.commit, *paths], capture_output=True, check=True
        )
        subprocess.run(["tar", "-x", "-C", str(folder)], input=archive.stdout, check=True)  # noqa: S607
        return True


def latest_release() -> Release:
    """The release before this code, which may be about to be recorded itself."""
    written = release_to_write()
    versions = [
        each.name for each in RELEASES.iterdir() if not written or each.name != written.version
    ]
    return Release(max(versions, key=lambda version: [int(part) for part in version.split(".")]))


def release_to_write() -> Release | None:
    """The release that WRITE_RELEASE names: the tests then record it."""
    version = os.environ.get("WRITE_RELEASE")
    return Release(version) if version else None
