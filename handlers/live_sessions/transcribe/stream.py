"""One stream of speech to Transcribe and of its transcripts back."""

import threading
import time
from collections.abc import Iterator

from websockets.exceptions import ConnectionClosed

from live_sessions.environment import AwsEnvironment
from live_sessions.pcm import BYTES_PER_SECOND
from live_sessions.transcribe import failures
from live_sessions.transcribe.connection import (
    Connection,
    failure_of,
    is_normal_end,
    open_connection,
)
from live_sessions.transcribe.event_stream import MalformedMessage, decode, encode
from live_sessions.transcribe.failures import TranscribeFailure
from live_sessions.transcribe.presigned_url import presigned_url
from live_sessions.transcribe.results import Result, results_in

MAX_AUDIO_BYTES = BYTES_PER_SECOND
"""One second
(https://docs.aws.amazon.com/transcribe/latest/APIReference/API_streaming_AudioEvent.html).
"""

LAST_RESULTS_LIMIT_SECONDS = 15
"""From the end of the audio to Transcribe's closing of the stream."""

TAKEN_WITHIN_SECONDS = 3
"""A peer that makes no room for audio for so long has stopped reading: whoever sends holds a lease
that must not run out meanwhile.
"""

PING_SECONDS = 10
SILENCE_LIMIT_SECONDS = 30
"""Neither a message nor an answer to a ping. AWS documents neither, but one of them comes."""

_TICK_SECONDS = 1
_VERDICT_LIMIT_SECONDS = 1

_AUDIO_EVENT = {
    ":message-type": "event",
    ":event-type": "AudioEvent",
    ":content-type": "application/octet-stream",
}


class TranscribeStream:
    """One thread sends while another one reads the results; the first failure is both threads'."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._lock = threading.Lock()
        self._failure: TranscribeFailure | None = None
        self._has_failed = threading.Event()
        self._last_results_due: float | None = None

    @classmethod
    def open(
        cls, aws: AwsEnvironment, language_code: str, *, stability: str | None
    ) -> "TranscribeStream":
        """What Transcribe finds wrong with a request may show only in its results.

        Raises TranscribeFailure.
        """
        return cls(open_connection(presigned_url(aws, language_code, stability=stability)))

    def send(self, audio: bytes) -> None:
        """Up to one second of it. Raises TranscribeFailure once the stream is over."""
        if not 0 < len(audio) <= MAX_AUDIO_BYTES or len(audio) % 2:
            raise ValueError(f"{len(audio)} bytes are not between one sample and one second")
        if self._last_results_due is not None:
            raise self._failure or failures.passing("the audio has ended")
        self._send(audio)

    def end(self) -> None:
        """No more audio; the last results come within a limit. Raises TranscribeFailure."""
        if self._last_results_due is None:
            self._last_results_due = time.monotonic() + LAST_RESULTS_LIMIT_SECONDS
            self._send(b"")

    def results(self) -> Iterator[Result]:
        """As they come, until Transcribe closes the stream after its end; for one reader.

        Raises TranscribeFailure.
        """
        while True:
            try:
                results = results_in(decode(self._next_frame()))
            except ConnectionClosed as closed:
                if self._last_results_due is not None and is_normal_end(closed):
                    return
                raise self._failed(failure_of(closed)) from None
            except MalformedMessage as problem:
                raise self._failed(failures.passing(f"malformed message: {problem}")) from None
            except TranscribeFailure as failure:
                raise self._failed(failure) from None
            yield from results

    def close(self) -> None:
        """At once. Never raises; whoever sends or reads sees the stream fail."""
        self._failed(failures.passing("closed here"))

    def _send(self, audio: bytes) -> None:
        if self._failure is not None:
            raise self._failure
        if not self._connection.has_room(TAKEN_WITHIN_SECONDS):
            raise self._failed(failures.passing("audio is not taken"))
        try:
            self._connection.send(encode(_AUDIO_EVENT, audio))
        except ConnectionClosed as closed:
            # The reader may be about to learn from an exception why.
            self._has_failed.wait(_VERDICT_LIMIT_SECONDS)
            raise self._failed(failure_of(closed)) from None

    def _next_frame(self) -> str | bytes:
        heard = pinged = time.monotonic()
        pong: threading.Event | None = None
        while True:
            try:
                return self._connection.recv(self._patience_seconds())
            except TimeoutError:
                now = time.monotonic()
            if self._last_results_due is not None and now >= self._last_results_due:
                raise failures.passing("not closed after the end of the audio")
            if pong is not None and pong.is_set():
                heard = now
            if now - heard >= SILENCE_LIMIT_SECONDS:
                raise failures.passing("silent")
            if now - pinged >= PING_SECONDS:
                pong, pinged = self._connection.ping(), now

    def _patience_seconds(self) -> float:
        if self._last_results_due is None:
            return _TICK_SECONDS
        return min(_TICK_SECONDS, max(0.0, self._last_results_due - time.monotonic()))

    def _failed(self, failure: TranscribeFailure) -> TranscribeFailure:
        """The stream's failure, which is `failure` if it is the first; drops the connection."""
        with self._lock:
            if self._failure is None:
                self._failure = failure
        self._has_failed.set()
        self._connection.drop()
        return self._failure
