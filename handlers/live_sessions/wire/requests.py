"""From API Gateway's event to a checked request, and from its answer to a frame.

The first check that fails answers, in this order: size, JSON object, action, requestId, role,
parameters, rate; membership and state are checked by the answers themselves. Here is the one
outermost guard: no unhandled exception reaches a client.
"""

import ipaddress
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, Literal, Self, TypeVar, cast, get_args, get_origin

import msgspec

from contract import metrics
from contract.actions import ACTIONS, Action, Rate, Role, answered_by
from contract.languages import SOURCE_LANGUAGES, TARGET_LANGUAGES
from live_sessions.aws.retries import is_outage
from live_sessions.aws.runtime import Clock, emit, hashed, logger
from live_sessions.wire.frames import ErrorFrame, Frame
from live_sessions.wire.messages import PASSCODE, REQUEST_ID_LIMIT_CHARACTERS, ClientMessage
from live_sessions.wire.refusals import ErrorCode, ProtocolError, try_again
from live_sessions.wire.sockets import Sockets

if TYPE_CHECKING:
    # It imports botocore, which the heartbeat function does without.
    from live_sessions.wire.rate_limits import RateLimits

Message = TypeVar("Message", bound=ClientMessage)

IPV6_SITE_BITS = 64
"""A client may use any address of its site, so a /64 counts as one address."""

IPV6_NETWORK_BITS = 48
"""What one subscriber may be given at most (https://www.rfc-editor.org/rfc/rfc6177#section-2):
65,536 times as many sites to guess from. What is counted for a /48 is counted for its /64s too.
"""

VALUE_LIMIT_CHARACTERS = 64
RULE_LIMIT_CHARACTERS = 512
"""A rule may quote a key of the client."""

LANGUAGES: Mapping[str, frozenset[str]] = {
    "sourceLanguage": SOURCE_LANGUAGES,
    "targetLanguage": TARGET_LANGUAGES,
    "language": TARGET_LANGUAGES,
}
"""The languages that each parameter may name."""


@dataclass(frozen=True)
class SizeLimit:
    """The most bytes of a message; a larger one is refused with `code`, and `rule` in the text."""

    limit_bytes: int
    code: ErrorCode
    rule: str


CONTROL_MESSAGES = SizeLimit(4096, ErrorCode.MESSAGE_TOO_LARGE, "a control message has at most")
AUDIO_MESSAGES = SizeLimit(
    # A browser sends a message as one frame, and API Gateway accepts no larger frame.
    32 * 1024,
    ErrorCode.AUDIO_TOO_LARGE,
    "an audio message, whose audio is base64 text of at most 24000 bytes, has at most",
)
"""https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-execution-service-websocket-limits-table.html"""


@dataclass(frozen=True)
class Envelope:
    """A message whose size, JSON, action and requestId have been checked."""

    action: str
    request_id: str | None
    fields: Mapping[str, Any]


class EnvelopeError(ProtocolError):
    """The envelope was refused; `request_id` is the sender's, if it could be read."""

    def __init__(self, code: ErrorCode, message: str, request_id: str | None = None) -> None:
        super().__init__(code, message)
        self.request_id = request_id


