"""The errors that a client can receive: codes, and the refusals that several actions share."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any


class ErrorCode(StrEnum):
    """The `code` of an error frame; docs/protocol.md explains each one."""

    INVALID_MESSAGE = "INVALID_MESSAGE"
    MISSING_ACTION = "MISSING_ACTION"
    INVALID_ACTION = "INVALID_ACTION"
    INVALID_PARAMETER = "INVALID_PARAMETER"
    UNAUTHORIZED_ACTION = "UNAUTHORIZED_ACTION"
    CONNECTION_NOT_FOUND = "CONNECTION_NOT_FOUND"
    SESSION_NOT_FOUND = "SESSION_NOT_FOUND"
    SESSION_ENDED = "SESSION_ENDED"
    SESSION_FULL = "SESSION_FULL"
    ALREADY_IN_SESSION = "ALREADY_IN_SESSION"
    UNSUPPORTED_LANGUAGE = "UNSUPPORTED_LANGUAGE"
    INVALID_PASSCODE = "INVALID_PASSCODE"
    RATE_LIMITED = "RATE_LIMITED"
    MESSAGE_TOO_LARGE = "MESSAGE_TOO_LARGE"
    AUDIO_TOO_LARGE = "AUDIO_TOO_LARGE"
    INVALID_AUDIO = "INVALID_AUDIO"
    TRANSCRIPT_NOT_AVAILABLE = "TRANSCRIPT_NOT_AVAILABLE"
    STATUS_TIMEOUT = "STATUS_TIMEOUT"
    SERVICE_UNAVAILABLE = "SERVICE_UNAVAILABLE"
    INTERNAL_ERROR = "INTERNAL_ERROR"


class ProtocolError(Exception):
    """A refusal to send back to the client as an error frame: code, message and details."""

    def __init__(
        self, code: ErrorCode, message: str, details: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.details = details


def connection_not_found() -> ProtocolError:
    """The connection is a member of no session."""

    return ProtocolError(
        ErrorCode.CONNECTION_NOT_FOUND,
        "This connection is in no session; a speaker creates one, a listener joins one.",
    )


def connection_unknown() -> ProtocolError:
    """The connection has no row."""

    return ProtocolError(
        ErrorCode.CONNECTION_NOT_FOUND,
        "This connection is not known any more; a listener joins a session again, "
        "a speaker connects again.",
    )


def session_not_found(session_id: str) -> ProtocolError:
    """There is no session of that id."""

    return ProtocolError(
        ErrorCode.SESSION_NOT_FOUND, f"There is no session {session_id}; check its id."
    )


def session_ended(session_id: str) -> ProtocolError:
    """The session has ended or expired."""

    return ProtocolError(ErrorCode.SESSION_ENDED, f"The session {session_id} has ended.")


def session_full(session_id: str, limit: int) -> ProtocolError:
    """The session has `limit` listeners, which is as many as it takes."""

    return ProtocolError(
        ErrorCode.SESSION_FULL,
        f"{session_id} has all of its {limit} listeners; try again later.",
        {"maxListeners": limit},
    )


def invalid_passcode(session_id: str) -> ProtocolError:
    """The session is joined by passcode, and the passcode is missing or wrong."""

    return ProtocolError(
        ErrorCode.INVALID_PASSCODE,
        f"The session {session_id} is joined with its six-digit passcode, which is missing or "
        "wrong; ask the speaker for it.",
    )


def not_the_speaker(session_id: str) -> ProtocolError:
    """Another user created the session."""

    return ProtocolError(
        ErrorCode.UNAUTHORIZED_ACTION,
        f"The session {session_id} belongs to another speaker; sign in as the one who created it.",
    )


def keeps_no_transcripts() -> ProtocolError:
    """createSession asks for a transcript where the stack keeps none."""

    rule = "this stack keeps no transcripts, so keepTranscript is false or left out"
    return ProtocolError(
        ErrorCode.INVALID_PARAMETER,
        f"createSession: {rule}; its operator can have them kept with the setting `transcripts`.",
        {"parameter": "keepTranscript", "value": True, "rule": rule},
    )


def transcript_not_available(session_id: str, why: str) -> ProtocolError:
    """There is no transcript to read; `why` ends the sentence, and says what to do."""

    return ProtocolError(
        ErrorCode.TRANSCRIPT_NOT_AVAILABLE,
        f"There is no transcript of the session {session_id} to read: {why}.",
        {"sessionId": session_id},
    )


def try_again() -> ProtocolError:
    """An AWS service failed, or other changes kept getting in between."""

    return ProtocolError(
        ErrorCode.SERVICE_UNAVAILABLE, "The service cannot answer right now; try again shortly."
    )


def rate_limited(kind: str, retry_after_seconds: int) -> ProtocolError:
    """The rate limit of a kind, such as `joins`, is reached."""

    return ProtocolError(
        ErrorCode.RATE_LIMITED,
        f"Too many {kind.replace('-', ' ')}; try again in {retry_after_seconds} seconds.",
        {"retryAfterSeconds": retry_after_seconds},
    )


def too_much_audio(
    sample_rate_hertz: int, expected_bytes_per_second: int, received_bytes_per_second: int
) -> ProtocolError:
    """More audio arrives than its sample rate makes in the same time."""

    return ProtocolError(
        ErrorCode.INVALID_AUDIO,
        f"{received_bytes_per_second} bytes of audio arrive in a second; at {sample_rate_hertz} Hz "
        f"there are {expected_bytes_per_second}. What is too much is dropped: send audio as it is "
        "spoken, and name its sampleRateHertz in createSession or refreshConnection.",
        {
            "expectedBytesPerSecond": expected_bytes_per_second,
            "receivedBytesPerSecond": received_bytes_per_second,
        },
    )


def sequence_far_ahead(sequence: int, last_sequence: int, largest_leap: int) -> ProtocolError:
    """A chunk is numbered as if more than `largest_leap` chunks had been sent before it."""

    return ProtocolError(
        ErrorCode.INVALID_AUDIO,
        f"sequence {sequence} is more than {largest_leap} ahead of {last_sequence}, the last one; "
        "the chunk is dropped: count the chunks of a connection from 0, one by one.",
        {"sequence": sequence, "lastSequence": last_sequence},
    )


def not_admitted(current_session_id: str | None) -> ProtocolError:
    """Why a socket could not become a member, given the session in its row as it is now."""
    if current_session_id is None:
        return connection_unknown()
    return already_in_session(current_session_id)


def already_in_session(session_id: str) -> ProtocolError:
    """The connection is a member of a live session."""

    return ProtocolError(
        ErrorCode.ALREADY_IN_SESSION,
        f"This connection is in the session {session_id} already; leave or end it first.",
        {"sessionId": session_id},
    )
