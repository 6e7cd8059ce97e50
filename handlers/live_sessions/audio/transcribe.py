"""Amazon Transcribe's streaming protocol: its URL, event stream messages, results and failures.

https://docs.aws.amazon.com/transcribe/latest/dg/streaming-setting-up.html
"""

import logging
import re
import struct
from binascii import crc32
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, NamedTuple
from urllib.parse import urlencode

import msgspec
from botocore.auth import SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.eventstream import EventStreamBuffer, ParserError

from live_sessions.aws.credentials import keys_of
from live_sessions.aws.runtime import AwsEnvironment

# ---- The URL that opens a stream

EXPIRES_SECONDS = 300
"""The longest that Transcribe accepts."""

PATH = "/stream-transcription-websocket"

_WEBSOCKET_SCHEMES = {"http": "ws", "https": "wss"}

# At DEBUG botocore logs what it signs and the signature, which together are the URL.
logging.getLogger(SigV4QueryAuth.__module__).setLevel(logging.INFO)


def presigned_url(
    aws: AwsEnvironment, language_code: str, sample_rate_hertz: int, *, stability: str | None
) -> str:
    """The stream's URL, which is a secret: it opens the stream until it expires.

    `language_code` is Transcribe's. `stability` (low, medium or high) makes the words of partial
    results settle early; None leaves it off. Raises KeysUnavailable.
    """
    query = {
        "language-code": language_code,
        "media-encoding": "pcm",
        "sample-rate": str(sample_rate_hertz),
    }
    if stability is not None:
        query["enable-partial-results-stabilization"] = "true"
        query["partial-results-stability"] = stability
    endpoint = aws.transcribe_streaming_endpoint.rstrip("/")
    request = AWSRequest("GET", f"{endpoint}{PATH}?{urlencode(query)}")
    credentials = Credentials(*keys_of(aws))
    SigV4QueryAuth(credentials, "transcribe", aws.aws_region, expires=EXPIRES_SECONDS).add_auth(
        request
    )
    scheme, separator, rest = str(request.url).partition("://")
    return f"{_WEBSOCKET_SCHEMES[scheme]}{separator}{rest}"


# ---- Failures

_PERMANENT_EXCEPTIONS = frozenset(
    {
        "AccessDeniedException",
        "ExpiredTokenException",
        "IncompleteSignature",
        "IncompleteSignatureException",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "MissingAuthenticationToken",
        "MissingAuthenticationTokenException",
        "NotAuthorized",
        "OptInRequired",
        "UnknownOperationException",
        "UnrecognizedClientException",
    }
)
"""What rights or config cause. What Transcribe says about the audio is not among them: another
stream may do.
https://docs.aws.amazon.com/transcribe/latest/APIReference/CommonErrors.html and
https://docs.aws.amazon.com/transcribe/latest/APIReference/API_streaming_TranscriptResultStream.html
"""

_TRANSIENT_REFUSALS = frozenset(
    {"LimitExceededException", "RequestExpired", "Throttling", "ThrottlingException"}
)
"""Handshakes refused with these are worth retrying, whatever the status is."""

_SIGNATURE_EXPIRED = re.compile(
    r"signature (?:expired|not yet current)|request ?(?:has )?expired", re.IGNORECASE
)
"""The next attempt has a new signature. One expires if the function is frozen before it is sent, or
if the clock is corrected.
"""

_NO_AUDIO = re.compile(r"no new audio", re.IGNORECASE)

_PERMANENT_CLOSE_CODES = frozenset({1008, 1010})
"""A policy, or an extension that the peer lacks:
https://www.rfc-editor.org/rfc/rfc6455#section-7.4.1
"""

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9]{0,63}")
_PLAIN_WORD = re.compile(r"[A-Za-z0-9,.;:'()-]{1,19}")
"""Too short for a key, and without the characters of a URL, a token or an ARN."""


class FailureKind(StrEnum):
    """Whether another attempt may succeed; a stream without audio for too long just ended."""

    TRANSIENT = "transient"
    PERMANENT = "permanent"
    TIMED_OUT_WITHOUT_AUDIO = "timedOutWithoutAudio"


