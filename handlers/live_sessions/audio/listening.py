"""One Transcribe stream at work: what it was sent, what of that is final, and what it heard."""

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from live_sessions.audio.chunks import Chunk
from live_sessions.pcm import BYTES_PER_SECOND, SAMPLE_RATE_HZ
from live_sessions.transcribe.failures import FailureKind, TranscribeFailure
from live_sessions.transcribe.results import Result
from live_sessions.transcribe.stream import TranscribeStream

REMEMBERED_SECONDS = 60.0
"""Of the audio that no result has covered: mostly nobody spoke in it."""

CLOSING_SECONDS = 1
"""For the thread that reads, once its stream has been closed."""


@dataclass(frozen=True)
class Heard:
    """Something that was said; `spoken_at` (epoch ms) is when its first word began."""

    text: str
    is_partial: bool
    spoken_at: int


class Listening:
    """Reads the results on a thread of its own and passes on those that have text."""

    def __init__(self, stream: TranscribeStream, hear: Callable[[Heard], None]) -> None:
        self.failure: TranscribeFailure | None = None
        self.is_ended = False
        self._stream = stream
        self._hear = hear
        self._sent_bytes = 0
        self._arrived_at = 0
        self._is_given_up = False
        self._not_final: deque[tuple[float, Chunk]] = deque()
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._reader = threading.Thread(target=self._read, name="results", daemon=True)
        self._reader.start()

    @property
    def is_over(self) -> bool:
        """No more results come; `failure` says why if that was not to be."""
        return self._over.is_set()

    def send(self, chunk: Chunk) -> None:
        """Raises TranscribeFailure; the chunk is among those that `give_up` returns all the same.

        A result may come before the call is over.
        """
        with self._lock:
            begins_at = self._sent_bytes / BYTES_PER_SECOND
            self._arrived_at = chunk.arrived_at
            self._not_final.append((begins_at, chunk))
            while begins_at - self._not_final[0][0] > REMEMBERED_SECONDS:
                self._not_final.popleft()
        self._send(chunk.audio)

    def send_silence(self, audio: bytes) -> None:
        """Raises TranscribeFailure."""
        self._send(audio)

    def end(self) -> None:
        """No more audio comes. Raises TranscribeFailure."""
        self.is_ended = True
        self._stream.end()

    def give_up(self) -> list[Chunk]:
        """Close the stream and hear no more; returns the audio that no final result covers."""
        with self._lock:
            self._is_given_up = True
            chunks = [chunk for _, chunk in self._not_final]
        self._stream.close()
        self._reader.join(CLOSING_SECONDS)
        return chunks

    def _send(self, audio: bytes) -> None:
        self._stream.send(audio)
        self._sent_bytes += len(audio)

    def _read(self) -> None:
        try:
            for result in self._stream.results():
                self._pass_on(result)
        except TranscribeFailure as failure:
            self.failure = failure
        except Exception as problem:
            self.failure = TranscribeFailure(FailureKind.PASSING, type(problem).__name__)
        finally:
            self._over.set()

    def _pass_on(self, result: Result) -> None:
        with self._lock:
            # Whole or not at all: what is heard is never given up, what is given up never heard.
            if self._is_given_up:
                return
            spoken_at = self._spoken_at(result.start_seconds)
            if not result.is_partial:
                self._drop_until(result.end_seconds)
            if text := result.text.strip():
                self._hear(Heard(text, result.is_partial, spoken_at))

    def _spoken_at(self, start_seconds: float) -> int:
        """A chunk arrives when its last sample has been spoken."""
        spoken_at = self._arrived_at
        for begins_at, chunk in self._not_final:
            if begins_at <= start_seconds < begins_at + chunk.seconds:
                to_come_seconds = begins_at + chunk.seconds - start_seconds
                spoken_at = chunk.arrived_at - round(to_come_seconds * 1000)
        return spoken_at

    def _drop_until(self, end_seconds: float) -> None:
        while self._not_final:
            begins_at, chunk = self._not_final[0]
            covered_bytes = 2 * round((end_seconds - begins_at) * SAMPLE_RATE_HZ)
            if covered_bytes < len(chunk.audio):
                if covered_bytes > 0:
                    rest = msgspec.structs.replace(chunk, audio=chunk.audio[covered_bytes:])
                    self._not_final[0] = (begins_at + covered_bytes / BYTES_PER_SECOND, rest)
                break
            self._not_final.popleft()
