"""What Transcribe says on a stream: transcripts and exceptions.

https://docs.aws.amazon.com/transcribe/latest/APIReference/API_streaming_TranscriptResultStream.html
"""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from live_sessions.transcribe import failures
from live_sessions.transcribe.event_stream import MalformedMessage, Message


@dataclass(frozen=True)
class Result:
    """A stretch of speech; a partial result is replaced by the next one of the same id.

    The times count from the stream's first sample.
    """

    result_id: str
    text: str
    is_partial: bool
    start_seconds: float
    end_seconds: float


class _Alternative(msgspec.Struct, rename="pascal"):
    transcript: str


class _Result(msgspec.Struct, rename="pascal"):
    result_id: str
    start_time: float
    end_time: float
    is_partial: bool
    alternatives: list[_Alternative]


class _Transcript(msgspec.Struct, rename="pascal"):
    results: list[_Result] = []


class _TranscriptEvent(msgspec.Struct, rename="pascal"):
    transcript: _Transcript


class _ExceptionBody(msgspec.Struct):
    capital: str = msgspec.field(default="", name="Message")
    small: str = msgspec.field(default="", name="message")


_EVENTS = msgspec.json.Decoder(_TranscriptEvent)
_EXCEPTIONS = msgspec.json.Decoder(_ExceptionBody)


def results_in(message: Message) -> Sequence[Result]:
    """A TranscriptEvent's results, of which some may have no text; other events have none.

    Raises TranscribeFailure for an exception, MalformedMessage for what is none of these.
    """
    headers = message.headers
    match headers.get(":message-type"):
        case "event":
            if headers.get(":event-type") != "TranscriptEvent":
                return ()
            return _results(message.payload)
        case "exception":
            name = str(headers.get(":exception-type", ""))
            raise failures.of_exception(name, _exception_text(message.payload))
        case "error":
            name = str(headers.get(":error-code", ""))
            raise failures.of_exception(name, str(headers.get(":error-message", "")))
        case _:
            raise MalformedMessage("a message of no known type")


def _results(payload: bytes) -> Sequence[Result]:
    try:
        event = _EVENTS.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise MalformedMessage("a TranscriptEvent of another form") from None
    return [
        Result(
            result_id=each.result_id,
            text=each.alternatives[0].transcript if each.alternatives else "",
            is_partial=each.is_partial,
            start_seconds=each.start_time,
            end_seconds=each.end_time,
        )
        for each in event.transcript.results
    ]


def _exception_text(payload: bytes) -> str:
    try:
        body = _EXCEPTIONS.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ""
    return body.capital or body.small
