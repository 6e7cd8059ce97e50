"""Audio at any rate that Transcribe accepts sounds the same to a recogniser at 16 kHz."""

from __future__ import annotations

import math
from array import array
from itertools import pairwise

import pytest

from local.speech.recognition import SAMPLE_RATE, samples_of
from local.speech.resampling import Resampler

RATES = [8_000, 11_025, 16_000, 22_050, 44_100, 47_999, 48_000]


def tone(hertz: float, rate: int, seconds: float = 1) -> bytes:
    step = 2 * math.pi * hertz / rate
    return array(
        "h", (round(8_000 * math.sin(step * at)) for at in range(round(seconds * rate)))
    ).tobytes()


def resampled(pcm: bytes, rate: int, piece_bytes: int = 2_002) -> list[int]:
    resampler = Resampler(rate)
    pieces = [pcm[at : at + piece_bytes] for at in range(0, len(pcm), piece_bytes)]
    return list(samples_of(b"".join(resampler.feed(piece) for piece in pieces)))


@pytest.mark.parametrize("rate", RATES)
def test_a_tone_keeps_its_length_its_pitch_and_its_loudness(rate: int) -> None:
    samples = resampled(tone(440, rate), rate)
    assert abs(len(samples) - SAMPLE_RATE) <= 3
    rises = sum(before < 0 <= after for before, after in pairwise(samples))
    assert abs(rises - 440) <= 1
    mean = sum(map(abs, samples)) / len(samples)
    assert mean == pytest.approx(8_000 * 2 / math.pi, rel=0.03)


@pytest.mark.parametrize("rate", RATES)
def test_pieces_make_no_difference(rate: int) -> None:
    pcm = tone(700, rate, 0.3)
    assert resampled(pcm, rate, 2) == resampled(pcm, rate, 640) == resampled(pcm, rate, len(pcm))


def test_a_tone_above_what_16_khz_can_carry_is_not_heard_as_a_low_one() -> None:
    loud, faint = resampled(tone(440, 48_000), 48_000), resampled(tone(16_000, 48_000), 48_000)
    assert max(map(abs, faint)) < max(map(abs, loud)) / 20
