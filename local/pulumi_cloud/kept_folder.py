"""The folder of `make cloud`, `.local-cloud/`: what it keeps between runs.

The emulator's state and Pulumi's describe the same resources, so they are kept together and emptied
together: if a run ends without saving the emulator's state, the next one starts with neither.
"""

import os
import shutil
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from client.account import Account
from client.running_cloud import PROJECT_ROOT
from local.emulator.process import HOST, SAVED_MARK, Continued, EmulatorError, new_keys
from local.state_folder import lock_folder
from program.stack_config import CLOUD_STACK

FOLDER = f".{CLOUD_STACK}"
# Where MiniStack and LocalStack listen by default.
FIRST_PORT = 4566
LAST_PORT = 4665


@dataclass(frozen=True)
class KeptFolder:
    """A claimed folder; leaving the context gives it up, and what is in it stays.

    `was_emptied`: whether the last run ended without saving its state.
    """

    path: Path
    lock: int
    continued: Continued
    was_emptied: bool

    @classmethod
    def claim(cls, root: Path = PROJECT_ROOT, port: int | None = None) -> Self:
        """Claim the project's folder; `port` is for an empty one, by default the first free port.

        Raises EmulatorError if the cloud is running, is kept for another port, or cannot have its
        port; nothing is changed then.
        """
        path = root / FOLDER
        lock = lock_folder(path)
        if lock is None:
            raise EmulatorError(f"this cloud is already running in {FOLDER}/: end it first")
        try:
            continued = _continued(path, port)
            was_emptied = _empty_if_unsaved(path, continued.state)
        except BaseException:
            os.close(lock)
            raise
        pulumi_backend(path).mkdir(exist_ok=True)
        return cls(path, lock, continued, was_emptied)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self.lock)


def pulumi_backend(folder: Path) -> Path:
    """The folder of Pulumi's state."""
    return folder / "pulumi"


def _continued(path: Path, port: int | None) -> Continued:
    """The port and the keys of the runs before, or new ones. Raises EmulatorError."""
    state = path / "state"
    try:
        kept = Account.load(path)
    except FileNotFoundError:
        chosen = port or _first_free_port()
        _check_port(chosen, "choose another one with `make cloud PORT=…`")
        return Continued(state, chosen, *new_keys())
    kept_port = urlsplit(kept.url).port or 0
    empty_first = f"empty this cloud first: `rm -r {FOLDER} && make cloud PORT=…`"
    if port not in (None, kept_port):
        raise EmulatorError(
            f"this cloud cannot move to port {port}, because what is deployed on it names port "
            f"{kept_port}: {empty_first}"
        )
    _check_port(kept_port, f"end the process that uses it. To use another port, {empty_first}")
    return Continued(state, kept_port, kept.access_key_id, kept.secret_access_key)


def _check_port(port: int, way_out: str) -> None:
    if not _is_free(port):
        raise EmulatorError(f"port {port} of {HOST} is in use: {way_out}")


def _first_free_port() -> int:
    return next(filter(_is_free, range(FIRST_PORT, LAST_PORT)), LAST_PORT)


def _is_free(port: int) -> bool:
    try:
        socket.create_server((HOST, port)).close()
    except OSError:
        return False
    return True


def _empty_if_unsaved(path: Path, state: Path) -> bool:
    """Return whether there was state that does not belong together, and is removed now."""
    if not state.exists() or (state / SAVED_MARK).exists():
        return False
    shutil.rmtree(state)
    shutil.rmtree(pulumi_backend(path), ignore_errors=True)
    return True