def open_envelope(
    body: str,
    size_limit: SizeLimit = CONTROL_MESSAGES,
    carried: Collection[str] = ACTIONS.keys(),
) -> Envelope:
    """Check size, JSON object, action and requestId, in this order.

    `carried` are the actions that may arrive on the message's route. Raises EnvelopeError with
    MESSAGE_TOO_LARGE or AUDIO_TOO_LARGE, INVALID_MESSAGE, MISSING_ACTION, INVALID_ACTION or
    INVALID_PARAMETER (requestId).
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
    valid_request_id = (
        request_id
        if isinstance(request_id, str) and len(request_id) <= REQUEST_ID_LIMIT_CHARACTERS
        else None
    )
    known = ", ".join(sorted(ACTIONS))
    if "action" not in fields:
        raise EnvelopeError(
            ErrorCode.MISSING_ACTION,
            f"The message has no action; it takes one of: {known}.",
            valid_request_id,
        )
    action = fields["action"]
    if not isinstance(action, str) or action not in ACTIONS:
        raise EnvelopeError(
            ErrorCode.INVALID_ACTION,
            f"{clipped(action)} is not an action; it takes one of: {known}.",
            valid_request_id,
        )
    if action not in carried:
        raise EnvelopeError(
            ErrorCode.INVALID_ACTION,
            f"{action} is switched off or not deployed, or the message holds two actions; send one"
            " action per message.",
            valid_request_id,
        )
    if request_id is not None and valid_request_id is None:
        raise EnvelopeError(
            ErrorCode.INVALID_PARAMETER,
            f"requestId is {clipped(request_id)}; it takes a string of at most "
            f"{REQUEST_ID_LIMIT_CHARACTERS} characters, or is left out.",
        )
    return Envelope(action, valid_request_id, fields)


def read_message(envelope: Envelope, message_type: type[Message]) -> Message:
    """Check the action's parameters, and replace a tag by the language found for it, except in
    `sourceLanguage`, whose tag names the accent too.

    Raises ProtocolError with INVALID_PARAMETER or UNSUPPORTED_LANGUAGE.
    """
    try:
        message = msgspec.convert(envelope.fields, message_type)
    except msgspec.ValidationError as error:
        raise _invalid_parameter(envelope, message_type, str(error)) from None
    return _with_languages(envelope, message)


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
        if parameter in envelope.fields and parameter != PASSCODE:
            details["value"] = _shown(envelope.fields[parameter])
    return ProtocolError(ErrorCode.INVALID_PARAMETER, f"{envelope.action}: {rule}.", details)


def _choices(message_type: type[ClientMessage], parameter: str) -> tuple[str, ...]:
    """The values of a parameter that accepts one of a few."""
    for field in msgspec.structs.fields(message_type):
        if field.encode_name == parameter and get_origin(field.type) is Literal:
            return get_args(field.type)
    return ()


def _shown(value: object) -> object:
    """A value for an error's details: itself if it is short and plain, else its clipped JSON."""
    if isinstance(value, str) and len(value) <= VALUE_LIMIT_CHARACTERS:
        return value
    is_plain = value is None or isinstance(value, bool | float)
    is_small = isinstance(value, int) and abs(value) < 2**63
    return value if is_plain or is_small else clipped(value)


def _with_languages(envelope: Envelope, message: Message) -> Message:
    for field in msgspec.structs.fields(type(message)):
        supported = LANGUAGES.get(field.encode_name)
        if supported is None:
            continue
        tag: str | msgspec.UnsetType = getattr(message, field.name)
        if tag is msgspec.UNSET:
            continue
        found = _looked_up(envelope, type(message), field.encode_name, tag, supported)
        if field.encode_name != "sourceLanguage":
            message = msgspec.structs.replace(message, **{field.name: found})
    return message


def _looked_up(
    envelope: Envelope,
    message_type: type[ClientMessage],
    parameter: str,
    tag: str,
    supported: frozenset[str],
) -> str:
    # The heartbeat function, among others, does without it.
    from live_sessions.wire.language_tags import MalformedTag, looked_up

    try:
        found = looked_up(tag, supported)
    except MalformedTag:
        rule = f"Expected a language tag, such as `pt-BR` - at `$.{parameter}`"
        raise _invalid_parameter(envelope, message_type, rule) from None
    if found is None:
        raise ProtocolError(
            ErrorCode.UNSUPPORTED_LANGUAGE,
            f"{parameter} is {clipped(tag)}, which is not supported; details list what is.",
            {"parameter": parameter, "value": tag, "supported": sorted(supported)},
        )
    return found


