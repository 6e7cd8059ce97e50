"""`make cloud`: what it keeps, and what it tells the Pulumi CLI; tests/engine deploys on it."""

import json
import os
import shlex
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from client.account import Account
from client.running_cloud import is_held, not_running, running_outputs
from local.emulator.process import HOST, SAVED_MARK, EmulatorError
from local.pulumi_cloud.deployed import CannotReadOutputs, Deployed
from local.pulumi_cloud.kept_folder import KeptFolder, pulumi_backend
from local.pulumi_cloud.shell import pulumi_variables, write_env_file
from program.stack_config import ROOT, stack_config
from tests.local.pulumi_clouds import Cloud, free_port
from tests.patience import PATIENCE_SECONDS

OUTPUTS = {"websocketUrl": "ws://127.0.0.1:1/live", "userPoolId": "us-east-1_x"}


def account(port: int, folder: Path) -> Account:
    return Account(f"http://{HOST}:{port}", "us-east-1", "000000000000", "AKIA1", f"it's {folder}")


def kept(root: Path, port: int, *, saved: bool = True) -> Path:
    """What a run on the port leaves, with its state saved or not."""
    folder = root / ".local-cloud"
    (folder / "state").mkdir(parents=True)
    (pulumi_backend(folder) / ".pulumi").mkdir(parents=True)
    account(port, folder).save(folder)
    if saved:
        (folder / "state" / SAVED_MARK).touch()
    return folder


def test_a_new_cloud_has_a_port_keys_and_an_empty_backend(tmp_path: Path) -> None:
    with KeptFolder.claim(tmp_path) as folder:
        assert folder.path == tmp_path / ".local-cloud"
        assert 4566 <= folder.continued.port < 4666
        assert folder.continued.access_key_id.startswith("AKIA")
        assert list(pulumi_backend(folder.path).iterdir()) == []
        assert not folder.was_emptied
        assert is_held(folder.path)
    assert not is_held(folder.path)


def test_the_next_run_has_the_same_port_keys_and_state(tmp_path: Path) -> None:
    port = free_port()
    path = kept(tmp_path, port)
    for asked in (None, port):
        with KeptFolder.claim(tmp_path, asked) as folder:
            assert folder.continued.port == port
            assert folder.continued.access_key_id == "AKIA1"
            assert folder.continued.state == path / "state"
            assert not folder.was_emptied
            assert (pulumi_backend(path) / ".pulumi").exists()


def test_without_saved_state_both_states_are_emptied_and_port_and_keys_stay(tmp_path: Path) -> None:
    port = free_port()
    path = kept(tmp_path, port, saved=False)
    with KeptFolder.claim(tmp_path) as folder:
        assert folder.was_emptied
        assert (folder.continued.port, folder.continued.access_key_id) == (port, "AKIA1")
        assert not folder.continued.state.exists()
        assert list(pulumi_backend(path).iterdir()) == []


def test_a_kept_port_that_is_in_use_is_reported_and_nothing_is_emptied(tmp_path: Path) -> None:
    with socket.create_server((HOST, 0)) as other:
        port = other.getsockname()[1]
        path = kept(tmp_path, port, saved=False)
        with pytest.raises(EmulatorError, match=rf"port {port} of .* is in use: .*make cloud PORT"):
            KeptFolder.claim(tmp_path)
    assert (path / "state").exists()
    assert not is_held(path)


