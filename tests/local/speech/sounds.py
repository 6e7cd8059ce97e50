"""Sound as s16le mono at 16 kHz, made by rule."""

import math
import random
import sys
from array import array
from collections.abc import Iterable

SAMPLES_PER_MILLISECOND = 16


def pcm(samples: Iterable[int]) -> bytes:
    values = array("h", samples)
    if sys.byteorder == "big":
        values.byteswap()
    return values.tobytes()


def steady(value: int, milliseconds: float) -> bytes:
    """Samples that all hold the value."""
    return pcm([value]) * round(milliseconds * SAMPLES_PER_MILLISECOND)


def silence(milliseconds: float) -> bytes:
    return steady(0, milliseconds)


def numbers(*values: int, gap_milliseconds: float = 20) -> bytes:
    """Each value for 50 ms, parted by zeros."""
    return b"".join(steady(value, 50) + silence(gap_milliseconds) for value in values)


def white_noise(amplitude: int, seconds: float) -> bytes:
    dice = random.Random(7)  # noqa: S311
    return pcm(dice.randint(-amplitude, amplitude) for _ in range(round(16_000 * seconds)))


def rumble(seconds: float) -> bytes:
    """Low noise, as of a road."""
    dice = random.Random(7)  # noqa: S311
    level, samples = 0.0, list[int]()
    for _ in range(round(16_000 * seconds)):
        level = 0.97 * level + dice.gauss(0, 300)
        samples.append(max(-32_768, min(32_767, int(level))))
    return pcm(samples)


def tone(hertz: float, seconds: float, amplitude: int = 8_000) -> bytes:
    step = 2 * math.pi * hertz / 16_000
    return pcm(int(amplitude * math.sin(step * at)) for at in range(round(16_000 * seconds)))


def babble(seconds: float) -> bytes:
    """A voice without words: a tone that swells and fades four times a second."""
    step = 2 * math.pi / 16_000
    return pcm(
        int(9_000 * (0.55 - 0.45 * math.cos(4 * step * at)) * math.sin(180 * step * at))
        for at in range(round(16_000 * seconds))
    )
