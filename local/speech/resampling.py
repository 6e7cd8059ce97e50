"""Audio at other sample rates, for recognisers that need theirs."""

import sys
from array import array
from itertools import accumulate

from local.speech.recognition import SAMPLE_RATE, Heard, Recogniser, samples_of


class Resampler:
    """s16le mono PCM from one sample rate to SAMPLE_RATE, piece by piece.

    A slower rate is interpolated; of a faster one, each sample is the mean of those that it
    replaces, so that high frequencies do not turn into low ones.
    """

    def __init__(self, sample_rate: int) -> None:
        self._step = sample_rate / SAMPLE_RATE
        self._samples = array("h")
        self._dropped = 0
        self._made = 0

    def feed(self, pcm: bytes) -> bytes:
        """Take whole samples; return those that are complete."""
        if self._step == 1:
            return pcm
        self._samples.extend(samples_of(pcm))
        made = array("h", self._interpolated() if self._step < 1 else self._means())
        needed_from = int(self._made * self._step) - self._dropped
        del self._samples[:needed_from]
        self._dropped += needed_from
        if sys.byteorder == "big":
            made.byteswap()
        return made.tobytes()

    def _interpolated(self) -> list[int]:
        samples, made = self._samples, list[int]()
        while (at := self._made * self._step - self._dropped) < len(samples) - 1:
            before = int(at)
            share = at - before
            made.append(round(samples[before] * (1 - share) + samples[before + 1] * share))
            self._made += 1
        return made

    def _means(self) -> list[int]:
        sums = [0, *accumulate(self._samples)]
        made = list[int]()
        while (end := int((self._made + 1) * self._step) - self._dropped) < len(sums):
            begin = int(self._made * self._step) - self._dropped
            made.append((sums[end] - sums[begin]) // (end - begin))
            self._made += 1
        return made


class Resampled:
    """A recogniser that is fed audio at another sample rate."""

    def __init__(self, recogniser: Recogniser, sample_rate: int) -> None:
        self._recogniser = recogniser
        self._resampler = Resampler(sample_rate)

    def feed(self, pcm: bytes) -> list[Heard]:
        """Take whole samples; return the new results."""
        return self._recogniser.feed(self._resampler.feed(pcm))

    def finish(self) -> list[Heard]:
        """Return the last results, at the end of the stream."""
        return self._recogniser.finish()

    def close(self) -> None:
        """Release its resources; also valid without `finish`."""
        self._recogniser.close()
