"""The wire protocol in one place: actions, message types, frames and error codes.

Client messages are JSON objects routed by `action`; server frames carry `type` and `timestamp`
(epoch milliseconds). Durations are seconds.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, Literal, cast, get_args, get_origin

import msgspec

from live_sessions.languages import SOURCE_LANGUAGES, TARGET_LANGUAGES

CONTROL_MESSAGE_LIMIT_BYTES = 4096
REQUEST_ID_LIMIT_CHARACTERS = 64
VALUE_LIMIT_CHARACTERS = 64


class Role(StrEnum):
    SPEAKER = "speaker"
    LISTENER = "listener"


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
    MESSAGE_TOO_LARGE = "MESSAGE_TOO_LARGE"
    STATUS_TIMEOUT = "STATUS_TIMEOUT"
    SERVICE_UNAVAILABLE = "SERVICE_UNAVAILABLE"
    INTERNAL_ERROR = "INTERNAL_ERROR"


class EndReason(StrEnum):
    SPEAKER_ENDED = "speakerEnded"
    SPEAKER_LOST = "speakerLost"
    EXPIRED = "expired"
    OPERATOR = "operator"


class UpdateReason(StrEnum):
    REQUESTED = "requested"
    PERIODIC = "periodic"


class ProtocolError(Exception):
    """A refusal that the sender is told: code, message and details become an error frame."""

    def __init__(
        self, code: ErrorCode, message: str, details: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.details = details


# ---- messages of the client

SessionId = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
LanguageCode = Annotated[str, msgspec.Meta(min_length=2, max_length=16)]


class ClientMessage(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What every action may carry; unknown fields are ignored."""


class CreateSession(ClientMessage, frozen=True, kw_only=True):
    source_language: LanguageCode
    quality_tier: Literal["standard", "premium"] = "standard"


class JoinSession(ClientMessage, frozen=True, kw_only=True):
    session_id: SessionId
    target_language: LanguageCode


class LeaveSession(ClientMessage, frozen=True, kw_only=True):
    pass


class EndSession(ClientMessage, frozen=True, kw_only=True):
    pass


class Heartbeat(ClientMessage, frozen=True, kw_only=True):
    pass


class GetSessionStatus(ClientMessage, frozen=True, kw_only=True):
    pass


@dataclass(frozen=True)
class Action:
    """An action's message type and the roles that may send it."""

    message: type[ClientMessage]
    roles: frozenset[Role]


SPEAKER_ONLY = frozenset({Role.SPEAKER})
LISTENER_ONLY = frozenset({Role.LISTENER})

ACTIONS: Mapping[str, Action] = {
    "createSession": Action(CreateSession, SPEAKER_ONLY),
    "joinSession": Action(JoinSession, LISTENER_ONLY),
    "leaveSession": Action(LeaveSession, LISTENER_ONLY),
    "endSession": Action(EndSession, SPEAKER_ONLY),
    "heartbeat": Action(Heartbeat, SPEAKER_ONLY | LISTENER_ONLY),
    "getSessionStatus": Action(GetSessionStatus, SPEAKER_ONLY),
}


# ---- frames of the server


