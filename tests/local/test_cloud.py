import json
import os
import signal
import stat
import threading
import time
from pathlib import Path

import pytest

from client.account import Account
from client.people import Participants
from client.sign_in import sign_in
from client.sockets import FrameMissing, HandshakeRefused
from local.cloud import LocalCloud
from local.deployer import DeployError
from local.services import Services
from local.speech.process import LOG_NAME
from tests.local.conftest import SMALL, CloudWith
from tests.local.protocol.people import eventually, leave_one_place
from tests.patience import PATIENCE_SECONDS

PROMISED_OUTPUTS = {
    "websocketUrl",
    "managementEndpoint",
    "sessionsTable",
    "connectionsTable",
    "rateLimitsTable",
    "userPoolId",
    "userPoolClientId",
    "statusFunction",
    "statusRule",
    "region",
    "emulatorUrl",
    "speakerUsername",
    "speakerPassword",
}


def outputs_file(cloud: LocalCloud) -> dict[str, str]:
    return json.loads((cloud.folder / "outputs.json").read_text())


def test_the_outputs_file_holds_every_promised_key(cloud: LocalCloud) -> None:
    outputs = outputs_file(cloud)
    assert outputs == cloud.outputs
    assert outputs.keys() >= PROMISED_OUTPUTS
    assert all(outputs[key] for key in PROMISED_OUTPUTS)
    assert outputs["websocketUrl"].startswith("ws://127.0.0.1:")
    assert outputs["managementEndpoint"].startswith("http://127.0.0.1:")


def test_the_outputs_file_holds_no_key_of_the_root(cloud: LocalCloud) -> None:
    text = (cloud.folder / "outputs.json").read_text()
    account = Account.load(cloud.folder)
    assert account == cloud.account
    assert account.access_key_id not in text
    assert account.secret_access_key not in text
    assert account.secret_access_key not in repr(account)


def test_the_roots_credentials_are_for_their_owners_eyes(cloud: LocalCloud) -> None:
    mode = (cloud.folder / "root-credentials.json").stat().st_mode
    assert stat.S_IMODE(mode) == 0o600


def test_a_stranger_holds_a_session_with_the_outputs_file_alone(cloud: LocalCloud) -> None:
    with Participants(outputs_file(cloud)) as people:
        speaker, listener = people.speaker(), people.listener()
        session_id = speaker.create_session("en")
        listener.join(session_id, "es")
        listener.expect("sessionJoined", sessionId=session_id)
        status = speaker.ask_status()
        assert status["languageDistribution"] == {"es": 1}
        speaker.end_session()
        assert listener.expect("sessionEnded")["reason"] == "speakerEnded"


def test_an_invalid_token_is_refused_at_the_handshake(cloud: LocalCloud) -> None:
    with pytest.raises(HandshakeRefused) as refusal:
        cloud.speaker(token="no-token")
    assert refusal.value.status == 403


def test_two_speakers_are_two_users(cloud: LocalCloud) -> None:
    token = cloud.token_of_another_speaker()
    assert token != sign_in(cloud.outputs)
    assert cloud.speaker(token=token).create_session("en")


def test_a_speaker_signs_in_whatever_profile_and_proxy_the_shell_has(
    cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "gone")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    # Another address of the same cloud, for which no client was made before.
    elsewhere = f"{cloud.outputs['emulatorUrl']}/"
    assert sign_in({**cloud.outputs, "emulatorUrl": elsewhere})


def test_frames_that_do_not_come_are_missed_with_what_came_instead(cloud: LocalCloud) -> None:
    listener = cloud.listener("Lena")
    listener.ask("heartbeat")
    with pytest.raises(FrameMissing, match=r"Lena did not receive sessionJoined.*heartbeatAck"):
        listener.expect("sessionJoined", timeout_seconds=0.2)


def test_an_unexpected_frame_is_noticed(cloud: LocalCloud) -> None:
    listener = cloud.listener()
    listener.send("heartbeat")
    with pytest.raises(AssertionError, match="unexpected"):
        listener.expect_no("heartbeatAck", for_seconds=PATIENCE_SECONDS)


def test_two_clouds_do_not_disturb_each_other(cloud: LocalCloud, cloud_with: CloudWith) -> None:
    other = cloud_with(**SMALL)
    assert other.folder != cloud.folder
    assert other.emulator.port != cloud.emulator.port
    session_id = cloud.speaker().create_session("en")
    stranger = other.listener()
    stranger.join(session_id, "es")
    assert stranger.expect("error")["code"] == "SESSION_NOT_FOUND"
    ours = cloud.listener()
    ours.join(session_id, "es")
    ours.expect("sessionJoined")


def test_overridden_config_reaches_the_functions(cloud_with: CloudWith) -> None:
    cloud = cloud_with(**SMALL)
    session_id = cloud.speaker().create_session("en")
    leave_one_place(cloud, session_id)
    first, second = cloud.listeners(2)
    first.join(session_id, "es")
    first.expect("sessionJoined")
    second.join(session_id, "es")
    refusal = second.expect("error")
    assert (refusal["code"], refusal["details"]) == ("SESSION_FULL", {"maxListeners": 50})


def test_a_speech_process_that_ended_by_itself_is_reported_with_its_log(
    shared_cloud: LocalCloud, tmp_path: Path
) -> None:
    services = Services(tmp_path)
    services.emulator = shared_cloud.emulator
    with services.speech as speech:
        speech.start(services.emulator.url)
        assert services.ending() is None
        [log] = tmp_path.glob(f"speech-*/{LOG_NAME}")
        with log.open("a") as file:
            file.write("its last words\n")
        os.kill(speech.process_id, signal.SIGKILL)
        eventually(lambda: not speech.is_running, "the process has ended")
        report = services.ending()
    assert report
    assert report.startswith("the speech stand-ins ended by themselves:\n")
    assert "its last words" in report


def test_a_signal_while_a_thread_starts_leaves_nothing_running(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Signalled(BaseException):
        pass

    start = threading.Thread.start
    started: list[threading.Thread] = []

    def start_interrupted(thread: threading.Thread) -> None:
        start(thread)
        started.append(thread)
        raise Signalled

    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", start_interrupted)
        with pytest.raises(Signalled):
            Services(tmp_path).start()
    for thread in started:
        thread.join(PATIENCE_SECONDS)
    assert list(tmp_path.iterdir()) == []


def test_wrong_config_is_reported_and_leaves_nothing_running(tmp_path: Path) -> None:
    with pytest.raises(DeployError, match="statusIntervalSeconds"):
        LocalCloud(tmp_path, config={"statusIntervalSeconds": 7}).start()
    assert {path.name for path in tmp_path.iterdir()} <= {"root-credentials.json"}


def test_what_a_function_logs_can_be_read(cloud: LocalCloud) -> None:
    cloud.listener()
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (lines := [line for line in cloud.function_log("connection") if line.fields]):
        assert time.monotonic() < deadline, "connection has logged nothing"
        time.sleep(0.1)
    assert "connected" in lines[-1].for_people("connection")
    assert os.linesep not in lines[-1].for_people("connection")
