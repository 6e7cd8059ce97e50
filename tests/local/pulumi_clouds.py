"""`make cloud` as people start it, on a copy of the project."""

import shlex
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

from local.emulator.process import HOST
from program.stack_config import ROOT
from tests.patience import OUT_OF_REACH_SECONDS, PATIENCE_SECONDS, wait_until

COPIED = ("client", "components", "contract", "local", "program")


def free_port() -> int:
    with socket.create_server((HOST, 0)) as listener:
        return listener.getsockname()[1]


class Cloud:
    """One `python -m local.pulumi_cloud` in a project, which is copied if it does not exist."""

    def __init__(self, project: Path, port: int) -> None:
        self.project = project
        self.folder = project / ".local-cloud"
        if not project.exists():
            copy_of_what_serves(project)
        self._output = project / "output.txt"
        with self._output.open("wb") as output:
            self.process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "local.pulumi_cloud", "--port", str(port)),
                    *("--least-time-limit-seconds", str(OUT_OF_REACH_SECONDS)),
                ],
                cwd=project,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def text(self) -> str:
        return self._output.read_text()

    def wait_for(self, words: str) -> str:
        """Return the first line with these words."""
        deadline = time.monotonic() + OUT_OF_REACH_SECONDS
        while time.monotonic() < deadline:
            for line in self.text.splitlines():
                if words in line:
                    return line
            assert self.process.poll() is None, f"the cloud ended: {self.text}"
            time.sleep(0.05)
        raise AssertionError(f"no {words!r}: {self.text}")

    def variables(self) -> dict[str, str]:
        """What `source .local-cloud/env` exports."""
        self.wait_for("source ")
        words = shlex.split((self.folder / "env").read_text())
        return dict(word.split("=", 1) for word in words if "=" in word)

    def processes(self) -> list[str]:
        """Process id and command line of all processes that name the project's folder."""
        listed = subprocess.run(
            ["ps", "-A", "-ww", "-o", "pid=,args="],  # noqa: S607
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
            check=True,
        ).stdout
        return [line for line in listed.splitlines() if f"{self.project}/" in line]

    def end(self, number: int) -> int:
        self.process.send_signal(number)
        return self.process.wait(OUT_OF_REACH_SECONDS)

    def kill(self) -> None:
        """End it at once, if it is running; its emulator ends a moment later."""
        if self.process.poll() is not None:
            return
        self.process.kill()
        self.process.wait(PATIENCE_SECONDS)
        wait_until(lambda: not self.processes())


def copy_of_what_serves(copy: Path) -> None:
    """The modules of `make cloud` and the stack files; the emulator's environment is shared."""
    copy.mkdir()
    for name in COPIED:
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, copy / name, ignore=ignored)
    for name in ("Pulumi.yaml", "Pulumi.local.yaml"):
        shutil.copy(ROOT / name, copy)
    (copy / ".venv-emulator").symlink_to(ROOT / ".venv-emulator")