def clipped(value: object) -> str:
    """The value as JSON text for an error message, cut to VALUE_LIMIT_CHARACTERS."""
    try:
        text = msgspec.json.encode(value).decode()
    except (OverflowError, RecursionError, UnicodeError):
        text = f"a value of type {type(value).__name__}"
    if len(text) <= VALUE_LIMIT_CHARACTERS:
        return text
    return text[: VALUE_LIMIT_CHARACTERS - 1] + "…"


@dataclass(frozen=True)
class Caller:
    """Who sent the event, as the authorizer verified at the handshake.

    `connected_at` is epoch milliseconds, `address` the client's IP address.
    """

    connection_id: str
    role: Role
    user_id: str | None
    connected_at: int
    address: str

    @classmethod
    def of(cls, event: Mapping[str, Any]) -> Self:
        """The event's sender; raises KeyError or ValueError for an event without authorizer."""
        context = event["requestContext"]
        authorizer = context["authorizer"]
        return cls(
            connection_id=context["connectionId"],
            role=Role(authorizer["role"]),
            user_id=authorizer.get("userId") or None,
            connected_at=int(context["connectedAt"]),
            address=context["identity"]["sourceIp"],
        )

    def subject_of(self, rate: Rate) -> str:
        """Whose messages a rate counts: this user's, this address's or this connection's.

        Raises ValueError for the one that counts a session's.
        """
        match rate:
            case Rate.SESSIONS | Rate.STATUS_QUERIES:
                return self.user_id or ""
            case Rate.JOINS | Rate.CONNECTIONS:
                return site_of(self.address)
            case Rate.ADDRESS_MISSES:
                return site_of(self.address, IPV6_NETWORK_BITS)
            case Rate.CONTROLS:
                return self.connection_id
            case Rate.SESSION_MISSES:
                raise ValueError(f"{rate} is not the caller's")


@dataclass(frozen=True)
class Request(Generic[Message]):
    """One message of a client, checked; `at_ms` is when it arrived (epoch milliseconds)."""

    caller: Caller
    message: Message
    at_ms: int
    request_id: str | None


@dataclass(frozen=True)
class Answer(Generic[Message]):
    """How an action is carried out: its message type, and what to do with the request.

    `carry_out` returns the reply, or None on a route without replies, and raises ProtocolError to
    refuse.
    """

    message: type[Message]
    carry_out: Callable[[Request[Message]], Frame | None]


Answers = Mapping[str, Mapping[Role, Answer[Any]]]
"""For each action, the answer to each role that may send it."""