class TranscribeFailure(Exception):
    """`message` is for the log: it holds no URL, credentials, audio or transcript."""

    def __init__(self, kind: FailureKind, message: str) -> None:
        super().__init__(f"{kind}: {message}")
        self.kind = kind
        self.message = message

    @classmethod
    def transient(cls, message: str) -> "TranscribeFailure":
        """A failure after which another attempt may succeed."""
        return cls(FailureKind.TRANSIENT, message)

    @classmethod
    def permanent(cls, message: str) -> "TranscribeFailure":
        """A failure that recurs until its cause is removed."""
        return cls(FailureKind.PERMANENT, message)

    @classmethod
    def of_exception(cls, name: str, text: str) -> "TranscribeFailure":
        """An exception that Transcribe sent on the stream; an unknown one counts as transient."""
        message = f"{_loggable_name(name)}{_loggable_text(text)}"
        if name == "BadRequestException" and _NO_AUDIO.search(text):
            return cls(FailureKind.TIMED_OUT_WITHOUT_AUDIO, message)
        if name in _PERMANENT_EXCEPTIONS and not _SIGNATURE_EXPIRED.search(text):
            return cls.permanent(message)
        return cls.transient(message)

    @classmethod
    def of_handshake(cls, status: int, name: str, body: str) -> "TranscribeFailure":
        """A refused handshake; `name` is its error type, empty if it has none."""
        message = f"handshake refused: {status}{f' {_loggable_name(name)}' if name else ''}"
        if status in (408, 429) or status >= 500 or name in _TRANSIENT_REFUSALS:
            return cls.transient(message)
        if _SIGNATURE_EXPIRED.search(body):
            return cls.transient(f"{message}, signature expired")
        return cls.permanent(message)

    @classmethod
    def of_close(cls, code: int | None) -> "TranscribeFailure":
        """The peer closed the stream before its end; `code` is None if it sent no close frame."""
        if code is None:
            return cls.transient("connection lost")
        message = f"closed by Transcribe: {code}"
        is_permanent = code in _PERMANENT_CLOSE_CODES
        return cls.permanent(message) if is_permanent else cls.transient(message)


def _loggable_name(name: str) -> str:
    return name if _NAME.fullmatch(name) else "unnamed exception"


def _loggable_text(text: str) -> str:
    """The first line if it is plain words: some exceptions quote the request's secrets."""
    line = text.strip().partition("\n")[0]
    if line and len(line) <= 200 and all(_PLAIN_WORD.fullmatch(word) for word in line.split()):
        return f": {line}"
    return ""


# ---- Event stream messages

MAX_MESSAGE_BYTES = 1024 * 1024
"""The encoding's own limit is 24 MiB; the transcript of a sentence takes tens of kilobytes."""

MAX_HEADERS_BYTES = 128 * 1024
MAX_NAME_BYTES = 255
MAX_VALUE_BYTES = 2**15 - 1

_PRELUDE = struct.Struct("!III")
_CRC = struct.Struct("!I")
_OVERHEAD_BYTES = _PRELUDE.size + _CRC.size

_STRING = 7
_LENGTH_PREFIXED = frozenset({6, _STRING})
_FIXED_BYTES = {0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16}
"""By a header's type: how many bytes its value has."""


class MalformedMessage(Exception):
    """Not one whole message of the encoding; the text repeats nothing of the content."""


class Message(NamedTuple):
    """One message: https://smithy.io/2.0/aws/amazon-eventstream.html"""

    headers: Mapping[str, Any]
    payload: bytes


def encode(headers: Mapping[str, str], payload: bytes) -> bytes:
    """A message with string headers. Raises ValueError over the limits of the encoding."""
    block = b"".join(_header(name, value) for name, value in headers.items())
    size = _OVERHEAD_BYTES + len(block) + len(payload)
    if len(block) > MAX_HEADERS_BYTES or size > MAX_MESSAGE_BYTES:
        raise ValueError(f"{len(block)} bytes of headers, {size} in all, are too many")
    lengths = struct.pack("!II", size, len(block))
    unchecked = lengths + _CRC.pack(crc32(lengths)) + block + payload
    return unchecked + _CRC.pack(crc32(unchecked))


def _header(name: str, value: str) -> bytes:
    name_bytes, value_bytes = name.encode(), value.encode()
    if not 1 <= len(name_bytes) <= MAX_NAME_BYTES or not 1 <= len(value_bytes) <= MAX_VALUE_BYTES:
        raise ValueError(f"a header's name of {len(name_bytes)}, value of {len(value_bytes)} bytes")
    return struct.pack(
        f"!B{len(name_bytes)}sBH{len(value_bytes)}s",
        len(name_bytes),
        name_bytes,
        _STRING,
        len(value_bytes),
        value_bytes,
    )


