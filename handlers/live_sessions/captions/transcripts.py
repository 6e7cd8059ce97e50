"""Transcripts, and their way to the translation pipeline: one at a time, in order.

The pipeline is our own translation function or another one: docs/translation-pipeline.md promises
it this payload.
"""

import threading
from collections import deque
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from botocore.exceptions import BotoCoreError, ClientError

from contract import metrics
from contract.languages import SOURCE_LANGUAGES
from live_sessions.aws.retries import repeated, was_not_carried_out
from live_sessions.aws.runtime import Clock, emit, logger
from live_sessions.wire.messages import SessionId

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

LanguageCode = Annotated[str, msgspec.Meta(min_length=2, max_length=16)]

TEXT_LIMIT_CHARACTERS = 5000
"""Some minutes of speech. With its translation, a caption of it stays below the 128 KB of a post:
https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-execution-service-websocket-limits-table.html
"""

PIPELINE_TIMEOUT_SECONDS = 30
"""How long a pipeline may take for one transcript."""

ATTEMPTS = 3
RETRIED_SECONDS = 5
"""From the first attempt on, by the wall clock: the monotonic clock may stand still while the
function is frozen, and an attempt after that would come among later captions.
"""

CLOSING_SECONDS = 1
"""For the transcript that is being sent when the rest is given up."""


class Transcript(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A piece of what the speaker said; `sequence` gives the order within the session.

    `source_language` is the wire's code. `spoken_at` (epoch milliseconds) is when the first word
    began. A partial transcript has the sequence of the final one that replaces it.
    """

    session_id: SessionId
    sequence: Annotated[int, msgspec.Meta(ge=0)]
    source_language: LanguageCode
    text: Annotated[str, msgspec.Meta(max_length=TEXT_LIMIT_CHARACTERS)]
    is_partial: bool
    spoken_at: Annotated[int, msgspec.Meta(ge=0)]


def read_transcript(payload: Mapping[str, Any]) -> Transcript:
    """The transcript in an event.

    Raises msgspec.ValidationError, which names the field and its rule and never the text.
    """
    transcript = msgspec.convert(payload, Transcript)
    if transcript.source_language not in SOURCE_LANGUAGES:
        raise msgspec.ValidationError(
            f"{transcript.source_language!r} is not a source language - at `$.sourceLanguage`"
        )
    try:
        transcript.text.encode()
    except UnicodeEncodeError:
        raise msgspec.ValidationError("Expected text in Unicode - at `$.text`") from None
    return transcript


class Pipeline:
    """The translation pipeline's function.

    `client` must not retry by itself: a transcript that is sent twice is read twice.
    """

    def __init__(self, client: "LambdaClient", function_name: str, clock: Clock) -> None:
        self._client = client
        self._function_name = function_name
        self._clock = clock

    def send(self, transcript: Transcript) -> None:
        """Invoke the function and wait for its end; a failure is counted and logged."""
        attempts = 1 if transcript.is_partial else ATTEMPTS
        payload = msgspec.json.encode(transcript)
        began_ms = self._clock.now_ms()

        def is_transient(failure: Exception) -> bool:
            is_late = self._clock.now_ms() - began_ms >= RETRIED_SECONDS * 1000
            return not is_late and was_not_carried_out(failure)

        try:
            response = repeated(
                lambda: self._client.invoke(FunctionName=self._function_name, Payload=payload),
                attempts=attempts,
                is_transient=is_transient,
                clock=self._clock,
            )
            response["Payload"].read()
        except (ClientError, BotoCoreError):
            logger.exception("The pipeline did not answer", extra=_named(transcript))
            _count_failure(transcript)
            return
        if "FunctionError" in response:
            logger.error("The pipeline failed", extra=_named(transcript))
            _count_failure(transcript)


class TranscriptQueue:
    """Sends transcripts in order, on its own thread.

    Final ones are all sent, partial ones only if nothing else is left to send, the latest of them.
    """

    def __init__(
        self, send: Callable[[Transcript], None], *, closing_seconds: float = CLOSING_SECONDS
    ) -> None:
        self._send = send
        self._closing_seconds = closing_seconds
        self._finals: deque[Transcript] = deque()
        self._partial: Transcript | None = None
        self._is_sending = False
        self._is_closing = False
        self._changed = threading.Condition()
        self._worker = threading.Thread(target=self._work, name="captions", daemon=True)
        self._worker.start()

    def add(self, transcript: Transcript) -> None:
        """Queue a transcript; a final one replaces the partial one that waits."""
        with self._changed:
            if transcript.is_partial:
                self._partial = transcript
            else:
                self._finals.append(transcript)
                self._partial = None
            self._changed.notify_all()

    def is_idle(self) -> bool:
        """Whether every final transcript has been sent, and nothing is being sent."""
        with self._changed:
            return not self._finals and not self._is_sending

    def close(self) -> None:
        """Give up what has not been sent, and wait a moment for what is being sent."""
        with self._changed:
            given_up = len(self._finals)
            self._finals.clear()
            self._is_closing = True
            self._changed.notify_all()
        emit({metrics.TRANSCRIPTS_FAILED: given_up})
        self._worker.join(self._closing_seconds)

    def _work(self) -> None:
        while (transcript := self._next()) is not None:
            try:
                self._send(transcript)
            except Exception:
                # The transcripts after this one must not be lost with it.
                logger.exception("A transcript was not sent", extra=_named(transcript))
                _count_failure(transcript)

    def _next(self) -> Transcript | None:
        with self._changed:
            self._is_sending = False
            while not self._is_closing:
                if self._finals:
                    self._is_sending = True
                    return self._finals.popleft()
                if self._partial is not None:
                    partial, self._partial = self._partial, None
                    self._is_sending = True
                    return partial
                self._changed.wait()
            return None


def _named(transcript: Transcript) -> dict[str, object]:
    return {"session": transcript.session_id, "caption": transcript.sequence}


def _count_failure(transcript: Transcript) -> None:
    emit({metrics.TRANSCRIPTS_FAILED: 0 if transcript.is_partial else 1})
