"""The recogniser that only measures how long someone spoke."""

import pytest

from local.speech.measured import MeasuredSpeech
from local.speech.recognition import Heard
from tests.local.speech.sounds import babble, rumble, silence, tone, white_noise


def heard(sound: bytes) -> list[Heard]:
    recogniser = MeasuredSpeech("de-DE")
    found: list[Heard] = []
    for start in range(0, len(sound), 3200):
        found += recogniser.feed(sound[start : start + 3200])
    return found + recogniser.finish()


def test_speech_is_described_by_its_length_in_text_that_is_plainly_marked() -> None:
    found = [each for each in heard(silence(1_000) + babble(3) + silence(1_000)) if each.is_final]
    assert [each.text for each in found] == ["[3.0 seconds of speech in de-DE]"]
    assert 0.9 < found[0].start_seconds < 1.1
    assert 3.9 < found[0].end_seconds < 4.1


def test_each_pause_parts_results_and_partials_come_each_second() -> None:
    found = heard(babble(2.5) + silence(600) + babble(1.5))
    assert [each.is_final for each in found] == [False, False, True, False, True]


@pytest.mark.parametrize(
    "sound",
    [
        silence(5_000),
        white_noise(100, 3),
        white_noise(20_000, 3),
        rumble(3),
        tone(440, 3),
        silence(500) + white_noise(20_000, 1.5) + silence(1_000),
    ],
    ids=["silence", "faint noise", "loud noise", "rumble", "tone", "burst of noise"],
)
def test_noise_is_not_speech(sound: bytes) -> None:
    assert heard(sound) == []
