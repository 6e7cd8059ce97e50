"""The emulator's process: ready, apart from others, and gone without a trace."""

import os
import signal
import subprocess
import sys
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from local.emulator.process import Emulator, EmulatorError
from tests.local.emulator.sockets import (
    PATIENCE_SECONDS,
    Route,
    deploy_socket_api,
    eventually,
)

PROJECT_ROOT = Path(__file__).resolve().parents[3]


def processes_of_group(group_id: int) -> list[int]:
    listing = subprocess.run(
        ["ps", "-A", "-o", "pid=,pgid=,stat="],  # noqa: S607
        capture_output=True,
        text=True,
        check=True,
        timeout=PATIENCE_SECONDS,
    ).stdout
    rows = [line.split() for line in listing.splitlines()]
    return [int(pid) for pid, group, state in rows if int(group) == group_id and "Z" not in state]


def test_two_emulators_do_not_disturb_each_other(emulator: Emulator, tmp_path: Path) -> None:
    with Emulator(tmp_path, region="eu-west-1", account_id="111122223333") as other:
        assert other.url != emulator.url
        other.client("sqs").create_queue(QueueName="mine")
        assert not emulator.client("sqs").list_queues().get("QueueUrls")
        identity = other.client("sts").get_caller_identity()
        assert identity["Arn"] == "arn:aws:iam::111122223333:root"
        assert other.client("sqs").meta.region_name == "eu-west-1"
    assert emulator.client("sts").get_caller_identity()["Account"] == emulator.account_id


def test_the_root_key_of_one_emulator_is_unknown_to_another(
    emulator: Emulator, tmp_path: Path
) -> None:
    with Emulator(tmp_path) as other:
        stranger = other.client(
            "dynamodb",
            aws_access_key_id=emulator.access_key_id,
            aws_secret_access_key=emulator.secret_access_key,
        )
        with pytest.raises(stranger.exceptions.ClientError) as refusal:
            stranger.list_tables()
    assert refusal.value.response["Error"]["Code"] == "UnrecognizedClientException"


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="it reads Linux's list of files")
def test_a_connection_that_a_client_has_closed_is_closed_by_the_server_too(
    emulator: Emulator,
) -> None:
    files = Path(f"/proc/{emulator.process_id}/fd")
    address = urlsplit(emulator.url)
    host, port = str(address.hostname), int(address.port or 0)
    connections = [HTTPConnection(host, port, timeout=PATIENCE_SECONDS) for _ in range(40)]
    for connection in connections:
        connection.request("GET", "/_ministack/health")
        connection.getresponse().read()
    while_open = len(list(files.iterdir()))
    for connection in connections:
        connection.close()
    after = while_open - len(connections) // 2
    eventually(lambda: len(list(files.iterdir())) <= after, "the server's closing")


def test_stop_leaves_no_process_and_no_file(tmp_path: Path) -> None:
    emulator = Emulator(tmp_path / "state")
    emulator.start()
    group_id = emulator.process_id
    api = deploy_socket_api(emulator, tmp_path / "notes", {"$default": Route()})
    name = api.new_name()
    with api.connect() as socket:
        api.ask(socket)
        socket.send(f'{{"note": "{name}", "await": "never"}}')
        api.noted(name)
        assert len(processes_of_group(group_id)) >= 2, "the server and a busy worker"
        emulator.stop()
    # A killed process is gone a moment after the signal.
    eventually(lambda: not processes_of_group(group_id), "the end of all processes")
    assert list((tmp_path / "state").iterdir()) == []


def test_sigterm_leaves_no_worker_and_no_temporary_file(tmp_path: Path) -> None:
    with Emulator(tmp_path / "state") as emulator:
        api = deploy_socket_api(emulator, tmp_path / "notes", {"$default": Route()})
        name = api.new_name()
        with api.connect() as socket:
            api.ask(socket)
            socket.send(f'{{"note": "{name}", "await": "never"}}')
            api.noted(name)
        [scratch] = emulator.log_path.parent.joinpath("tmpdir").iterdir()
        assert list(scratch.iterdir()), "the busy worker has its files there"
        group_id = emulator.process_id
        os.kill(group_id, signal.SIGTERM)
        eventually(lambda: not processes_of_group(group_id), "the end of all processes")
        assert not scratch.exists()


def test_the_server_ends_with_the_process_that_started_it(tmp_path: Path) -> None:
    program = (
        "import pathlib, sys, time\n"
        "from local.emulator.process import Emulator\n"
        "emulator = Emulator(pathlib.Path(sys.argv[1]))\n"
        "emulator.start()\n"
        "print(emulator.process_id, flush=True)\n"
        "time.sleep(600)\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", program, tmp_path],
        cwd=PROJECT_ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    with parent:
        assert parent.stdout
        server_id = int(parent.stdout.readline())
        assert processes_of_group(server_id) == [server_id]
        parent.kill()
    eventually(lambda: not processes_of_group(server_id), "the end of the orphaned server")


def test_a_server_that_cannot_start_is_reported_with_its_log(tmp_path: Path) -> None:
    emulator = Emulator(tmp_path, environment={"EMULATOR_IDLE_SECONDS": "soon"})
    with pytest.raises(EmulatorError, match=r"ended with status 1(.|\n)*'soon'"):
        emulator.start()
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_is_not_ready_in_time_is_reported_and_stopped(tmp_path: Path) -> None:
    emulator = Emulator(tmp_path, start_timeout_seconds=0.0)
    with pytest.raises(EmulatorError, match="not ready within 0 s"):
        emulator.start()
    assert list(tmp_path.iterdir()) == []


def test_another_ministack_is_refused_at_the_start(tmp_path: Path) -> None:
    stand_in = tmp_path / "packages" / "ministack-0.0.1.dist-info"
    stand_in.mkdir(parents=True)
    (stand_in / "METADATA").write_text("Metadata-Version: 2.1\nName: ministack\nVersion: 0.0.1\n")
    environment = {"PYTHONPATH": str(stand_in.parent)}
    with pytest.raises(EmulatorError, match=r"is written for MiniStack 1\.5\.33, not 0\.0\.1"):
        Emulator(tmp_path / "state", environment=environment).start()


def test_the_hosts_credentials_and_proxies_stay_outside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "SOME_SECRET", "PYTHONPATH"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with Emulator(tmp_path / "state") as emulator:
        api = deploy_socket_api(emulator, tmp_path / "notes", {"$default": Route()})
        name = api.new_name()
        with api.connect() as socket:
            api.ask(socket, environment=name)
        environment = api.noted(name)
    assert environment["AWS_REGION"] == "us-east-1"
    assert environment["AWS_ACCESS_KEY_ID"] != emulator.access_key_id, "functions are not root"
    assert "http://127.0.0.1:9" not in environment.values()
