"""A recogniser for languages without a model: it measures how long somebody spoke."""

from collections import deque

from local.speech.recognition import (
    FRAME_BYTES,
    FRAME_SECONDS,
    Heard,
    is_lively,
    loudness,
)

LOUD = 300.0
# Speech begins when LOUD_FRAMES of the last RECENT_FRAMES are loud; QUIET_FRAMES in a row end it.
RECENT_FRAMES, LOUD_FRAMES, QUIET_FRAMES = 10, 5, 10
LEAST_FRAMES = 10
PARTIAL_FRAMES = 33
MAX_FRAMES = 500


class MeasuredSpeech:
    """Returns "[3.2 seconds of speech in de-DE]", final at each pause of 300 ms or after 15 s."""

    def __init__(self, language_code: str) -> None:
        self._language_code = language_code
        self._unread = b""
        self._frames = 0
        self._recent: deque[float] = deque(maxlen=RECENT_FRAMES)
        self._speech: list[float] = []
        self._quiet = 0

    def feed(self, pcm: bytes) -> list[Heard]:
        self._unread += pcm
        heard: list[Heard] = []
        whole_bytes = len(self._unread) - len(self._unread) % FRAME_BYTES
        for start in range(0, whole_bytes, FRAME_BYTES):
            heard += self._frame(loudness(self._unread[start : start + FRAME_BYTES]))
        self._unread = self._unread[whole_bytes:]
        return heard

    def finish(self) -> list[Heard]:
        return self._final()

    def close(self) -> None:
        pass

    def _frame(self, level: float) -> list[Heard]:
        self._frames += 1
        self._recent.append(level)
        if not self._speech:
            if sum(each >= LOUD for each in self._recent) < LOUD_FRAMES:
                return []
            first_loud = next(at for at, each in enumerate(self._recent) if each >= LOUD)
            self._speech, self._quiet = list(self._recent)[first_loud:], 0
            return []
        self._speech.append(level)
        self._quiet = 0 if level >= LOUD else self._quiet + 1
        if self._quiet == QUIET_FRAMES or len(self._speech) == MAX_FRAMES:
            return self._final()
        if len(self._speech) % PARTIAL_FRAMES == 0:
            return self._heard(is_final=False)
        return []

    def _final(self) -> list[Heard]:
        heard = self._heard(is_final=True)
        self._speech = []
        self._recent.clear()
        return heard

    def _heard(self, *, is_final: bool) -> list[Heard]:
        spoken = self._speech[: len(self._speech) - self._quiet]
        if len(spoken) < LEAST_FRAMES or not is_lively(spoken):
            return []
        start = (self._frames - len(self._speech)) * FRAME_SECONDS
        seconds = len(spoken) * FRAME_SECONDS
        text = measured_text(seconds, self._language_code)
        return [Heard(text, start, start + seconds, is_final)]


def measured_text(seconds: float, language_code: str) -> str:
    """
    >>> measured_text(3.21, "de-DE")
    '[3.2 seconds of speech in de-DE]'
    """
    return f"[{seconds:.1f} seconds of speech in {language_code}]"
