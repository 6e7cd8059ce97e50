"""What every recogniser of speech takes and gives, and how loud and how lively sound is."""

import operator
import statistics
import sys
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

SAMPLE_RATE = 16_000
SAMPLE_BYTES = 2
FRAME_SAMPLES = 480  # 30 ms
FRAME_BYTES = FRAME_SAMPLES * SAMPLE_BYTES
FRAME_SECONDS = FRAME_SAMPLES / SAMPLE_RATE
# Loudness of noise and tones is steady, of speech it is not: its deviation as part of its mean,
# in the frames that are not quiet beside the loudest.
LIVELINESS_OF_SPEECH = 0.25
QUIET_PART = 0.1


@dataclass(frozen=True)
class Heard:
    """Words between two pauses: as far as heard, or all of them (`is_final`)."""

    text: str
    start_seconds: float
    end_seconds: float
    is_final: bool


class Recogniser(Protocol):
    """Hears one stream of s16le mono PCM at 16 kHz; used by one thread at a time."""

    def feed(self, pcm: bytes) -> list[Heard]:
        """Take whole samples, return what they make heard."""
        ...

    def finish(self) -> list[Heard]:
        """Return what is left to be heard when no more sound comes."""
        ...

    def close(self) -> None:
        """Let go of what it holds; also without `finish`."""
        ...


def samples_of(pcm: bytes) -> Sequence[int]:
    samples = array("h", pcm)
    if sys.byteorder == "big":
        samples.byteswap()
    return samples


def loudness(frame: bytes) -> float:
    """The root mean square of the frame's samples."""
    samples = samples_of(frame)
    return (sum(map(operator.mul, samples, samples)) / len(samples)) ** 0.5


def is_lively(loudnesses: Sequence[float]) -> bool:
    """Whether frames of this loudness, one after the other, can be speech."""
    loudest = max(loudnesses, default=0.0)
    loud = [each for each in loudnesses if each > loudest * QUIET_PART]
    return bool(loud) and statistics.pstdev(loud) / statistics.fmean(loud) >= LIVELINESS_OF_SPEECH
