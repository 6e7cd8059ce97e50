"""The emulator as a subprocess on a loopback port.

Each one has its own port, credentials, temporary folder and state, so several run side by side.
`stop()` removes all of it, except the state of one that continues with the state of its last run.
"""

import contextlib
import http.client
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from botocore.config import Config

from client.account import aws_session

PROJECT_ROOT = Path(__file__).resolve().parents[2]
DEFAULT_PYTHON = PROJECT_ROOT / ".venv-emulator" / "bin" / "python"
SERVE = Path(__file__).with_name("serve.py")
HOST = "127.0.0.1"
LOG_NAME = "emulator.log"
LEAST_TIME_LIMIT_VARIABLE = "EMULATOR_LEAST_TIME_LIMIT_SECONDS"
CLIENT_ADDRESS_VARIABLE = "EMULATOR_CLIENT_ADDRESS_HEADER"
# Written by saved_state.py when the state is complete, removed by it at the start.
SAVED_MARK = "saved"
LOG_TAIL_BYTES = 4_000
STOP_SECONDS = 10.0
# On a slow disk, writing the state and the code of all functions takes seconds.
SAVE_SECONDS = 60.0
# The only variables of the host that are passed on: no credentials, proxies or Python paths.
KEPT_VARIABLES = ("PATH", "LD_LIBRARY_PATH", "LANG", "LC_ALL")
CLIENT_CONFIG = Config(proxies={}, max_pool_connections=64)
# Written by iam.py for each refusal.
REFUSAL = re.compile(r"denied (?P<principal>\S+) (?P<action>\S+) on (?P<resource>\S+)$")


class EmulatorError(RuntimeError):
    """The emulator did not start or did not become ready; the message ends with its log's tail."""


@dataclass(frozen=True)
class Denial:
    """A call that IAM denied: `action` is such as `sqs:SendMessage`; `*` where unknown."""

    principal: str
    action: str
    resource: str

    @property
    def role(self) -> str:
        """The role's name, of an assumed role `arn:aws:sts::ACCOUNT:assumed-role/ROLE/SESSION`."""
        parts = self.principal.split("/")
        return parts[1] if len(parts) > 1 else self.principal


def new_keys() -> tuple[str, str]:
    """Return an access key id and its secret access key."""
    return f"AKIA{secrets.token_hex(8).upper()}", secrets.token_hex(20)


@dataclass(frozen=True)
class Continued:
    """What an emulator keeps from one run to the next: its state's folder, its port and its keys.

    The state names the port, so the port cannot be another one. If the folder has state but no file
    SAVED_MARK, the last run ended without saving it.
    """

    state: Path
    port: int
    access_key_id: str
    secret_access_key: str = field(repr=False)


