"""The way to the translation pipeline, our own or another: one transcript at a time."""

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec
from botocore.exceptions import BotoCoreError, ClientError

from live_sessions.aws.backoff import repeated
from live_sessions.aws.outages import was_not_carried_out
from live_sessions.captions.transcript import Transcript
from live_sessions.telemetry import count, logger

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

ATTEMPTS = 3
RETRIED_SECONDS = 5
"""From the first attempt on, by the wall clock: one that stood still with its function, because
that had ended, is not made again among later captions.
"""

PATIENCE_SECONDS = 30
"""As long as a pipeline may take for one transcript."""

CLOSING_SECONDS = 1
"""For what is being sent when the rest is given up."""


class Pipeline:
    """`client` must not repeat by itself: a transcript that is sent twice is read twice."""

    def __init__(self, client: "LambdaClient", function_name: str) -> None:
        self._client = client
        self._function_name = function_name

    def send(self, transcript: Transcript) -> None:
        """Have it translated and posted; one that fails is counted, logged and given up."""
        attempts = 1 if transcript.is_partial else ATTEMPTS
        payload = msgspec.json.encode(transcript)
        began_at = time.time()

        def is_passing(failure: Exception) -> bool:
            is_late = time.time() - began_at >= RETRIED_SECONDS
            return not is_late and was_not_carried_out(failure)

        try:
            answer = repeated(
                lambda: self._client.invoke(FunctionName=self._function_name, Payload=payload),
                attempts=attempts,
                is_passing=is_passing,
            )
            answer["Payload"].read()
        except (ClientError, BotoCoreError):
            logger.exception("The pipeline did not answer", extra=_named(transcript))
            _count_failure(transcript)
            return
        if "FunctionError" in answer:
            logger.error("The pipeline failed", extra=_named(transcript))
            _count_failure(transcript)


class CaptionQueue:
    """Sends transcripts in their order, on a thread of its own: finals all of them, of partial ones
    the latest when there is nothing else to send.
    """

    def __init__(self, send: Callable[[Transcript], None]) -> None:
        self._send = send
        self._finals: deque[Transcript] = deque()
        self._partial: Transcript | None = None
        self._is_sending = False
        self._is_closing = False
        self._news = threading.Condition()
        self._worker = threading.Thread(target=self._work, name="captions", daemon=True)
        self._worker.start()

    def add(self, transcript: Transcript) -> None:
        with self._news:
            if transcript.is_partial:
                self._partial = transcript
            else:
                self._finals.append(transcript)
                self._partial = None
            self._news.notify_all()

    def is_idle(self) -> bool:
        """Whether every final one has been sent, and nothing is being sent."""
        with self._news:
            return not self._finals and not self._is_sending

    def close(self) -> None:
        """Give up what has not been sent."""
        with self._news:
            left = len(self._finals)
            self._finals.clear()
            self._is_closing = True
            self._news.notify_all()
        if left:
            count(TranscriptsFailed=left)
        self._worker.join(CLOSING_SECONDS)

    def _work(self) -> None:
        while (transcript := self._next()) is not None:
            try:
                self._send(transcript)
            except Exception:
                # The captions after this one must not be lost with it.
                logger.exception("A transcript was not sent", extra=_named(transcript))
                _count_failure(transcript)

    def _next(self) -> Transcript | None:
        with self._news:
            self._is_sending = False
            while not self._is_closing:
                if self._finals:
                    self._is_sending = True
                    return self._finals.popleft()
                if self._partial is not None:
                    partial, self._partial = self._partial, None
                    self._is_sending = True
                    return partial
                self._news.wait()
            return None


def _named(transcript: Transcript) -> dict[str, object]:
    return {"session": transcript.session_id, "caption": transcript.sequence}


def _count_failure(transcript: Transcript) -> None:
    if not transcript.is_partial:
        count(TranscriptsFailed=1)
