"""Where a speaker pauses: the places at which a stream may be cut without cutting a word."""

import sys
from array import array

from live_sessions.pcm import BYTES_PER_SECOND

PAUSE_SECONDS = 0.3
"""Longer than the silence within a word."""

QUIET_SHARE = 0.1
QUIET_LEVEL = 100
"""Out of 32,768: noise that nobody speaks in."""

FORGOTTEN_PER_SECOND = 0.9


class Quiet:
    """Compares how loud each stretch is with the loudest that was heard, which fades."""

    def __init__(self) -> None:
        self._loudest = 0.0
        self._seconds = 0.0

    def hear(self, audio: bytes) -> None:
        seconds = len(audio) / BYTES_PER_SECOND
        level = _level(audio)
        self._loudest = max(level, self._loudest * FORGOTTEN_PER_SECOND**seconds)
        is_quiet = level <= max(QUIET_LEVEL, self._loudest * QUIET_SHARE)
        self._seconds = self._seconds + seconds if is_quiet else 0.0

    @property
    def is_pause(self) -> bool:
        return self._seconds >= PAUSE_SECONDS


def _level(audio: bytes) -> float:
    """The mean of the samples' sizes."""
    samples = array("h", audio)
    if sys.byteorder == "big":
        samples.byteswap()
    return sum(map(abs, samples)) / len(samples)
