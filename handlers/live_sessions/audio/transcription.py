"""A session's audio becomes numbered transcripts, over as many Transcribe streams as that takes.

A stream is opened by audio and ended by its absence. If one fails, the next is sent again what the
first had not made final, so that no audio is lost and nothing is transcribed twice.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

import msgspec

from contract import metrics
from live_sessions.audio.chunks import SAMPLE_BYTES, Chunk, bytes_per_second
from live_sessions.audio.transcribe import FailureKind, Result, TranscribeFailure
from live_sessions.aws.retries import backoff_seconds
from live_sessions.aws.runtime import Clock, emit, logger
from live_sessions.captions.transcripts import Transcript

RETRIES = 3
BACKOFF_OFFSET = 2
"""The first pause is as long as the third of other retries: some five seconds in all."""

PROVEN_SECONDS = 20
"""If a stream ran this long before it failed, the count of failures starts over."""

REST_SECONDS = 30
"""After the last retry, no audio is transcribed for this long."""

REMEMBERED_SECONDS = 60.0
"""How much audio without a final result is kept; most of it is silence."""

PADDED_AFTER_SECONDS = 1.0
PADDING_SECONDS = 0.5
PADDINGS = 3
"""Silence that is sent when audio stops coming, so that the last words become final; Transcribe
accepts no more than a second at once.
"""

ENDED_AFTER_SECONDS = 10.0
ENDING_SECONDS = 5.0
"""For the last results of a stream after the end of its audio."""

SENDING_SECONDS = 1.0
"""A stream may accept audio no faster than it was spoken: the rest is sent the next time."""

CLOSING_SECONDS = 1
"""For the reading thread, once its stream has been closed."""


class Stream(Protocol):
    """What `TranscribeStream` does for a transcription."""

    def send(self, audio: bytes) -> None:
        """Send up to a second of audio. Raises TranscribeFailure."""
        ...

    def end(self) -> None:
        """End the audio. Raises TranscribeFailure."""
        ...

    def results(self) -> Iterator[Result]:
        """The results until the stream's end. Raises TranscribeFailure."""
        ...

    def close(self) -> None:
        """Close at once."""
        ...


class ActiveStream:
    """One open stream, with the audio that it was sent and that is not final yet.

    A thread reads the results and passes on those with text, with the time (epoch milliseconds) at
    which their first word began.
    """

    def __init__(
        self,
        stream: Stream,
        sample_rate_hertz: int,
        pass_on: Callable[[Result, int], None],
        *,
        closing_seconds: float = CLOSING_SECONDS,
    ) -> None:
        self.failure: TranscribeFailure | None = None
        self.is_ended = False
        self.sample_rate_hertz = sample_rate_hertz
        self._bytes_per_second = bytes_per_second(sample_rate_hertz)
        self._stream = stream
        self._pass_on = pass_on
        self._closing_seconds = closing_seconds
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
        """Whether no more results come; `failure` has the reason if the stream failed."""
        return self._over.is_set()

    def send(self, chunk: Chunk) -> None:
        """Send a chunk. Raises TranscribeFailure; `give_up` then returns this chunk, too.

        Results may be passed on before the call returns.
        """
        with self._lock:
            begins_at = self._sent_bytes / self._bytes_per_second
            self._arrived_at = chunk.arrived_at
            self._not_final.append((begins_at, chunk))
            while begins_at - self._not_final[0][0] > REMEMBERED_SECONDS:
                self._not_final.popleft()
        self._send(chunk.audio)

    def send_silence(self, seconds: float) -> None:
        """Send silence, which is not sent again if the stream fails. Raises TranscribeFailure."""
        self._send(bytes(SAMPLE_BYTES * round(seconds * self.sample_rate_hertz)))

    def end(self) -> None:
        """End the audio. Raises TranscribeFailure."""
        self.is_ended = True
        self._stream.end()

    def give_up(self) -> list[Chunk]:
        """Close the stream and pass on nothing more; returns the audio without a final result."""
        with self._lock:
            self._is_given_up = True
            chunks = [chunk for _, chunk in self._not_final]
        self._stream.close()
        self._reader.join(self._closing_seconds)
        return chunks

    def _send(self, audio: bytes) -> None:
        self._stream.send(audio)
        self._sent_bytes += len(audio)

    def _read(self) -> None:
        try:
            for result in self._stream.results():
                self._handle(result)
        except TranscribeFailure as failure:
            self.failure = failure
        except Exception as problem:
            self.failure = TranscribeFailure.transient(type(problem).__name__)
        finally:
            self._over.set()

    def _handle(self, result: Result) -> None:
        # With the lock a result is either passed on or its audio is given up, never both.
        with self._lock:
            if self._is_given_up:
                return
            spoken_at = self._spoken_at(result.start_time)
            if not result.is_partial:
                self._drop_until(result.end_time)
            if result.text.strip():
                self._pass_on(result, spoken_at)

    def _spoken_at(self, start_seconds: float) -> int:
        """A chunk arrives when its last sample has been spoken.

        A start in audio that is final, or in silence that was sent, is that of the next chunk.
        """
        for begins_at, chunk in self._not_final:
            ends_at = begins_at + chunk.seconds
            if start_seconds < ends_at:
                remaining_seconds = ends_at - max(begins_at, start_seconds)
                return chunk.arrived_at - round(remaining_seconds * 1000)
        return self._arrived_at

    def _drop_until(self, end_seconds: float) -> None:
        while self._not_final:
            begins_at, chunk = self._not_final[0]
            covered_samples = round((end_seconds - begins_at) * self.sample_rate_hertz)
            covered_bytes = SAMPLE_BYTES * covered_samples
            if covered_bytes < len(chunk.audio):
                if covered_bytes > 0:
                    rest = msgspec.structs.replace(chunk, audio=chunk.audio[covered_bytes:])
                    self._not_final[0] = (
                        begins_at + covered_samples / self.sample_rate_hertz,
                        rest,
                    )
                break
            self._not_final.popleft()


