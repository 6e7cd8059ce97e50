"""A recogniser for tests, exact to the word: samples that all have the value 7 are the word "7"."""

from itertools import groupby

from local.speech.recognition import SAMPLE_RATE, Heard, samples_of

WORD_SAMPLES = SAMPLE_RATE * 50 // 1000
GAP_SAMPLES = SAMPLE_RATE * 20 // 1000
SILENCE_SAMPLES = SAMPLE_RATE * 300 // 1000
MAX_WORDS = 100


class SpokenNumbers:
    """Recognises a word in each run of at least 50 ms of one positive value, once per run.

    Another value or 20 ms of zeros end a run. A result grows by each word and is final after
    300 ms of zeros.
    """

    def __init__(self) -> None:
        self._position = 0
        self._value = 0
        self._length = 0
        self._is_said = False
        self._zeros = 0
        self._words: list[str] = []
        self._start = 0
        self._end = 0

    def feed(self, pcm: bytes) -> list[Heard]:
        heard: list[Heard] = []
        for value, run in groupby(samples_of(pcm)):
            length = sum(1 for _ in run)
            if value:
                heard += self._sound(value, length)
            else:
                heard += self._silence(length)
            self._position += length
        return heard

    def finish(self) -> list[Heard]:
        return self._final() if self._words else []

    def close(self) -> None:
        pass

    def _sound(self, value: int, length: int) -> list[Heard]:
        if value != self._value:
            self._value, self._length, self._is_said = value, 0, False
        self._zeros = 0
        self._length += length
        if self._is_said or value < 0 or self._length < WORD_SAMPLES:
            return []
        self._is_said = True
        self._end = self._position + length - (self._length - WORD_SAMPLES)
        if not self._words:
            self._start = self._end - WORD_SAMPLES
        self._words.append(str(value))
        return self._final() if len(self._words) == MAX_WORDS else [self._heard(is_final=False)]

    def _silence(self, length: int) -> list[Heard]:
        self._zeros += length
        if self._zeros >= GAP_SAMPLES:
            self._value = 0
        return self._final() if self._words and self._zeros >= SILENCE_SAMPLES else []

    def _final(self) -> list[Heard]:
        heard = self._heard(is_final=True)
        self._words.clear()
        return [heard]

    def _heard(self, *, is_final: bool) -> Heard:
        start, end = self._start / SAMPLE_RATE, self._end / SAMPLE_RATE
        return Heard(" ".join(self._words), start, end, is_final)