class Emulator:
    """The AWS services on loopback, as a context manager.

    `state_directory` is where the emulator creates its own subfolder (log, temporary files, state),
    which `stop()` removes. `environment` adds variables to the server's and so to its functions'.
    `least_time_limit_seconds` raises the time limits of functions and integrations that are
    shorter, for machines whose cores are busy; limits.py explains it. `continued` makes it continue
    with what the last run with the same value left, and `stop()` save its state there; by default
    it is new, on a free port.
    """

    def __init__(
        self,
        state_directory: Path,
        *,
        region: str = "us-east-1",
        account_id: str = "000000000000",
        environment: Mapping[str, str] | None = None,
        least_time_limit_seconds: int = 0,
        continued: Continued | None = None,
        python: Path = DEFAULT_PYTHON,
        start_timeout_seconds: float = 30.0,
    ) -> None:
        self.region = region
        self.account_id = account_id
        # MiniStack uses the key of its own environment for the account's root.
        self.access_key_id, self.secret_access_key = (
            (continued.access_key_id, continued.secret_access_key) if continued else new_keys()
        )
        self.port = 0
        self.client_address_header = f"x-client-address-{secrets.token_hex(16)}"
        """The header in which a proxy in front of the sockets passes on its client's address; who
        does not know its name cannot claim another address.
        """
        self._state_directory = state_directory
        self._extra_environment = {
            LEAST_TIME_LIMIT_VARIABLE: str(least_time_limit_seconds),
            **(environment or {}),
        }
        self._continued = continued
        self._python = python
        self._start_timeout_seconds = start_timeout_seconds
        self._directory: Path | None = None
        self._process: subprocess.Popen[bytes] | None = None
        # Its log is long: only what is new of it is read.
        self._denials: list[Denial] = []
        self._log_bytes_read = 0
        self._log_lock = threading.Lock()
        self._clients: dict[str, Any] = {}
        self._clients_lock = threading.Lock()
        # A session is not thread-safe while it creates clients.
        self._session = aws_session(
            region=region,
            access_key_id=self.access_key_id,
            secret_access_key=self.secret_access_key,
        )
        self._session_lock = threading.Lock()

    @property
    def url(self) -> str:
        """The endpoint of every AWS service: `http://127.0.0.1:PORT`."""
        return f"http://{HOST}:{self.port}"

    @property
    def process_id(self) -> int:
        """The server's process id, which is its process group's too."""
        return self._running()[0].pid

    @property
    def log_path(self) -> Path:
        """The server's log, kept until `stop()`."""
        return self._running()[1] / LOG_NAME

    def log_tail(self) -> str:
        """Return the end of the server's log, even if the server has ended."""
        if self._directory is None:
            raise EmulatorError("the emulator is not running")
        return (self._directory / LOG_NAME).read_bytes()[-LOG_TAIL_BYTES:].decode(errors="replace")

    def denials(self) -> list[Denial]:
        """Return every call that IAM has denied so far, oldest first."""
        with self._log_lock, self.log_path.open("rb") as log:
            log.seek(self._log_bytes_read)
            # A line that is still being written is read next time.
            text = log.read().rpartition(b"\n")[0]
            self._log_bytes_read += len(text)
            self._denials += [
                Denial(**found.groupdict())
                for line in text.decode(errors="replace").splitlines()
                if (found := REFUSAL.search(line))
            ]
            return list(self._denials)

    def websocket_api_endpoint(self, api_id: str) -> str:
        """Return the `apiEndpoint` of a WebSocket API; add `/{stage}` to connect."""
        return f"ws://{HOST}:{self.port}/_aws/execute-api/{api_id}"

    def client(self, service_name: str, **options: Any) -> Any:
        """Return a boto3 client that acts as the account's root; `options` are passed to boto3.

        Without options it is created once.
        """
        if options:
            return self._new_client(service_name, **options)
        with self._clients_lock:
            if service_name not in self._clients:
                self._clients[service_name] = self._new_client(service_name)
            return self._clients[service_name]

    def start(self) -> None:
        """Start the server and wait until it is ready; raises EmulatorError."""
        if not self._python.exists():
            raise EmulatorError(f"{self._python} does not exist; run `make setup`")
        listener = self._listener()
        self._state_directory.mkdir(parents=True, exist_ok=True)
        directory = Path(tempfile.mkdtemp(prefix="emulator-", dir=self._state_directory)).resolve()
        self._directory = directory
        self._denials, self._log_bytes_read = [], 0
        self._clients = {}
        # The server inherits this socket, so no other process can take its port meanwhile.
        with listener, (directory / LOG_NAME).open("wb") as log:
            self.port = listener.getsockname()[1]
            self._process = subprocess.Popen(
                [self._python, SERVE],
                cwd=directory,
                env=self._environment(directory, listener.fileno()),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                pass_fds=[listener.fileno()],
                start_new_session=True,
            )
        try:
            self._wait_until_ready(self._process)
        except BaseException:
            with contextlib.suppress(EmulatorError):
                self.stop()
            raise

    def stop(self) -> None:
        """End the server and its functions' processes, and remove its folder.

        Raises EmulatorError if a state that is to be kept was not saved.
        """
        process, self._process = self._process, None
        problem = ""
        if process:
            process.terminate()
            try:
                process.wait(SAVE_SECONDS if self._continued else STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            if self._continued and process.returncode != 0:
                problem = f"status {process.returncode}:\n{self.log_tail()}"
        if self._directory:
            shutil.rmtree(self._directory, ignore_errors=True)
            self._directory = None
        if problem:
            raise EmulatorError(f"the emulator did not save its state; it ended with {problem}")

    def _new_client(self, service_name: str, **options: Any) -> Any:
        config = CLIENT_CONFIG.merge(options.pop("config", Config()))
        options = {"endpoint_url": self.url, "config": config, **options}
        with self._session_lock:
            return self._session.client(service_name, **options)  # type: ignore[call-overload]

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _running(self) -> tuple[subprocess.Popen[bytes], Path]:
        if self._process is None or self._directory is None:
            raise EmulatorError("the emulator is not running")
        return self._process, self._directory

    def _listener(self) -> socket.socket:
        port = self._continued.port if self._continued else 0
        try:
            return socket.create_server((HOST, port))
        except OSError as error:
            raise EmulatorError(f"port {port} of {HOST} is not free: {error.strerror}") from None

    def _environment(self, directory: Path, listener_fd: int) -> dict[str, str]:
        folders = {name: directory / name.lower() for name in ("HOME", "TMPDIR", "STATE_DIR")}
        kept = {}
        if self._continued:
            folders["STATE_DIR"] = self._continued.state
            # S3 keeps the content of its objects apart.
            kept = {"PERSIST_STATE": "1", "S3_PERSIST": "1"}
        for folder in folders.values():
            folder.mkdir(exist_ok=True)
        return {
            **{name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ},
            **{name: str(folder) for name, folder in folders.items()},
            "S3_DATA_DIR": str(folders["STATE_DIR"] / "s3"),
            "BIND_HOST": HOST,
            "GATEWAY_PORT": str(self.port),
            "AUTH": "true",
            "MINISTACK_REGION": self.region,
            "MINISTACK_ACCOUNT_ID": self.account_id,
            # AWS's own. MiniStack's depends on the machine and throttles invocations that wait for
            # one of the few environments of their function (environments.py).
            "LAMBDA_ACCOUNT_CONCURRENCY": "1000",
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
            "AWS_ACCESS_KEY_ID": self.access_key_id,
            "AWS_SECRET_ACCESS_KEY": self.secret_access_key,
            "AWS_EC2_METADATA_DISABLED": "true",
            "DOCKER_HOST": f"unix://{directory}/no-docker",
            "PYTHONUNBUFFERED": "1",
            **kept,
            CLIENT_ADDRESS_VARIABLE: self.client_address_header,
            "EMULATOR_LISTENER_FD": str(listener_fd),
            "EMULATOR_PARENT_PID": str(os.getpid()),
            **self._extra_environment,
        }

    def _wait_until_ready(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + self._start_timeout_seconds
        while time.monotonic() < deadline:
            if (status := process.poll()) is not None:
                raise EmulatorError(f"the emulator ended with status {status}:\n{self.log_tail()}")
            if self._answers():
                return
            time.sleep(0.05)
        raise EmulatorError(
            f"the emulator was not ready within {self._start_timeout_seconds:g} s:\n"
            f"{self.log_tail()}"
        )

    def _answers(self) -> bool:
        connection = http.client.HTTPConnection(HOST, self.port, timeout=1)
        try:
            connection.request("GET", "/_ministack/ready")
            return connection.getresponse().status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()