@dataclass(frozen=True, kw_only=True)
class Numbering:
    """What the transcripts of one processor have in common, and the number of the first one."""

    session_id: str
    source_language: str
    next_caption: int
    with_partials: bool


@dataclass
class FailureStreak:
    """Failures in a row, and the monotonic time of the next attempt."""

    failures: int = 0
    retry_at: float = 0.0


class Transcription:
    """Its methods are for one thread, and none waits for results.

    `open_stream` opens a stream at a sample rate (hertz); audio at another rate gets another one.
    `send` gets each transcript, on a thread of the stream's; `report` each failure after which
    no audio is transcribed for so many seconds. `next_caption` is the number of the next final
    transcript; partial ones have the number of the final one that replaces them. None was spoken
    before the final one before it, though chunks that were held up arrive together. `lost` counts
    the chunks that were never transcribed. `pause_seconds` is the pause after a number of attempts.
    """

    def __init__(
        self,
        open_stream: Callable[[int], Stream],
        numbering: Numbering,
        send: Callable[[Transcript], None],
        report: Callable[[TranscribeFailure, int], None],
        clock: Clock,
        pause_seconds: Callable[[int], float] = backoff_seconds,
    ) -> None:
        self.lost = 0
        self.next_caption = numbering.next_caption
        self._open_stream = open_stream
        self._numbering = numbering
        self._send = send
        self._report = report
        self._clock = clock
        self._pause_seconds = pause_seconds
        self._backlog: deque[Chunk] = deque()
        self._stream: ActiveStream | None = None
        self._streak = FailureStreak()
        self._resting_until = 0.0
        self._fed_at = clock.monotonic()
        self._opened_at = self._ended_at = 0.0
        self._is_padded = True
        self._last_spoken_at = 0

    def feed(self, chunk: Chunk) -> None:
        """The audio that comes next."""
        self._fed_at = self._clock.monotonic()
        if self._fed_at < self._resting_until:
            self.lost += 1
            return
        self._backlog.append(chunk)
        self._send_backlog()

    def tick(self) -> None:
        """Handle failures and the absence of audio, and retry; call it several times a second."""
        self._check_for_end()
        self._send_backlog()
        if self._backlog:
            return
        silent_seconds = self._clock.monotonic() - self._fed_at
        if silent_seconds >= ENDED_AFTER_SECONDS:
            self._end_stream()
        elif silent_seconds >= PADDED_AFTER_SECONDS and not self._is_padded:
            self._pad()

    def finish(self) -> bool:
        """Work towards final transcripts of everything that was fed; whether that is reached."""
        self.tick()
        if not self._backlog:
            self._end_stream()
            self._check_for_end()
        return self._stream is None and not self._backlog

    def close(self) -> None:
        """Give up what is not final yet."""
        self._close_stream()
        self.lost += len(self._backlog)
        self._backlog.clear()

    def _send_backlog(self) -> None:
        self._check_for_end()
        if not self._backlog:
            return
        began_at = self._clock.monotonic()
        is_ending = self._stream is not None and self._stream.is_ended
        if is_ending or began_at < self._streak.retry_at:
            self._drop_old_backlog()
            return
        try:
            if self._stream is None:
                rate = self._backlog[0].sample_rate_hertz
                self._stream = ActiveStream(self._open_stream(rate), rate, self._number)
                self._opened_at = self._clock.monotonic()
            while self._backlog and self._clock.monotonic() - began_at < SENDING_SECONDS:
                if self._backlog[0].sample_rate_hertz != self._stream.sample_rate_hertz:
                    self._end_stream()
                    return
                self._is_padded = False
                self._stream.send(self._backlog.popleft())
        except TranscribeFailure as failure:
            self._fail(failure)

    def _number(self, result: Result, spoken_at: int) -> None:
        if not result.is_partial:
            self._streak.failures = 0
        elif not self._numbering.with_partials:
            return
        spoken_at = max(spoken_at, self._last_spoken_at)
        transcript = Transcript(
            session_id=self._numbering.session_id,
            sequence=self.next_caption,
            source_language=self._numbering.source_language,
            text=result.text.strip(),
            is_partial=result.is_partial,
            spoken_at=spoken_at,
        )
        if not result.is_partial:
            self.next_caption += 1
            self._last_spoken_at = spoken_at
        self._send(transcript)

    def _pad(self) -> None:
        self._is_padded = True
        stream = self._stream
        if stream is None or stream.is_ended:
            return
        try:
            for _ in range(PADDINGS):
                stream.send_silence(PADDING_SECONDS)
        except TranscribeFailure as failure:
            self._fail(failure)

    def _end_stream(self) -> None:
        stream = self._stream
        if stream is None or stream.is_ended:
            return
        self._ended_at = self._clock.monotonic()
        try:
            stream.end()
        except TranscribeFailure as failure:
            self._fail(failure)

    def _check_for_end(self) -> None:
        stream = self._stream
        if stream is None:
            return
        if not stream.is_over:
            ending_seconds = self._clock.monotonic() - self._ended_at
            if stream.is_ended and ending_seconds >= ENDING_SECONDS:
                self._fail(TranscribeFailure.transient("no last results after the audio's end"))
        elif stream.failure is not None:
            self._fail(stream.failure)
        else:
            self._close_stream()

    def _close_stream(self) -> list[Chunk]:
        """Returns the audio without a final result."""
        stream, self._stream = self._stream, None
        return [] if stream is None else stream.give_up()

    def _fail(self, failure: TranscribeFailure) -> None:
        lived_seconds = 0 if self._stream is None else self._clock.monotonic() - self._opened_at
        if lived_seconds >= PROVEN_SECONDS:
            self._streak.failures = 0
        self._backlog.extendleft(reversed(self._close_stream()))
        if failure.kind is FailureKind.TIMED_OUT_WITHOUT_AUDIO:
            return
        self._streak.failures += 1
        failures = self._streak.failures
        emit({metrics.TRANSCRIBE_FAILURES: 1})
        logger.warning(
            "A Transcribe stream failed",
            extra={"kind": failure.kind, "reason": failure.message, "failures": failures},
        )
        if failure.kind is FailureKind.TRANSIENT and failures <= RETRIES:
            pause_seconds = self._pause_seconds(failures + BACKOFF_OFFSET)
            self._streak.retry_at = self._clock.monotonic() + pause_seconds
            self._drop_old_backlog()
            return
        emit({metrics.TRANSCRIPTIONS_GIVEN_UP: 1})
        self.lost += len(self._backlog)
        self._backlog.clear()
        self._streak = FailureStreak()
        self._resting_until = self._clock.monotonic() + REST_SECONDS
        self._report(failure, REST_SECONDS)

    def _drop_old_backlog(self) -> None:
        seconds = sum(chunk.seconds for chunk in self._backlog)
        while seconds > REMEMBERED_SECONDS:
            seconds -= self._backlog.popleft().seconds
            self.lost += 1
