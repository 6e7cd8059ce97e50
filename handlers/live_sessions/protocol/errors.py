"""The refusals a client can meet."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any


class ErrorCode(StrEnum):
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
    RATE_LIMITED = "RATE_LIMITED"
    MESSAGE_TOO_LARGE = "MESSAGE_TOO_LARGE"
    AUDIO_TOO_LARGE = "AUDIO_TOO_LARGE"
    INVALID_AUDIO = "INVALID_AUDIO"
    STATUS_TIMEOUT = "STATUS_TIMEOUT"
    SERVICE_UNAVAILABLE = "SERVICE_UNAVAILABLE"
    INTERNAL_ERROR = "INTERNAL_ERROR"


class ProtocolError(Exception):
    """A refusal that the sender is told: code, message and details become an error frame."""

    def __init__(
        self, code: ErrorCode, message: str, details: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.details = details
