"""In place of Transcribe: a chunk's first sample is a word, zeros are the pause after a phrase."""

from __future__ import annotations

import queue
import threading
from array import array
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from live_sessions.audio.chunks import Chunk, bytes_per_second
from live_sessions.audio.transcribe import Alternative, FailureKind, Result, TranscribeFailure
from live_sessions.wire.messages import DEFAULT_SAMPLE_RATE_HERTZ
from tests.patience import PATIENCE_SECONDS

LOUD = 5000
TRANSIENT = TranscribeFailure(FailureKind.TRANSIENT, "transient")
PERMANENT = TranscribeFailure(FailureKind.PERMANENT, "permanent")
NO_AUDIO = TranscribeFailure(FailureKind.TIMED_OUT_WITHOUT_AUDIO, "no audio")


def word(number: int, seconds: float = 0.1) -> bytes:
    samples = array("h", [LOUD]) * round(seconds * DEFAULT_SAMPLE_RATE_HERTZ)
    samples[0] = number
    return samples.tobytes()


def pause(seconds: float = 0.1) -> bytes:
    return bytes(2 * round(seconds * DEFAULT_SAMPLE_RATE_HERTZ))


def chunk(sequence: int, audio: bytes, arrived_at: int = 0, **fields: str | int) -> Chunk:
    return Chunk(
        session_id=str(fields.get("session_id", "session")),
        stream_epoch=int(fields.get("stream_epoch", 0)),
        connection_id=str(fields.get("connection_id", "speaker=")),
        sequence=sequence,
        arrived_at=arrived_at,
        sample_rate_hertz=int(fields.get("sample_rate_hertz", DEFAULT_SAMPLE_RATE_HERTZ)),
        audio=audio,
    )


@dataclass(frozen=True)
class Plan:
    """What goes wrong with a stream, and after how many sends."""

    failure: TranscribeFailure = TRANSIENT
    at_opening: bool = False
    sending: int | None = None
    receiving: int | None = None
    at_the_end: bool = False
    never_ends: bool = False


def recognised(text: str, start: float, end: float, *, is_partial: bool = False) -> Result:
    return Result("r", start, end, is_partial, (Alternative(text),))


@dataclass
class Recogniser:
    """`open` gives streams; the first ones follow `plans`, those after them never fail.

    `before_opening` and `before_sending` are called first, to let time pass.
    """

    plans: deque[Plan] = field(default_factory=deque[Plan])
    streams: list[Stream] = field(default_factory=list["Stream"])
    attempts: int = 0
    before_opening: Callable[[], object] = lambda: None
    before_sending: Callable[[], object] = lambda: None

    def open(self, sample_rate_hertz: int = DEFAULT_SAMPLE_RATE_HERTZ) -> Stream:
        self.before_opening()
        self.attempts += 1
        plan = self.plans.popleft() if self.plans else Plan()
        if plan.at_opening:
            raise plan.failure
        self.streams.append(Stream(plan, lambda: self.before_sending(), sample_rate_hertz))
        return self.streams[-1]

    def settle(self) -> None:
        """Until all that was heard has been passed on."""
        for stream in self.streams:
            stream.settle()


class Stream:
    """As TranscribeStream; when it is closed, it says its last words all the same."""

    def __init__(
        self,
        plan: Plan,
        before_sending: Callable[[], object] = lambda: None,
        sample_rate_hertz: int = DEFAULT_SAMPLE_RATE_HERTZ,
    ) -> None:
        self.plan = plan
        self.sample_rate_hertz = sample_rate_hertz
        self._bytes_per_second = bytes_per_second(sample_rate_hertz)
        self._before_sending = before_sending
        self.sent: list[bytes] = []
        self.is_ended = False
        self.is_closed = False
        self.failure: TranscribeFailure | None = None
        self._words: list[int] = []
        self._began_at = self._ended_at = 0.0
        self._seconds = 0.0
        self.said: queue.Queue[Result | TranscribeFailure | None] = queue.Queue()
        self.is_over = False
        self._reader: threading.Thread | None = None

    def send(self, audio: bytes) -> None:
        assert 0 < len(audio) <= self._bytes_per_second
        self._before_sending()
        if self.plan.sending == len(self.sent):
            self.failure = self.plan.failure
        if self.failure or self.is_ended:
            raise self.failure or TRANSIENT
        self.sent.append(audio)
        heard = array("h", audio)[0]
        begins_at, self._seconds = (
            self._seconds,
            self._seconds + len(audio) / self._bytes_per_second,
        )
        if heard:
            self._began_at = self._began_at if self._words else begins_at
            self._ended_at = self._seconds
            self._words.append(heard)
            self._say(is_partial=True)
        else:
            self._say(is_partial=False)
        if self.plan.receiving == len(self.sent):
            self.fail()
        self.settle()

    def end(self) -> None:
        if self.failure:
            raise self.failure
        self.is_ended = True
        if self.plan.never_ends:
            return
        if self.plan.at_the_end:
            self._finish(self.plan.failure)
        else:
            self.end_at_last()
        self.settle()

    def fail(self) -> None:
        self.failure = self.plan.failure
        self._finish(self.plan.failure)
        self.settle()

    def end_at_last(self) -> None:
        self._say(is_partial=False)
        self._finish(None)
        self.settle()

    def results(self) -> Iterator[Result]:
        self._reader = threading.current_thread()
        while True:
            said = self.said.get()
            try:
                if said is None:
                    return
                if isinstance(said, TranscribeFailure):
                    raise said
                yield said
            finally:
                self.said.task_done()

    def close(self) -> None:
        self.is_closed = True
        self._say(is_partial=False)
        self._finish(TRANSIENT)

    def settle(self) -> None:
        self.said.join()
        if self.is_over and self._reader is not None:
            self._reader.join(PATIENCE_SECONDS)

    def _say(self, *, is_partial: bool) -> None:
        if not self._words or self.is_over:
            return
        text = " ".join(map(str, self._words))
        self.said.put(recognised(text, self._began_at, self._ended_at, is_partial=is_partial))
        if not is_partial:
            self._words.clear()

    def _finish(self, failure: TranscribeFailure | None) -> None:
        if not self.is_over:
            self.is_over = True
            self.said.put(failure)
