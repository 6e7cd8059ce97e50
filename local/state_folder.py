"""The folder of one running local cloud: `.local/`, or `.local-2/`, `.local-3/`… beside others.

Each run locks a file in its folder. The kernel releases the lock when the process ends, even after
a crash, so a folder without a lock is a leftover and can be claimed.
"""

import fcntl
import itertools
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from client.running_cloud import LOCK_FILE, PROJECT_ROOT


@dataclass(frozen=True)
class StateFolder:
    """A claimed folder; leaving the context removes it."""

    path: Path
    lock: int

    @classmethod
    def claim(cls, root: Path = PROJECT_ROOT) -> Self:
        """Claim the first folder that no other run has locked, and empty it."""
        for path in _candidates(root):
            lock = lock_folder(path)
            if lock is not None:
                folder = cls(path, lock)
                folder._empty()
                return folder
        raise AssertionError("there is always a next number")

    def release(self) -> None:
        """Remove the folder and its contents, then release the lock."""
        shutil.rmtree(self.path, ignore_errors=True)
        os.close(self.lock)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def _empty(self) -> None:
        for entry in self.path.iterdir():
            if entry.name == LOCK_FILE:
                continue
            if entry.is_dir():
                shutil.rmtree(entry)
            else:
                entry.unlink()


def _candidates(root: Path) -> Iterator[Path]:
    yield root / ".local"
    for number in itertools.count(2):
        yield root / f".local-{number}"


def lock_folder(path: Path) -> int | None:
    """Lock the folder. Return None if another run has locked it."""
    while True:
        path.mkdir(parents=True, exist_ok=True)
        try:
            lock = os.open(path / LOCK_FILE, os.O_CREAT | os.O_RDWR, 0o600)
        except FileNotFoundError:
            continue  # the previous owner has just removed the folder
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            return None
        if _is_at(lock, path / LOCK_FILE):
            return lock
        os.close(lock)


def _is_at(lock: int, path: Path) -> bool:
    """Return whether the locked file is still the one at this path."""
    try:
        return os.path.samestat(os.fstat(lock), path.stat())
    except FileNotFoundError:
        return False
