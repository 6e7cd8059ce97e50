"""The stand-ins' process: ready, and gone without a trace."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from client.running_cloud import PROJECT_ROOT
from local.emulator.process import Emulator, EmulatorError
from local.speech.process import SpeechServices
from local.speech.recognisers import Recognition
from tests.local.emulator.sockets import eventually
from tests.local.emulator.test_process import processes_of_group
from tests.local.speech.callers import audio_event, caller, results, speak, texts
from tests.local.speech.sounds import babble, numbers


def test_stop_leaves_no_process_and_no_file(emulator: Emulator, tmp_path: Path) -> None:
    with SpeechServices(tmp_path) as speech:
        speech.start(emulator.url)
        speech.wait_until_ready()
        group_id = speech.process_id
        with caller(emulator, speech).open_stream() as stream:
            speak(stream, babble(1))
            stream.send(audio_event(b""))
            results(stream)
        assert processes_of_group(group_id)
    # A killed process is gone a moment after the signal.
    eventually(lambda: not processes_of_group(group_id), "the end of all processes")
    assert list(tmp_path.iterdir()) == []


def test_connections_made_before_it_is_ready_are_served(emulator: Emulator, tmp_path: Path) -> None:
    with SpeechServices(tmp_path, Recognition.NUMBERS) as speech:
        ada = caller(emulator, speech)
        speech.start(emulator.url)
        with ada.open_stream() as stream:
            speak(stream, numbers(1))
            stream.send(audio_event(b""))
            assert texts(results(stream)) == ["1"]


def test_it_ends_with_the_process_that_started_it(emulator: Emulator, tmp_path: Path) -> None:
    program = (
        "import pathlib, sys, time\n"
        "from local.speech.process import SpeechServices\n"
        "with SpeechServices(pathlib.Path(sys.argv[1])) as speech:\n"
        "    speech.start(sys.argv[2])\n"
        "    speech.wait_until_ready()\n"
        "    print(speech.process_id, flush=True)\n"
        "    time.sleep(600)\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", program, tmp_path, emulator.url],
        cwd=PROJECT_ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    with parent:
        assert parent.stdout
        group_id = int(parent.stdout.readline())
        assert processes_of_group(group_id) == [group_id]
        parent.kill()
    eventually(lambda: not processes_of_group(group_id), "the end of the orphaned stand-ins")


def test_stand_ins_that_cannot_start_are_reported_with_their_log(
    emulator: Emulator, tmp_path: Path
) -> None:
    with SpeechServices(tmp_path, "mumbling") as speech:  # pyright: ignore[reportArgumentType]
        speech.start(emulator.url)
        with pytest.raises(EmulatorError, match=r"did not start(.|\n)*'mumbling'"):
            speech.wait_until_ready()
    assert list(tmp_path.iterdir()) == []


def test_two_of_them_do_not_share_ports(tmp_path: Path) -> None:
    with SpeechServices(tmp_path) as first, SpeechServices(tmp_path) as second:
        assert not set(first.environment.values()) & set(second.environment.values())


def test_the_hosts_credentials_and_proxies_stay_outside(
    emulator: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "HTTP_PROXY", "PYTHONPATH", "SOME_SECRET"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with SpeechServices(tmp_path) as speech:
        speech.start(emulator.url)
        speech.wait_until_ready()
        if not os.path.exists(f"/proc/{speech.process_id}/environ"):
            pytest.skip("no /proc here")
        environment = Path(f"/proc/{speech.process_id}/environ").read_text()
    assert "127.0.0.1:9" not in environment
