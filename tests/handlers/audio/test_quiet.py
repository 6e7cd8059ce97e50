"""A pause is three tenths of a second that are quiet beside what was heard."""

from __future__ import annotations

from array import array

from live_sessions.audio.chunks import PauseDetector
from tests.handlers.audio.recogniser import chunk

RATE = 16_000


def tone(level: int, seconds: float) -> bytes:
    samples = array("h", (level if number % 2 else -level for number in range(int(RATE * seconds))))
    return samples.tobytes()


def heard(*stretches: bytes) -> bool:
    detector = PauseDetector()
    for stretch in stretches:
        detector.add(chunk(0, stretch))
    return detector.is_pause


def test_no_audio_is_not_a_pause() -> None:
    assert not heard()


def test_speech_is_not_a_pause() -> None:
    assert not heard(tone(5000, 1.0))


def test_a_stretch_of_quiet_after_speech_is_a_pause_once_it_is_long_enough() -> None:
    assert not heard(tone(5000, 1.0), tone(20, 0.2))
    assert heard(tone(5000, 1.0), tone(20, 0.2), tone(20, 0.125))


def test_a_word_ends_the_pause() -> None:
    assert not heard(tone(20, 1.0), tone(5000, 0.1))
    assert not heard(tone(20, 0.25), tone(5000, 0.1), tone(20, 0.1))


def test_what_is_quiet_is_measured_by_what_is_loud() -> None:
    assert heard(tone(20_000, 1.0), tone(1500, 0.4)), "noise beside a loud voice"
    assert not heard(tone(3000, 1.0), tone(1500, 0.4)), "a voice that drops"


def test_a_loud_noise_is_forgotten() -> None:
    slow_speech = [tone(1500, 0.5)] * 60
    assert not heard(tone(30_000, 0.5), *slow_speech)


def test_faint_noise_is_quiet_though_nothing_louder_was_heard() -> None:
    assert heard(tone(90, 0.4))
    assert not heard(tone(150, 0.4))


def test_the_loudest_sample_there_is_can_be_measured() -> None:
    assert not heard(array("h", [-32_768] * RATE).tobytes())
