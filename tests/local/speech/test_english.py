"""Real recognition of real speech, where pocketsphinx and a voice are installed."""

import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from local.speech import utterance
from local.speech.decoders import MAX_DECODERS
from local.speech.recognisers import Recognisers, Recognition
from local.speech.recognition import Heard, Recogniser
from tests.local.speech.sounds import babble, rumble, silence, tone, white_noise
from tests.patience import OUT_OF_REACH_SECONDS, PATIENCE_SECONDS

pytest.importorskip("pocketsphinx")

SPEAKERS = MAX_DECODERS + 4


@pytest.fixture(scope="module")
def recognisers() -> Iterator[Recognisers]:
    opened = Recognisers(Recognition.SPEECH)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """What flite's voice says, which pocketsphinx understands."""
    flite, sox = shutil.which("flite"), shutil.which("sox")
    if not flite or not sox:
        pytest.skip("flite and sox make the voice")
    folder = tmp_path_factory.mktemp("said")
    sentence = "Today we talk about the history of music."
    speak = [flite, "-voice", "rms", "-t", sentence, "-o", str(folder / "said.wav")]
    bring = [sox, str(folder / "said.wav"), "-r", "16000", "-c", "1", "-b", "16"]
    for command in (speak, [*bring, str(folder / "said.raw")]):
        subprocess.run(command, check=True, timeout=PATIENCE_SECONDS, cwd=folder)
    return Path(folder / "said.raw").read_bytes()


def fed(recogniser: Recogniser, sound: bytes) -> list[Heard]:
    found: list[Heard] = []
    for start in range(0, len(sound), 3200):
        found += recogniser.feed(sound[start : start + 3200])
    return found


def heard(recogniser: Recogniser, sound: bytes) -> list[Heard]:
    found = fed(recogniser, sound) + recogniser.finish()
    recogniser.close()
    return found


def test_english_is_understood_with_partials_on_the_way(
    recognisers: Recognisers, said: bytes
) -> None:
    found = heard(recognisers.open("en-GB"), silence(1_000) + said + silence(1_000) + said)
    finals = [each for each in found if each.is_final]
    assert [each.text for each in finals] == ["today we talk about the history of music"] * 2
    assert 0.8 < finals[0].start_seconds < 1.3
    assert finals[0].end_seconds < finals[1].start_seconds
    first_final = found.index(finals[0])
    assert found[:first_final], "no partial came before the final"
    assert all(each.text for each in found)


@pytest.mark.parametrize(
    "sound",
    [
        silence(3_000),
        white_noise(20_000, 3),
        rumble(3),
        tone(440, 3),
        (white_noise(15_000, 0.12) + silence(120)) * 12,
        (tone(600, 0.15) + silence(100)) * 12,
    ],
    ids=["silence", "loud noise", "rumble", "tone", "knocks", "beeps"],
)
def test_noise_is_not_english(recognisers: Recognisers, sound: bytes) -> None:
    assert heard(recognisers.open("en-US"), sound + silence(500)) == []


def test_a_voice_without_words_leaves_no_final(recognisers: Recognisers) -> None:
    found = heard(recognisers.open("en-US"), babble(3) + silence(800))
    assert not [each for each in found if each.is_final]


def test_more_speakers_than_decoders_are_all_understood(
    recognisers: Recognisers, said: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All are in the midst of speaking, then all go on; who had no decoder gets one at the end."""
    monkeypatch.setattr(utterance, "DECODER_WAIT_SECONDS", OUT_OF_REACH_SECONDS)
    speaking = threading.Barrier(SPEAKERS)

    def one(recogniser: Recogniser) -> list[str]:
        found = fed(recogniser, said[: len(said) // 2])
        speaking.wait(PATIENCE_SECONDS)
        found += heard(recogniser, said[len(said) // 2 :] + silence(500))
        return [each.text for each in found if each.is_final]

    with ThreadPoolExecutor(SPEAKERS) as speakers:
        opened = [recognisers.open("en-US") for _ in range(SPEAKERS)]
        texts = list(speakers.map(one, opened))
    assert texts == [["today we talk about the history of music"]] * SPEAKERS
    assert len(recognisers.decoder_processes) <= MAX_DECODERS


def test_an_utterance_that_no_decoder_is_free_for_in_time_is_measured(
    recognisers: Recognisers, said: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(utterance, "DECODER_WAIT_SECONDS", 0.01)
    busy = [recognisers.open("en-US") for _ in range(MAX_DECODERS)]
    for each in busy:
        fed(each, said[: len(said) // 2])
    found = heard(recognisers.open("en-US"), said + silence(500))
    for each in busy:
        each.close()
    assert [each.text for each in found if each.is_final][-1].endswith("speech in en-US]")


def test_a_decoder_that_dies_costs_an_utterance_its_words_and_nothing_more(
    said: bytes,
) -> None:
    recognisers = Recognisers(Recognition.SPEECH)
    try:
        recogniser = recognisers.open("en-US")
        recogniser.feed(said[: len(said) // 2])
        [process] = recognisers.decoder_processes
        os.kill(process, 9)
        found = recogniser.feed(said[len(said) // 2 :] + silence(500))
        assert [each.text for each in found if each.is_final][-1].endswith("in en-US]")
        again = heard(recognisers.open("en-US"), said)
        assert again[-1].text == "today we talk about the history of music"
    finally:
        recognisers.close()


def test_other_languages_are_measured(recognisers: Recognisers, said: bytes) -> None:
    assert heard(recognisers.open("de-DE"), said)[-1].text.endswith("of speech in de-DE]")
