"""Releases of a checkout's program that differ in an entry, a layer and a variable at once.

Each entry of a release runs with that release's layer and variable only, so a function that was
changed in parts fails until the last one is there.
"""

import shutil
from dataclasses import dataclass
from pathlib import Path

from program.stack_config import ROOT

CHECK = """

import os as _os

import live_sessions as _layer

_parts = ({name!r}, _layer.RELEASE, _os.environ["POWERTOOLS_LOG_LEVEL"])
if _parts != ({name!r}, {name!r}, {log_level!r}):
    raise RuntimeError(f"entry, layer and variable are of different releases: {{_parts}}")
"""


@dataclass(frozen=True)
class Release:
    """A name, and the variable: config that reaches every function."""

    name: str
    log_level: str

    def made_of(self, checkout: Path, folder: Path) -> Path:
        """Copy a checkout's program into the folder, as this release; returns the copy's path."""
        root = folder / self.name
        shutil.rmtree(root, ignore_errors=True)
        shutil.copytree(checkout, root, ignore=shutil.ignore_patterns(".*", "__pycache__", "tests"))
        (root / ".build").symlink_to(ROOT / ".build", target_is_directory=True)
        handlers = root / "handlers"
        for entry in handlers.glob("*.py"):
            check = CHECK.format(name=self.name, log_level=self.log_level)
            entry.write_text(entry.read_text() + check)
        shared = handlers / "live_sessions/__init__.py"
        shared.write_text(f"{shared.read_text()}\nRELEASE = {self.name!r}\n")
        return root


OLD = Release("old", "INFO")
NEW = Release("new", "DEBUG")