class BroadcastState(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The broadcast as its speaker set it; `version` rises by one with each change."""

    is_active: bool = True
    is_paused: bool = False
    is_muted: bool = False
    volume: float = 1.0
    version: int = 1
    last_state_change: int


class Frame(
    msgspec.Struct, frozen=True, kw_only=True, rename="camel", tag_field="type", omit_defaults=True
):
    """A server frame. `timestamp` is epoch milliseconds; `request_id` echoes the sender's own."""

    timestamp: int
    request_id: str | None = None

    def encode(self) -> bytes:
        return msgspec.json.encode(self)


class SessionCreated(Frame, frozen=True, kw_only=True, tag="sessionCreated"):
    session_id: str
    source_language: str
    quality_tier: str
    connection_id: str
    expires_at: int


class SessionJoined(Frame, frozen=True, kw_only=True, tag="sessionJoined"):
    session_id: str
    target_language: str
    source_language: str
    connection_id: str
    broadcast_state: BroadcastState


class SessionLeft(Frame, frozen=True, kw_only=True, tag="sessionLeft"):
    pass


class SessionEnded(Frame, frozen=True, kw_only=True, tag="sessionEnded"):
    session_id: str
    reason: EndReason


class HeartbeatAck(Frame, frozen=True, kw_only=True, tag="heartbeatAck"):
    pass


class SessionStatus(Frame, frozen=True, kw_only=True, tag="sessionStatus"):
    """`session_duration` is whole seconds; languages without a listener are left out."""

    session_id: str
    listener_count: int
    language_distribution: dict[str, int]
    session_duration: int
    broadcast_state: BroadcastState
    update_reason: UpdateReason


class ErrorFrame(Frame, frozen=True, kw_only=True, tag="error"):
    code: ErrorCode
    message: str
    details: Mapping[str, Any] | None = None


# ---- reading a message


@dataclass(frozen=True)
class Envelope:
    """A message whose size, JSON, action and requestId are sound."""

    action: str
    request_id: str | None
    fields: Mapping[str, Any]


class EnvelopeError(ProtocolError):
    """The envelope was refused; `request_id` is the sender's where it could be read."""

    def __init__(self, code: ErrorCode, message: str, request_id: str | None = None) -> None:
        super().__init__(code, message)
        self.request_id = request_id


def open_envelope(body: str) -> Envelope:
    """Check size, JSON object, action and requestId, in this order.

    Raises EnvelopeError with MESSAGE_TOO_LARGE, INVALID_MESSAGE, MISSING_ACTION, INVALID_ACTION
    or INVALID_PARAMETER (requestId).
    """
    size = len(body.encode(errors="surrogatepass"))
    if size > CONTROL_MESSAGE_LIMIT_BYTES:
        raise EnvelopeError(
            ErrorCode.MESSAGE_TOO_LARGE,
            f"The message has {size} bytes; a control message has at most "
            f"{CONTROL_MESSAGE_LIMIT_BYTES}.",
        )
    try:
        decoded: Any = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise EnvelopeError(
            ErrorCode.INVALID_MESSAGE, f"The message is not JSON that can be read: {error}."
        ) from None
    if not isinstance(decoded, dict):
        raise EnvelopeError(
            ErrorCode.INVALID_MESSAGE,
            'The message is JSON, but not an object; send {"action": ...}.',
        )
    fields = cast(dict[str, Any], decoded)
    request_id = fields.get("requestId")
    sound_request_id = (
        request_id
        if isinstance(request_id, str) and len(request_id) <= REQUEST_ID_LIMIT_CHARACTERS
        else None
    )
    known = ", ".join(sorted(ACTIONS))
    if "action" not in fields:
        raise EnvelopeError(
            ErrorCode.MISSING_ACTION,
            f"The message has no action; it takes one of: {known}.",
            sound_request_id,
        )
    action = fields["action"]
    if not isinstance(action, str) or action not in ACTIONS:
        raise EnvelopeError(
            ErrorCode.INVALID_ACTION,
            f"{clipped(action)} is not an action; it takes one of: {known}.",
            sound_request_id,
        )
    if request_id is not None and sound_request_id is None:
        raise EnvelopeError(
            ErrorCode.INVALID_PARAMETER,
            f"requestId is {clipped(request_id)}; it takes a string of at most "
            f"{REQUEST_ID_LIMIT_CHARACTERS} characters, or is left out.",
        )
    return Envelope(action, sound_request_id, fields)


def read_message(envelope: Envelope, role: Role) -> ClientMessage:
    """Check the sender's role, then the action's parameters.

    Raises ProtocolError with UNAUTHORIZED_ACTION, INVALID_PARAMETER or UNSUPPORTED_LANGUAGE.
    """
    action = ACTIONS[envelope.action]
    if role not in action.roles:
        allowed = " or ".join(sorted(action.roles))
        raise ProtocolError(
            ErrorCode.UNAUTHORIZED_ACTION,
            f"{envelope.action} is for the {allowed}; this connection is a {role}.",
        )
    try:
        message = msgspec.convert(envelope.fields, action.message)
    except msgspec.ValidationError as error:
        raise _invalid_parameter(envelope, str(error)) from None
    if isinstance(message, CreateSession):
        _require_language("sourceLanguage", message.source_language, SOURCE_LANGUAGES)
    elif isinstance(message, JoinSession):
        _require_language("targetLanguage", message.target_language, TARGET_LANGUAGES)
    return message


def _invalid_parameter(envelope: Envelope, rule: str) -> ProtocolError:
    named = re.search(r"field `(\w+)`|at `\$\.(\w+)", rule)
    parameter = next((name for name in named.groups() if name), None) if named else None
    if parameter is not None and (choices := _choices(envelope.action, parameter)):
        rule = f"{rule}; it takes one of: {', '.join(choices)}"
    details: dict[str, Any] = {"rule": rule}
    if parameter is not None:
        details["parameter"] = parameter
        if parameter in envelope.fields:
            details["value"] = _shown(envelope.fields[parameter])
    return ProtocolError(ErrorCode.INVALID_PARAMETER, f"{envelope.action}: {rule}.", details)


def _choices(action: str, parameter: str) -> tuple[str, ...]:
    """The values of a parameter that takes one of a few."""
    for field in msgspec.structs.fields(ACTIONS[action].message):
        if field.encode_name == parameter and get_origin(field.type) is Literal:
            return get_args(field.type)
    return ()


def _shown(value: object) -> object:
    """A value as details may carry it: plain where it is short and plain."""
    if isinstance(value, str) and len(value) <= VALUE_LIMIT_CHARACTERS:
        return value
    return value if isinstance(value, bool | int | float | None) else clipped(value)


def _require_language(parameter: str, code: str, allowed: frozenset[str]) -> None:
    if code not in allowed:
        raise ProtocolError(
            ErrorCode.UNSUPPORTED_LANGUAGE,
            f"{parameter} is {clipped(code)}, which is not supported; details list what is.",
            {"parameter": parameter, "value": code, "supported": sorted(allowed)},
        )


def clipped(value: object) -> str:
    """The value as JSON text for an error message, cut so that no input can blow a frame up."""
    try:
        text = msgspec.json.encode(value).decode()
    except (OverflowError, RecursionError, UnicodeError):
        text = f"a value of type {type(value).__name__}"
    if len(text) <= VALUE_LIMIT_CHARACTERS:
        return text
    return text[: VALUE_LIMIT_CHARACTERS - 1] + "…"
