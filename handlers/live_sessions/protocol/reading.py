"""Reading a message: each check in its order, the first that fails answers."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast, get_args, get_origin

import msgspec

from live_sessions.languages import SOURCE_LANGUAGES, TARGET_LANGUAGES
from live_sessions.protocol.actions import ACTIONS
from live_sessions.protocol.errors import ErrorCode, ProtocolError
from live_sessions.protocol.messages import ClientMessage, Role

REQUEST_ID_LIMIT_CHARACTERS = 64
VALUE_LIMIT_CHARACTERS = 64
RULE_LIMIT_CHARACTERS = 512
"""A rule may quote a client's own key."""

LANGUAGES: Mapping[str, frozenset[str]] = {
    "sourceLanguage": SOURCE_LANGUAGES,
    "targetLanguage": TARGET_LANGUAGES,
}
"""The languages that each parameter takes."""


@dataclass(frozen=True)
class SizeLimit:
    """The most bytes that a message may have, and how one that has more is refused."""

    limit_bytes: int
    code: ErrorCode
    rule: str


CONTROL_MESSAGES = SizeLimit(4096, ErrorCode.MESSAGE_TOO_LARGE, "a control message has at most")
AUDIO_MESSAGES = SizeLimit(
    # A browser sends a message as one frame, of which API Gateway takes no larger one.
    32 * 1024,
    ErrorCode.AUDIO_TOO_LARGE,
    "an audio message, whose audio is base64 text of at most 24000 bytes, has at most",
)
"""https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-execution-service-websocket-limits-table.html"""


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


def open_envelope(body: str, size_limit: SizeLimit = CONTROL_MESSAGES) -> Envelope:
    """Check size, JSON object, action and requestId, in this order.

    Raises EnvelopeError with MESSAGE_TOO_LARGE or AUDIO_TOO_LARGE, INVALID_MESSAGE,
    MISSING_ACTION, INVALID_ACTION or INVALID_PARAMETER (requestId).
    """
    size = len(body.encode(errors="surrogatepass"))
    if size > size_limit.limit_bytes:
        raise EnvelopeError(
            size_limit.code,
            f"The message has {size} bytes; {size_limit.rule} {size_limit.limit_bytes}.",
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
    message_type = _message_type(envelope.action, role)
    try:
        message = msgspec.convert(envelope.fields, message_type)
    except msgspec.ValidationError as error:
        raise _invalid_parameter(envelope, message_type, str(error)) from None
    _require_languages(message)
    return message


def _message_type(action: str, role: Role) -> type[ClientMessage]:
    messages = ACTIONS[action].messages
    if role not in messages:
        allowed = " or ".join(sorted(messages))
        raise ProtocolError(
            ErrorCode.UNAUTHORIZED_ACTION,
            f"{action} is for the {allowed}; this connection is a {role}.",
        )
    return messages[role]


def _invalid_parameter(
    envelope: Envelope, message_type: type[ClientMessage], rule: str
) -> ProtocolError:
    named = re.search(r"at `\$\.(\w+)[^`]*`$", rule) or re.search(r"field `(\w+)`$", rule)
    parameter = named.group(1) if named else None
    if parameter is not None and (choices := _choices(message_type, parameter)):
        rule = f"{rule}; it takes one of: {', '.join(choices)}"
    rule = rule[:RULE_LIMIT_CHARACTERS]
    details: dict[str, Any] = {"rule": rule}
    if parameter is not None:
        details["parameter"] = parameter
        if parameter in envelope.fields:
            details["value"] = _shown(envelope.fields[parameter])
    return ProtocolError(ErrorCode.INVALID_PARAMETER, f"{envelope.action}: {rule}.", details)


def _choices(message_type: type[ClientMessage], parameter: str) -> tuple[str, ...]:
    """The values of a parameter that takes one of a few."""
    for field in msgspec.structs.fields(message_type):
        if field.encode_name == parameter and get_origin(field.type) is Literal:
            return get_args(field.type)
    return ()


def _shown(value: object) -> object:
    """A value as details may carry it: plain where it is short and plain."""
    if isinstance(value, str) and len(value) <= VALUE_LIMIT_CHARACTERS:
        return value
    is_plain = value is None or isinstance(value, bool | float)
    is_small = isinstance(value, int) and abs(value) < 2**63
    return value if is_plain or is_small else clipped(value)


def _require_languages(message: ClientMessage) -> None:
    for field in msgspec.structs.fields(type(message)):
        allowed = LANGUAGES.get(field.encode_name)
        if allowed is None:
            continue
        code: str = getattr(message, field.name)
        if code not in allowed:
            raise ProtocolError(
                ErrorCode.UNSUPPORTED_LANGUAGE,
                f"{field.encode_name} is {clipped(code)}, which is not supported; "
                "details list what is.",
                {"parameter": field.encode_name, "value": code, "supported": sorted(allowed)},
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
