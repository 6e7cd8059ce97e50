"""Processes forked from one that has already imported what Lambda's Python runtime brings.

Most of an environment's start is the import of botocore, which every environment needs. So a
process without threads imports it once, and each environment is a fork of that.

What a function can see is as in a process of its own: its variables, its folder, its import path,
and the packages that it brings itself, even if they were imported already.

MiniStack's side is `popen`. The other side is this file as a program, which imports the standard
library alone.
"""

import contextlib
import gc
import json
import os
import runpy
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

IMPORTED = ("asyncio", "botocore.httpsession", "botocore.session", "concurrent.futures.thread")
# Where MiniStack's Python environments look for layers.
LAYER_FOLDERS_VARIABLE = "_LAMBDA_LAYERS_DIRS"
# The interpreter reads them only when it starts.
INTERPRETER_VARIABLES = ("PYTHON", "LD_")


class ForkedProcess:
    """As much of `subprocess.Popen` as MiniStack uses: three text pipes, signals and the end.

    A socket connects it to the process, which sends its pid and closes it when it ends.
    """

    def __init__(self, script: str, *, folder: str, variables: Mapping[str, str]) -> None:
        stdin, stdout, stderr = (os.pipe() for _ in range(3))
        self._lifeline, theirs = socket.socketpair()
        try:
            with theirs:
                _ORIGIN.fork(stdin[0], stdout[1], stderr[1], theirs.fileno())
        finally:
            for end in (stdin[0], stdout[1], stderr[1]):
                os.close(end)
        self.stdin = os.fdopen(stdin[1], "w", buffering=1)
        self.stdout = os.fdopen(stdout[0])
        self.stderr = os.fdopen(stderr[0])
        with self._lifeline.makefile("rwb") as lifeline:
            request = {"script": script, "folder": folder, "variables": dict(variables)}
            lifeline.write(json.dumps(request).encode() + b"\n")
            lifeline.flush()
            pid = lifeline.readline()
        if not pid:
            raise ChildProcessError(f"the process for {script} ended at once")
        self.pid = int(pid)
        self._lifeline.setblocking(False)

    def poll(self) -> int | None:
        """0 once it has ended, however it ended; None while it runs."""
        try:
            return 0 if self._lifeline.recv(1) == b"" else None
        except BlockingIOError:
            return None
        except ConnectionResetError:
            return 0

    def wait(self, timeout: float | None = None) -> int:
        """Wait until it has ended; raises `subprocess.TimeoutExpired`."""
        deadline = time.monotonic() + (float("inf") if timeout is None else timeout)
        while self.poll() is None:
            if time.monotonic() >= deadline:
                raise subprocess.TimeoutExpired("a forked environment", timeout or 0)
            time.sleep(0.002)
        return 0

    def terminate(self) -> None:
        self._send(signal.SIGTERM)

    def kill(self) -> None:
        self._send(signal.SIGKILL)

    def _send(self, number: int) -> None:
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)


class Origin:
    """The process that is forked, started at the first use; it ends with this one."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._control = socket.socket()

    def fork(self, *descriptors: int) -> None:
        """Fork a process that takes these: its three pipes and its end of the socket."""
        with self._lock:
            if self._process is None or self._process.poll() is not None:
                self._control, self._process = self._started()
            socket.send_fds(self._control, [b"."], descriptors)

    @staticmethod
    def _started() -> tuple[socket.socket, subprocess.Popen[bytes]]:
        control, theirs = socket.socketpair()
        with theirs:
            process = subprocess.Popen(
                [sys.executable, __file__, str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
            )
        return control, process


_ORIGIN = Origin()


def popen(command: Sequence[str], **options: Any) -> Any:
    """`subprocess.Popen`, or a fork if the command is a script for this very interpreter."""
    interpreter, *script = command
    variables = options.get("env") or {}
    if interpreter != sys.executable or len(script) != 1 or not _fits(variables):
        return subprocess.Popen(command, **options)
    return ForkedProcess(script[0], folder=options["cwd"], variables=variables)


def _fits(variables: Mapping[str, str]) -> bool:
    """Whether an interpreter that starts with these variables is as this one is."""
    ours, theirs = (
        {name: value for name, value in each.items() if name.startswith(INTERPRETER_VARIABLES)}
        for each in (os.environ, variables)
    )
    return ours == theirs


def serve(control: socket.socket) -> None:
    """Fork once for each message, until the other end is closed."""
    for name in IMPORTED:
        import_module(name)
    # The forks need not look through these modules for garbage.
    gc.freeze()
    # So that nobody has to wait for the forks' ends.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        message, descriptors, *_ = socket.recv_fds(control, 1, 4)
        if not message:
            return
        if os.fork() == 0:
            control.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            _become(*descriptors)
            return
        for descriptor in descriptors:
            os.close(descriptor)


def _become(stdin: int, stdout: int, stderr: int, lifeline: int) -> None:
    """Become what `python script` would be, and run the script; the lifeline stays open."""
    # The interpreter's streams stay as they are: nothing was read or written here before.
    for standard, descriptor in enumerate((stdin, stdout, stderr)):
        os.dup2(descriptor, standard)
        os.close(descriptor)
    connection = socket.socket(fileno=lifeline)
    with connection.makefile("rb") as incoming:
        request = json.loads(incoming.readline())
    connection.sendall(b"%d\n" % os.getpid())
    connection.detach()
    os.environ.clear()
    os.environ.update(request["variables"])
    time.tzset()
    os.chdir(request["folder"])
    sys.argv = [request["script"]]
    sys.path[0] = os.path.dirname(request["script"])
    layers = os.environ.get(LAYER_FOLDERS_VARIABLE, "").split(os.pathsep)
    _forget(_brought_by([Path(request["folder"]), *map(Path, filter(None, layers))]))
    runpy.run_path(request["script"], run_name="__main__")


def _brought_by(folders: Iterable[Path]) -> set[str]:
    """The names of the modules in a function's own folder and in those of its layers."""
    places = [
        place
        for folder in folders
        for place in (folder, folder / "python", *folder.glob("python/lib/*/site-packages"))
    ]
    return {
        path.name.partition(".")[0]
        for place in places
        if place.is_dir()
        for path in place.iterdir()
    }


def _forget(packages: set[str]) -> None:
    for name, module in list(sys.modules.items()):
        is_installed = "site-packages" in (getattr(module, "__file__", None) or "")
        if is_installed and name.partition(".")[0] in packages:
            del sys.modules[name]


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])))