def test_a_new_cloud_on_a_port_that_is_in_use_is_refused(tmp_path: Path) -> None:
    with socket.create_server((HOST, 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(EmulatorError, match=f"port {port} of .* is in use"):
            KeptFolder.claim(tmp_path, port)
    with KeptFolder.claim(tmp_path, other_port := free_port()) as folder:
        assert folder.continued.port == other_port


def test_a_kept_cloud_does_not_move_to_another_port(tmp_path: Path) -> None:
    path = kept(tmp_path, 4566)
    with pytest.raises(EmulatorError, match=r"cannot move to port 4999.*rm -r \.local-cloud"):
        KeptFolder.claim(tmp_path, 4999)
    assert (path / "state").exists()
    assert not is_held(path)


def test_a_cloud_that_is_running_is_not_started_twice(tmp_path: Path) -> None:
    with KeptFolder.claim(tmp_path), pytest.raises(EmulatorError, match="already running"):
        KeptFolder.claim(tmp_path)


def test_a_shell_that_sources_the_file_has_the_variables_and_none_of_its_own(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "a folder"
    folder.mkdir()
    cloud = account(4566, folder)
    path = write_env_file(folder, cloud)
    assert path.stat().st_mode & 0o777 == 0o600
    script = f". {shlex.quote(str(path))} && env -0"
    own = {"AWS_PROFILE": "mine", "AWS_SESSION_TOKEN": "mine", "AWS_REGION": "eu-west-1"}
    shown = subprocess.run(
        ["sh", "-c", script],  # noqa: S607
        env={"PATH": os.environ["PATH"], **own},
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=True,
    ).stdout
    variables = dict(line.split("=", 1) for line in shown.split("\0") if line)
    assert pulumi_variables(folder, cloud).items() <= variables.items()
    assert variables["AWS_REGION"] == "us-east-1"
    assert variables["PULUMI_BACKEND_URL"] == f"file://{folder}/pulumi"
    assert not variables.keys() & {"AWS_PROFILE", "AWS_SESSION_TOKEN"}


class FakePulumi:
    """A `pulumi` that prints what the test wants, and a stack's state that the test writes."""

    def __init__(self, folder: Path) -> None:
        self.bin = folder / "bin"
        self.bin.mkdir()
        self._answer = folder / "answer"
        self._state = pulumi_backend(folder) / ".pulumi/stacks/p/local-cloud.json"
        self._state.parent.mkdir(parents=True)
        self._writes = 0
        program = self.bin / "pulumi"
        program.write_text(
            f'#!/bin/sh\ntest "$PULUMI_BACKEND_URL" = here || exit 1\ncat {self._answer}\n'
        )
        program.chmod(0o755)

    def deploy(self, outputs: object) -> None:
        self._answer.write_text(json.dumps(outputs))
        self._writes += 1
        self._state.touch()
        os.utime(self._state, ns=(self._writes, self._writes))

    def remove(self) -> None:
        self._state.unlink()


@pytest.fixture
def pulumi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakePulumi:
    fake = FakePulumi(tmp_path)
    monkeypatch.setenv("PATH", f"{fake.bin}:{os.environ['PATH']}")
    return fake


@pytest.fixture
def deployed(tmp_path: Path) -> Deployed:
    return Deployed(tmp_path, {"PULUMI_BACKEND_URL": "here"}, tmp_path)


def test_outputs_are_read_once_the_state_is_settled_and_only_if_it_changed(
    pulumi: FakePulumi, deployed: Deployed
) -> None:
    assert [deployed.has_changed() for _ in "ab"] == [False, False]
    pulumi.deploy(OUTPUTS)
    assert [deployed.has_changed() for _ in "abc"] == [False, True, False]
    assert deployed.outputs == OUTPUTS
    pulumi.deploy(OUTPUTS)
    assert [deployed.has_changed() for _ in "abc"] == [False, False, False]
    pulumi.deploy({**OUTPUTS, "more": 1})
    assert [deployed.has_changed() for _ in "ab"] == [False, True]


def test_a_stack_without_outputs_is_not_deployed(pulumi: FakePulumi, deployed: Deployed) -> None:
    pulumi.deploy({})
    assert [deployed.has_changed() for _ in "ab"] == [False, False]
    pulumi.deploy(OUTPUTS)
    assert [deployed.has_changed() for _ in "ab"] == [False, True]
    pulumi.deploy({})
    assert [deployed.has_changed() for _ in "ab"] == [False, True]
    assert deployed.outputs is None


def test_a_removed_stack_is_not_deployed(pulumi: FakePulumi, deployed: Deployed) -> None:
    pulumi.deploy(OUTPUTS)
    assert [deployed.has_changed() for _ in "ab"] == [False, True]
    pulumi.remove()
    assert [deployed.has_changed() for _ in "ab"] == [False, True]
    assert deployed.outputs is None


def test_a_pulumi_that_is_missing_or_fails_is_reported_once(
    pulumi: FakePulumi, deployed: Deployed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pulumi.deploy(OUTPUTS)
    (tmp_path / "answer").unlink()
    assert not deployed.has_changed()
    with pytest.raises(CannotReadOutputs, match="No such file"):
        deployed.has_changed()
    assert not deployed.has_changed()
    monkeypatch.setenv("PATH", str(tmp_path))
    pulumi.deploy(OUTPUTS)
    assert not deployed.has_changed()
    with pytest.raises(CannotReadOutputs, match="no pulumi on the PATH"):
        deployed.has_changed()
    assert not deployed.has_changed()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[[], Cloud]]:
    """Starts `make cloud` on a copy of the project, on one port."""
    port, clouds = free_port(), list[Cloud]()

    def start_cloud() -> Cloud:
        clouds.append(Cloud(tmp_path / "project", port))
        return clouds[-1]

    yield start_cloud
    for cloud in clouds:
        cloud.kill()


def test_a_cloud_serves_alone_is_kept_and_is_the_same_at_its_next_start(
    start: Callable[[], Cloud],
) -> None:
    first = start()
    first.wait_for("ready in")
    variables = first.variables()
    config = stack_config("local-cloud", root=first.project)
    assert config["live-sessions:cognitoEndpoint"] == variables["AWS_ENDPOINT_URL"]
    assert f"{variables['AWS_ENDPOINT_URL']} (Ctrl-C ends)" in first.text
    assert "source .local-cloud/env" in first.text
    assert running_outputs(first.project) is None
    assert "run `pulumi up`" in not_running(root=first.project)
    lambda_ = Account.load(first.folder).client("lambda")
    assert lambda_.list_functions()["Functions"] == []
    Account.load(first.folder).client("sqs").create_queue(QueueName="kept")

    assert first.end(signal.SIGINT) == 0
    assert sorted(path.name for path in first.folder.iterdir()) == [
        *("lock", "pulumi", "root-credentials.json", "state")
    ]
    (first.folder / "pulumi" / "state-of-pulumi").touch()

    second = start()
    second.wait_for("ready in")
    assert second.variables() == variables
    assert "start empty" not in second.text
    queues = Account.load(second.folder).client("sqs").list_queues()["QueueUrls"]
    assert [url.rpartition("/")[2] for url in queues] == ["kept"]
    assert (second.folder / "pulumi" / "state-of-pulumi").exists()

    [server] = [line for line in second.processes() if "emulator/serve.py" in line]
    os.kill(int(server.split()[0]), signal.SIGKILL)
    assert second.process.wait(PATIENCE_SECONDS) == 1
    assert "the emulator ended by itself" in second.text
    assert second.processes() == []

    third = start()
    third.wait_for("start empty")
    third.wait_for("ready in")
    assert third.variables() == variables
    assert not Account.load(third.folder).client("sqs").list_queues().get("QueueUrls")
    assert not (third.folder / "pulumi" / "state-of-pulumi").exists()


def test_a_killed_cloud_still_saves_its_state(start: Callable[[], Cloud]) -> None:
    first = start()
    first.wait_for("ready in")
    Account.load(first.folder).client("sqs").create_queue(QueueName="kept")
    first.kill()
    second = start()
    second.wait_for("ready in")
    queues = Account.load(second.folder).client("sqs").list_queues()["QueueUrls"]
    assert [url.rpartition("/")[2] for url in queues] == ["kept"]


def test_git_ignores_what_a_cloud_writes_into_the_project() -> None:
    names = [".local-cloud/env", "Pulumi.local-cloud.yaml"]
    ignored = subprocess.run(
        ["git", "check-ignore", *names],  # noqa: S607
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=True,
    ).stdout.split()
    assert ignored == names
