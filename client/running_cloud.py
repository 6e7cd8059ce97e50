"""Finding the local clouds that run on this machine, by their folders: `.local/`, `.local-2/`, …
of `make run`, and `.local-cloud/` of `make cloud`.

A running cloud holds a lock on a file in its folder. The kernel releases the lock when the process
ends, however it ends, so a folder without a locked file is left over from a run that is gone.
"""

import fcntl
import json
import os
from pathlib import Path
from typing import Any

PROJECT_ROOT = Path(__file__).resolve().parents[1]
LOCK_FILE = "lock"
OUTPUTS_FILE = "outputs.json"
CONFIG_OUTPUT = "stackConfig"
"""The output with the config that this run has set beside that of the local stack, by key."""


def state_folders(root: Path = PROJECT_ROOT) -> list[Path]:
    """Return the folders of all local clouds, running or left over, sorted by number."""
    return sorted(root.glob(".local*"), key=lambda path: (len(path.name), path.name))


def running_outputs(
    root: Path = PROJECT_ROOT, name: str | None = None
) -> tuple[Path, dict[str, Any]] | None:
    """Return the folder and the stack outputs of a local cloud that is ready; None if none is.

    `name` is the folder's name, such as `.local-2`; by default the first running cloud is taken.
    """
    for path in [root / name] if name else state_folders(root):
        outputs = path / OUTPUTS_FILE
        if is_held(path) and outputs.exists():
            return path, json.loads(outputs.read_text())
    return None


def not_running(name: str | None = None, root: Path = PROJECT_ROOT) -> str:
    """Return the error message for a `running_outputs` of None; `name` is a folder's."""
    for path in [root / name] if name else state_folders(root):
        if is_held(path):
            return (
                f"the local cloud of {path.name}/ is running, but nothing is deployed on it yet: "
                "wait for the ready line of `make run`; on `make cloud`, run `pulumi up`"
            )
    place = f"in {name}" if name else "here"
    return f"no local cloud is running {place}: start one with `make run` or `make cloud`"


def is_held(path: Path) -> bool:
    """Return whether a running process holds the folder's lock."""
    try:
        lock = os.open(path / LOCK_FILE, os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(lock)
    return False
