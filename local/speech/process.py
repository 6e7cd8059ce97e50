"""The stand-ins as one subprocess, on loopback ports that are known before it starts."""

import contextlib
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Self

from client.running_cloud import PROJECT_ROOT
from local.emulator.process import HOST, EmulatorError
from local.speech.faults import StreamFault, TranslationFault
from local.speech.recognisers import Recognition
from local.speech.serve import Settings

BACKLOG = 128
LOG_NAME = "speech.log"
SETTINGS_NAME = "settings.json"
LOG_TAIL_CHARACTERS = 4_000
START_TIMEOUT_SECONDS = 30.0
STOP_SECONDS = 5.0
ORDER_TIMEOUT_SECONDS = 10.0
# The only variables of the host that are passed on: no credentials, proxies or Python paths.
KEPT_VARIABLES = ("PATH", "LD_LIBRARY_PATH", "LANG", "LC_ALL")


class SpeechError(EmulatorError):
    """The stand-ins did not start; the message ends with the end of their log."""


class SpeechServices:
    """The stand-ins for Transcribe and Translate, as a context manager.

    `environment` is for the functions. It is known before `start`, which needs the emulator's URL;
    until then connections wait. The log is in `folder` while the process runs.
    """

    def __init__(self, folder: Path, recognition: Recognition = Recognition.SPEECH) -> None:
        self._folder = folder
        self._recognition = recognition
        self._directory: Path | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._listeners: list[socket.socket] = []
        self._transcribe_port = self._translate_port = 0

    @property
    def environment(self) -> dict[str, str]:
        """The AWS SDKs' variables for the endpoints of both services."""
        return {
            "AWS_ENDPOINT_URL_TRANSCRIBE_STREAMING": f"http://{HOST}:{self._transcribe_port}",
            "AWS_ENDPOINT_URL_TRANSLATE": f"http://{HOST}:{self._translate_port}",
        }

    @property
    def process_id(self) -> int:
        """The process's id, which is its process group's too."""
        return self._running().pid

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def log(self) -> str:
        if self._directory is None:
            raise SpeechError("the stand-ins are not running")
        return (self._directory / LOG_NAME).read_text(errors="replace")

    def log_tail(self) -> str:
        return self.log()[-LOG_TAIL_CHARACTERS:]

    def start(self, emulator_url: str) -> None:
        """Start the process; `wait_until_ready` waits for it."""
        transcribe, translate = self._listeners
        self._folder.mkdir(parents=True, exist_ok=True)
        self._directory = Path(tempfile.mkdtemp(prefix="speech-", dir=self._folder)).resolve()
        settings = Settings(
            transcribe_fd=transcribe.fileno(),
            translate_fd=translate.fileno(),
            emulator_url=emulator_url,
            recognition=self._recognition,
            parent_pid=os.getpid(),
        )
        kept = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
        settings_path = self._directory / SETTINGS_NAME
        settings_path.write_text(json.dumps(asdict(settings)))
        with (self._directory / LOG_NAME).open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "local.speech.serve", settings_path],
                cwd=PROJECT_ROOT,
                env={**kept, "TMPDIR": str(self._directory), "PYTHONUNBUFFERED": "1"},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                pass_fds=[transcribe.fileno(), translate.fileno()],
                start_new_session=True,
            )
        self._close_listeners()

    def wait_until_ready(self) -> None:
        """Wait for the first answer; raises SpeechError if there is none in time."""
        process = self._running()
        deadline = time.monotonic() + START_TIMEOUT_SECONDS
        while process.poll() is None and time.monotonic() < deadline:
            with contextlib.suppress(OSError, http.client.HTTPException):
                self.served()
                return
            time.sleep(0.05)
        raise SpeechError(f"the stand-ins did not start:\n{self.log_tail()}")

    def stop(self) -> None:
        """End the process and its subprocesses, and remove its files."""
        self._close_listeners()
        process, self._process = self._process, None
        if process:
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(STOP_SECONDS)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        if self._directory:
            shutil.rmtree(self._directory, ignore_errors=True)
            self._directory = None

    def order(self, fault: StreamFault | TranslationFault) -> None:
        """Make the next `times` streams or translations fail, after those ordered before."""
        kind = "stream" if isinstance(fault, StreamFault) else "translation"
        self._ask("POST", "/_local/faults", {"kind": kind, **asdict(fault)})

    def cancel_faults(self) -> None:
        self._ask("DELETE", "/_local/faults")

    def served(self) -> dict[str, Any]:
        """Return the counts of both services, as `faults.Served`."""
        return self._ask("GET", "/_local/served")

    def __enter__(self) -> Self:
        """Reserve the ports."""
        transcribe, translate = (socket.create_server((HOST, 0), backlog=BACKLOG) for _ in "ab")
        self._listeners = [transcribe, translate]
        self._transcribe_port = transcribe.getsockname()[1]
        self._translate_port = translate.getsockname()[1]
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise SpeechError("the stand-ins are not running")
        return self._process

    def _close_listeners(self) -> None:
        for listener in self._listeners:
            listener.close()
        self._listeners = []

    def _ask(self, method: str, path: str, content: Mapping[str, Any] | None = None) -> Any:
        connection = http.client.HTTPConnection(
            HOST, self._translate_port, timeout=ORDER_TIMEOUT_SECONDS
        )
        try:
            connection.request(method, path, json.dumps(content or {}))
            response = connection.getresponse()
            answer = json.loads(response.read())
        finally:
            connection.close()
        if response.status != http.HTTPStatus.OK:
            raise ValueError(f"{method} {path} was answered with {response.status}")
        return answer