def decode(frame: str | bytes) -> Message:
    """The one message in a WebSocket frame. Raises MalformedMessage."""
    if isinstance(frame, str):
        raise MalformedMessage("text instead of bytes")
    if not _OVERHEAD_BYTES <= len(frame) <= MAX_MESSAGE_BYTES:
        raise MalformedMessage(f"{len(frame)} bytes")
    size, headers_size, _ = _PRELUDE.unpack_from(frame)
    if size != len(frame):
        raise MalformedMessage(f"{len(frame)} bytes instead of {size}")
    if headers_size > min(size - _OVERHEAD_BYTES, MAX_HEADERS_BYTES):
        raise MalformedMessage(f"{headers_size} bytes of headers in {size}")
    _check_headers(frame[_PRELUDE.size : _PRELUDE.size + headers_size])
    buffer = EventStreamBuffer()
    buffer.add_data(frame)
    try:
        message: Any = buffer.next()
    except (ParserError, UnicodeDecodeError) as problem:
        raise MalformedMessage(type(problem).__name__) from None
    return Message(message.headers, message.payload)


def _check_headers(block: bytes) -> None:
    """Check that each header ends where the next one begins, which botocore does not."""
    position = 0
    try:
        while position < len(block):
            if not block[position]:
                raise MalformedMessage("a header without a name")
            position += 1 + block[position]
            kind = block[position]
            position += 1
            if kind in _LENGTH_PREFIXED:
                position += 2 + int.from_bytes(block[position : position + 2], "big")
            elif kind in _FIXED_BYTES:
                position += _FIXED_BYTES[kind]
            else:
                raise MalformedMessage(f"a header of the unknown type {kind}")
    except IndexError:
        position = len(block) + 1
    if position != len(block):
        raise MalformedMessage("a header longer than the headers")


# ---- Results


class Alternative(msgspec.Struct, frozen=True, rename="pascal"):
    """One reading of a stretch of speech."""

    transcript: str


class Result(msgspec.Struct, frozen=True, rename="pascal"):
    """A stretch of speech, partial until the final result that replaces it.

    The times are seconds from the stream's first sample.
    """

    result_id: str
    start_time: float
    end_time: float
    is_partial: bool
    alternatives: tuple[Alternative, ...]

    @property
    def text(self) -> str:
        """The most likely text; empty if there is none."""
        return self.alternatives[0].transcript if self.alternatives else ""


class _Results(msgspec.Struct, rename="pascal"):
    results: list[Result] = []


class _TranscriptEvent(msgspec.Struct, rename="pascal"):
    transcript: _Results


class _ExceptionBody(msgspec.Struct):
    capital: str = msgspec.field(default="", name="Message")
    small: str = msgspec.field(default="", name="message")


_EVENTS = msgspec.json.Decoder(_TranscriptEvent)
_EXCEPTIONS = msgspec.json.Decoder(_ExceptionBody)


def results_in(message: Message) -> Sequence[Result]:
    """The results of a TranscriptEvent; other events have none.

    https://docs.aws.amazon.com/transcribe/latest/APIReference/API_streaming_TranscriptResultStream.html
    Raises TranscribeFailure for an exception, MalformedMessage for anything else.
    """
    headers = message.headers
    match headers.get(":message-type"):
        case "event":
            if headers.get(":event-type") != "TranscriptEvent":
                return ()
            return _results(message.payload)
        case "exception":
            name = str(headers.get(":exception-type", ""))
            raise TranscribeFailure.of_exception(name, _exception_text(message.payload))
        case "error":
            name = str(headers.get(":error-code", ""))
            raise TranscribeFailure.of_exception(name, str(headers.get(":error-message", "")))
        case _:
            raise MalformedMessage("a message of no known type")


def _results(payload: bytes) -> Sequence[Result]:
    try:
        return _EVENTS.decode(payload).transcript.results
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise MalformedMessage("a TranscriptEvent of another form") from None


def _exception_text(payload: bytes) -> str:
    try:
        body = _EXCEPTIONS.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ""
    return body.capital or body.small
