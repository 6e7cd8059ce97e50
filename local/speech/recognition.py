"""The interface of recognisers, and two measures of sound: loudness and liveliness."""

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
# The loudness of noise and tones is steady, that of speech is not. The measure is its standard
# deviation divided by its mean, over the frames that are not quiet compared with the loudest.
LIVELINESS_OF_SPEECH = 0.25
QUIET_PART = 0.1


@dataclass(frozen=True)
class Heard:
    """The words between two pauses: so far, or all of them (`is_final`)."""

    text: str
    start_seconds: float
    end_seconds: float
    is_final: bool


class Recogniser(Protocol):
    """Recognises one stream of s16le mono PCM at 16 kHz; used by one thread at a time."""

    def feed(self, pcm: bytes) -> list[Heard]:
        """Take whole samples; return the new results."""
        ...

    def finish(self) -> list[Heard]:
        """Return the last results, at the end of the stream."""
        ...

    def close(self) -> None:
        """Release its resources; also valid without `finish`."""
        ...


def samples_of(pcm: bytes) -> Sequence[int]:
    """Return the samples of s16le PCM."""
    samples = array("h", pcm)
    if sys.byteorder == "big":
        samples.byteswap()
    return samples


def loudness(frame: bytes) -> float:
    """Return the root mean square of the frame's samples."""
    samples = samples_of(frame)
    return (sum(map(operator.mul, samples, samples)) / len(samples)) ** 0.5


def is_lively(loudnesses: Sequence[float]) -> bool:
    """Return whether consecutive frames of this loudness can be speech."""
    loudest = max(loudnesses, default=0.0)
    loud = [each for each in loudnesses if each > loudest * QUIET_PART]
    return bool(loud) and statistics.pstdev(loud) / statistics.fmean(loud) >= LIVELINESS_OF_SPEECH