@dataclass(frozen=True, kw_only=True)
class MessageHandler:
    """Answers the MESSAGE events of one function with `{statusCode, body}`.

    `function` is the entry module: `answers` must have each of its actions. `rate_limits` is needed
    if one of these has a rate. `refusals` is where the refusals of a route without replies are
    posted. `on_connect` handles CONNECT events, where the function has the `$connect` route, and
    `on_other` the events that are not API Gateway's.
    """

    function: str
    answers: Answers
    clock: Clock
    rate_limits: "RateLimits | None" = None
    size_limit: SizeLimit = CONTROL_MESSAGES
    refusals: Sockets | None = None
    on_connect: Callable[[Mapping[str, Any]], dict[str, Any]] | None = None
    on_other: Callable[[Mapping[str, Any], Any], dict[str, Any]] | None = None

    def __post_init__(self) -> None:
        actions = answered_by(self.function)
        wanted = {action.name: set(action.roles) for action in actions}
        given = {name: set(roles) for name, roles in self.answers.items()}
        if given != wanted:
            raise ValueError(f"{self.function} must answer {wanted}, not {given}")
        if self.rate_limits is None and any(action.rates for action in actions):
            raise ValueError(f"{self.function} has actions with rates, but no rate limits")

    def __call__(self, event: Mapping[str, Any], context: object = None) -> dict[str, Any]:
        """Answer one event, whatever happens.

        A ProtocolError becomes an error frame, a failed AWS call SERVICE_UNAVAILABLE, and anything
        unexpected INTERNAL_ERROR without inner details. Refusals are quick, so they are not timed.
        """
        if self.on_other is not None and "requestContext" not in event:
            return self.on_other(event, context)
        if self.on_connect is not None and event["requestContext"]["eventType"] == "CONNECT":
            return self.on_connect(event)
        # API Gateway's time of arrival: a cold start lies between it and now.
        at_ms = int(event["requestContext"].get("requestTimeEpoch") or self.clock.now_ms())
        request_id: str | None = None
        action: Action | None = None
        role: Role | None = None
        is_refused = False
        try:
            envelope = self._open(event)
            request_id, action = envelope.request_id, ACTIONS[envelope.action]
            caller = Caller.of(event)
            role = caller.role
            answer = self._answer_to(action, role)
            message = read_message(envelope, answer.message)
            self._require_rates(action, caller, at_ms)
            frame = answer.carry_out(Request(caller, message, at_ms, request_id))
        except ProtocolError as refusal:
            is_refused = True
            if isinstance(refusal, EnvelopeError):
                request_id = refusal.request_id
            frame = self._error_frame(refusal, request_id)
        except Exception as failure:
            unavailable = is_outage(failure)
            logger.exception(
                "An AWS service failed" if unavailable else "The message could not be handled",
                extra={"action": action and action.name},
            )
            emit(
                {
                    metrics.SERVICES_UNAVAILABLE: unavailable,
                    metrics.INTERNAL_ERRORS: not unavailable,
                }
            )
            frame = self._error_frame(try_again() if unavailable else _internal(), request_id)
        logger.info(
            "message",
            extra={
                "action": action and action.name,
                "connection": hashed(event["requestContext"]["connectionId"]),
                "role": role,
                "answer": _name_of(frame),
            },
        )
        if not is_refused and action is not None and action.duration is not None:
            emit({action.duration: self.clock.now_ms() - at_ms})
        return self._respond(event, frame)

    def _open(self, event: Mapping[str, Any]) -> Envelope:
        # Removed routes and $default carry no action. And a duplicated "action" key can route a
        # message by one value while JSON parsers read the other.
        route_key = event["requestContext"]["routeKey"]
        carried = [route_key] if route_key in self.answers else []
        return open_envelope(event.get("body") or "", self.size_limit, carried)

    def _answer_to(self, action: Action, role: Role) -> Answer[Any]:
        if role not in action.roles:
            allowed = " or ".join(sorted(action.roles))
            raise ProtocolError(
                ErrorCode.UNAUTHORIZED_ACTION,
                f"{action.name} is for the {allowed}; this connection is a {role}.",
            )
        return self.answers[action.name][role]

    def _require_rates(self, action: Action, caller: Caller, at_ms: int) -> None:
        if self.rate_limits is not None:
            for rate in action.rates:
                self.rate_limits.require(rate, caller.subject_of(rate), at_ms=at_ms)

    def _error_frame(self, refusal: ProtocolError, request_id: str | None) -> ErrorFrame:
        return ErrorFrame(
            timestamp=self.clock.now_ms(),
            request_id=request_id,
            code=refusal.code,
            message=refusal.message,
            details=refusal.details,
        )

    def _respond(self, event: Mapping[str, Any], frame: Frame | None) -> dict[str, Any]:
        if self.refusals is None:
            return {"statusCode": 200, "body": msgspec.json.encode(frame).decode()}
        if frame is not None:
            self.refusals.post(event["requestContext"]["connectionId"], frame)
        return {"statusCode": 200}


def _name_of(frame: Frame | None) -> str | None:
    if isinstance(frame, ErrorFrame):
        return frame.code
    return None if frame is None else type(frame).__name__


def _internal() -> ProtocolError:
    return ProtocolError(ErrorCode.INTERNAL_ERROR, "Something went wrong on our side.")


def site_of(address: str, ipv6_bits: int = IPV6_SITE_BITS) -> str:
    """What an address is counted as: an IPv4 address itself, an IPv6 address's prefix."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv4Address):
        return address
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((parsed, ipv6_bits), strict=False))
