"""How a stream fails, and whether another attempt may go better."""

import re
from enum import StrEnum

_PERMANENT_EXCEPTIONS = frozenset(
    {
        "AccessDeniedException",
        "BadRequestException",
        "ExpiredTokenException",
        "IncompleteSignature",
        "IncompleteSignatureException",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "MissingAuthenticationToken",
        "MissingAuthenticationTokenException",
        "NotAuthorized",
        "OptInRequired",
        "SerializationException",
        "UnknownOperationException",
        "UnrecognizedClientException",
        "ValidationError",
        "ValidationException",
    }
)
"""https://docs.aws.amazon.com/transcribe/latest/APIReference/CommonErrors.html and
https://docs.aws.amazon.com/transcribe/latest/APIReference/API_streaming_TranscriptResultStream.html
"""

_PASSING_REFUSALS = frozenset(
    {"LimitExceededException", "RequestExpired", "Throttling", "ThrottlingException"}
)
"""Handshakes refused by these pass, whatever their status is."""

_OUT_OF_TIME = re.compile(
    r"signature (?:expired|not yet current)|request ?(?:has )?expired", re.IGNORECASE
)
"""The next attempt is signed anew: a signature is out of time when the function was frozen on its
way, or its clock was corrected.
"""

_NO_AUDIO = re.compile(r"no new audio", re.IGNORECASE)

_PERMANENT_CLOSE_CODES = frozenset({1002, 1003, 1007, 1008, 1009, 1010})
"""The peer finds fault with what we sent (https://www.rfc-editor.org/rfc/rfc6455#section-7.4.1)."""

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9]{0,63}")
_PLAIN_WORD = re.compile(r"[A-Za-z0-9,.;:'()-]{1,19}")
"""Too short for a key, and without what a URL, a token or an ARN is made of."""


class FailureKind(StrEnum):
    PASSING = "passing"
    PERMANENT = "permanent"
    TIMED_OUT_WITHOUT_AUDIO = "timedOutWithoutAudio"


class TranscribeFailure(Exception):
    """`message` is for the log: it holds no URL, credentials, audio or transcript."""

    def __init__(self, kind: FailureKind, message: str) -> None:
        super().__init__(f"{kind}: {message}")
        self.kind = kind
        self.message = message


def passing(message: str) -> TranscribeFailure:
    return TranscribeFailure(FailureKind.PASSING, message)


def permanent(message: str) -> TranscribeFailure:
    return TranscribeFailure(FailureKind.PERMANENT, message)


def of_exception(name: str, text: str) -> TranscribeFailure:
    """An exception that Transcribe sent on the stream; one that nobody knows is taken to pass."""
    message = f"{_shown_name(name)}{_shown_text(text)}"
    if name == "BadRequestException" and _NO_AUDIO.search(text):
        return TranscribeFailure(FailureKind.TIMED_OUT_WITHOUT_AUDIO, message)
    if name in _PERMANENT_EXCEPTIONS and not _OUT_OF_TIME.search(text):
        return permanent(message)
    return passing(message)


def of_handshake(status: int, name: str, body: str) -> TranscribeFailure:
    """An answer to the handshake that opens no stream; `name` is its error type, if it has one."""
    shown_name = f" {_shown_name(name)}" if name else ""
    message = f"handshake refused: {status}{shown_name}"
    if status in (408, 429) or status >= 500 or name in _PASSING_REFUSALS:
        return passing(message)
    if _OUT_OF_TIME.search(body):
        return passing(f"{message}, signature out of time")
    return permanent(message)


def of_close(code: int | None) -> TranscribeFailure:
    """The peer closed the stream before its end; without a code if it said no word."""
    if code is None:
        return passing("connection lost")
    message = f"closed by Transcribe: {code}"
    return permanent(message) if code in _PERMANENT_CLOSE_CODES else passing(message)


def _shown_name(name: str) -> str:
    return name if _NAME.fullmatch(name) else "unnamed exception"


def _shown_text(text: str) -> str:
    """The first line where it is plain words: some exceptions quote the request's secrets."""
    line = text.strip().partition("\n")[0]
    if line and len(line) <= 200 and all(_PLAIN_WORD.fullmatch(word) for word in line.split()):
        return f": {line}"
    return ""
