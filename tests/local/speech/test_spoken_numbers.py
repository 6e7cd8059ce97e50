"""The recogniser that tests count words with."""

import random

import pytest

from local.speech.recognition import Heard
from local.speech.spoken_numbers import MAX_WORDS, SpokenNumbers
from tests.local.speech.sounds import numbers, silence, steady, white_noise


def heard(sound: bytes, chunk_bytes: int = 3200) -> list[Heard]:
    recogniser = SpokenNumbers()
    found: list[Heard] = []
    for start in range(0, len(sound), chunk_bytes):
        found += recogniser.feed(sound[start : start + chunk_bytes])
    return found + recogniser.finish()


def finals(sound: bytes, chunk_bytes: int = 3200) -> list[str]:
    return [each.text for each in heard(sound, chunk_bytes) if each.is_final]


@pytest.mark.parametrize("chunk_bytes", [2, 30, 320, 3200, 31_998])
def test_words_are_the_same_however_the_sound_is_cut(chunk_bytes: int) -> None:
    sound = numbers(1, 2, 2, 32_767) + silence(300) + numbers(5) + silence(279) + numbers(6)
    assert heard(sound, chunk_bytes) == heard(sound)
    assert finals(sound, chunk_bytes) == ["1 2 2 32767", "5 6"]


def test_a_word_is_said_once_per_run_of_50_ms() -> None:
    assert finals(steady(7, 49.9)) == []
    assert finals(steady(7, 50)) == ["7"]
    assert finals(steady(7, 5_000)) == ["7"]


def test_a_run_ends_after_20_ms_of_zeros_or_with_another_value() -> None:
    assert finals(steady(7, 60) + silence(19.9) + steady(7, 60)) == ["7"]
    assert finals(steady(7, 60) + silence(20) + steady(7, 60)) == ["7 7"]
    assert finals(steady(7, 60) + steady(8, 60)) == ["7 8"]
    assert finals(steady(7, 30) + silence(20) + steady(7, 30)) == []


def test_300_ms_of_zeros_make_a_final_and_shorter_ones_do_not() -> None:
    assert finals(numbers(1) + silence(280) + numbers(2)) == ["1", "2"]
    assert finals(numbers(1) + silence(279) + numbers(2)) == ["1 2"]


def test_partials_grow_word_by_word_and_times_are_of_the_words() -> None:
    sound = silence(100) + numbers(3, 4) + silence(300)
    assert heard(sound) == [
        Heard("3", 0.1, 0.15, is_final=False),
        Heard("3 4", 0.1, 0.22, is_final=False),
        Heard("3 4", 0.1, 0.22, is_final=True),
    ]


def test_silence_noise_and_negative_values_are_no_words() -> None:
    assert heard(silence(2_000) + white_noise(30_000, 1) + steady(-7, 500)) == []


def test_no_word_of_a_long_speech_is_lost_or_doubled() -> None:
    dice = random.Random(3)  # noqa: S311
    spoken = [dice.randint(1, 32_767) for _ in range(3 * MAX_WORDS)]
    assert " ".join(finals(numbers(*spoken))).split() == [str(each) for each in spoken]
