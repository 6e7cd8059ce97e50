"""A session's audio becomes text, over as many Transcribe streams as that takes.

A stream is opened by audio and ended by its absence. One that fails is followed by another, which
hears again what the first had not made final: nothing is lost with it, and nothing said twice.
"""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from live_sessions.audio.chunks import Chunk
from live_sessions.audio.listening import REMEMBERED_SECONDS, Heard, Listening
from live_sessions.aws.backoff import backoff_seconds
from live_sessions.pcm import BYTES_PER_SECOND
from live_sessions.telemetry import count, logger
from live_sessions.transcribe.failures import FailureKind, TranscribeFailure
from live_sessions.transcribe.stream import TranscribeStream

RETRIES = 3
FURTHER_APART = 2
"""The first pause of the retries is as long as the third of others: some five seconds in all."""

PROVEN_SECONDS = 20
"""The failure of a stream that has lived for so long is the first one of a new row."""

REST_SECONDS = 30
"""After the last retry: no audio is transcribed for so long."""

PADDED_AFTER_SECONDS = 1.0
PADDING_SECONDS = 1.5
"""Silence sent in place of the audio that does not come, so that the last words become final."""

PADDING = bytes(int(PADDING_SECONDS / 3 * BYTES_PER_SECOND))
"""A third of it: Transcribe takes no chunk of more than a second."""

ENDED_AFTER_SECONDS = 10.0
ENDING_SECONDS = 5.0
"""For the last results of a stream that has been ended."""

SENDING_SECONDS = 1.0
"""A stream may take audio as slowly as it was spoken: what is left of it is sent the next time."""


class Audience(Protocol):
    """Whom a transcription tells; from threads of its own, too."""

    def hear(self, heard: Heard) -> None: ...

    def learn_of(self, failure: TranscribeFailure, retry_after_seconds: int) -> None: ...


@dataclass
class Attempts:
    """Failures in a row, and the time (monotonic) before which nothing is tried again."""

    made: int = 0
    not_before: float = 0.0


class Transcription:
    """All its methods are for one thread, and none waits for results.

    `lost` counts the chunks that no stream heard to the end.
    """

    def __init__(self, open_stream: Callable[[], TranscribeStream], audience: Audience) -> None:
        self.lost = 0
        self._open_stream = open_stream
        self._audience = audience
        self._backlog: deque[Chunk] = deque()
        self._listening: Listening | None = None
        self._attempts = Attempts()
        self._resting_until = 0.0
        self._fed_at = time.monotonic()
        self._opened_at = self._ended_at = 0.0
        self._is_padded = True

    def feed(self, chunk: Chunk) -> None:
        """Audio that comes next."""
        self._fed_at = time.monotonic()
        if self._fed_at < self._resting_until:
            self.lost += 1
            return
        self._backlog.append(chunk)
        self._send_backlog()

    def tick(self) -> None:
        """To be called often: notices failures and the absence of audio, and tries again."""
        self._notice_end()
        self._send_backlog()
        if self._backlog:
            return
        silent_seconds = time.monotonic() - self._fed_at
        if silent_seconds >= ENDED_AFTER_SECONDS:
            self._end_stream()
        elif silent_seconds >= PADDED_AFTER_SECONDS and not self._is_padded:
            self._pad()

    def finish(self) -> bool:
        """A step towards everything that was fed being final; whether that is so now."""
        self.tick()
        if not self._backlog:
            self._end_stream()
            self._notice_end()
        return self._listening is None and not self._backlog

    def close(self) -> None:
        """Give up what is not final yet."""
        self._close_stream()
        self.lost += len(self._backlog)
        self._backlog.clear()

    def _send_backlog(self) -> None:
        self._notice_end()
        if not self._backlog:
            return
        began_at = time.monotonic()
        is_ending = self._listening is not None and self._listening.is_ended
        if is_ending or began_at < self._attempts.not_before:
            self._forget_what_is_old()
            return
        try:
            if self._listening is None:
                self._listening = Listening(self._open_stream(), self._hear)
                self._opened_at = time.monotonic()
            while self._backlog and time.monotonic() - began_at < SENDING_SECONDS:
                self._is_padded = False
                self._listening.send(self._backlog.popleft())
        except TranscribeFailure as failure:
            self._fail(failure)

    def _hear(self, heard: Heard) -> None:
        if not heard.is_partial:
            self._attempts.made = 0
        self._audience.hear(heard)

    def _pad(self) -> None:
        self._is_padded = True
        listening = self._listening
        if listening is None or listening.is_ended:
            return
        try:
            for _ in range(3):
                listening.send_silence(PADDING)
        except TranscribeFailure as failure:
            self._fail(failure)

    def _end_stream(self) -> None:
        listening = self._listening
        if listening is None or listening.is_ended:
            return
        self._ended_at = time.monotonic()
        try:
            listening.end()
        except TranscribeFailure as failure:
            self._fail(failure)

    def _notice_end(self) -> None:
        listening = self._listening
        if listening is None:
            return
        if not listening.is_over:
            if listening.is_ended and time.monotonic() - self._ended_at >= ENDING_SECONDS:
                self._fail(TranscribeFailure(FailureKind.PASSING, "no end after the audio's"))
        elif listening.failure is not None:
            self._fail(listening.failure)
        else:
            self._close_stream()

    def _close_stream(self) -> list[Chunk]:
        """Returns the audio that it did not hear to the end."""
        listening, self._listening = self._listening, None
        return [] if listening is None else listening.give_up()

    def _fail(self, failure: TranscribeFailure) -> None:
        lived_seconds = 0 if self._listening is None else time.monotonic() - self._opened_at
        if lived_seconds >= PROVEN_SECONDS:
            self._attempts.made = 0
        self._backlog.extendleft(reversed(self._close_stream()))
        if failure.kind is FailureKind.TIMED_OUT_WITHOUT_AUDIO:
            return
        self._attempts.made += 1
        count(TranscribeFailures=1)
        logger.warning(
            "A Transcribe stream failed",
            extra={"kind": failure.kind, "reason": failure.message, "row": self._attempts.made},
        )
        if failure.kind is FailureKind.PASSING and self._attempts.made <= RETRIES:
            self._attempts.not_before = time.monotonic() + backoff_seconds(
                self._attempts.made + FURTHER_APART
            )
            self._forget_what_is_old()
            return
        count(TranscriptionsGivenUp=1)
        self.lost += len(self._backlog)
        self._backlog.clear()
        self._attempts = Attempts()
        self._resting_until = time.monotonic() + REST_SECONDS
        self._audience.learn_of(failure, REST_SECONDS)

    def _forget_what_is_old(self) -> None:
        seconds = sum(chunk.seconds for chunk in self._backlog)
        while seconds > REMEMBERED_SECONDS:
            seconds -= self._backlog.popleft().seconds
            self.lost += 1
