"""From API Gateway's event to a typed message and back to a frame; the one outermost guard."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from live_sessions.aws.outages import is_outage
from live_sessions.caller import Caller
from live_sessions.posts.sockets import Sockets
from live_sessions.protocol import (
    CONTROL_MESSAGES,
    ClientMessage,
    Envelope,
    EnvelopeError,
    ErrorCode,
    ErrorFrame,
    Frame,
    ProtocolError,
    SizeLimit,
    open_envelope,
    read_message,
)
from live_sessions.protocol.refusals import try_again
from live_sessions.sessions import now_ms
from live_sessions.telemetry import count, hashed, logger, took


@dataclass(frozen=True)
class Request:
    """One message of a client, checked; `at_ms` is when it arrived."""

    caller: Caller
    message: ClientMessage
    at_ms: int
    request_id: str | None


Reply = TypeVar("Reply", bound=Frame | None)
Answer = Callable[[Request], Frame]
SilentAnswer = Callable[[Request], None]


def answer_message(
    event: Mapping[str, Any],
    answers: Mapping[str, Answer],
    timed: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Answer a MESSAGE event with a frame, whatever happens: `{statusCode, body}`.

    `timed`: each timed action's metric; its time begins when API Gateway takes the message.
    """
    frame = _carry_out(event, answers, CONTROL_MESSAGES, timed or {})
    return {"statusCode": 200, "body": frame.encode().decode()}


def refuse_by_post(
    event: Mapping[str, Any],
    answers: Mapping[str, SilentAnswer],
    sockets: Sockets,
    size_limit: SizeLimit,
) -> dict[str, Any]:
    """Carry out a MESSAGE event of a route that has no reply: a refusal is posted."""
    frame = _carry_out(event, answers, size_limit, {})
    if frame is not None:
        sockets.post(event["requestContext"]["connectionId"], frame.encode())
    return {"statusCode": 200}


def _carry_out(
    event: Mapping[str, Any],
    answers: Mapping[str, Callable[[Request], Reply]],
    size_limit: SizeLimit,
    timed: Mapping[str, str],
) -> Reply | ErrorFrame:
    """What the sender is told, if anything.

    Refusals become error frames with their code, failing AWS calls SERVICE_UNAVAILABLE, and the
    unexpected INTERNAL_ERROR without a word of its inside. Refusals are not timed: they are quick.
    """
    # Its own time may lie well before this function's start.
    at_ms = int(event["requestContext"].get("requestTimeEpoch") or now_ms())
    request_id: str | None = None
    action: str | None = None
    caller: Caller | None = None
    is_refused = False
    try:
        envelope = _envelope_for(event, answers, size_limit)
        request_id, action = envelope.request_id, envelope.action
        caller = Caller.of(event)
        message = read_message(envelope, caller.role)
        frame = answers[action](Request(caller, message, at_ms, request_id))
    except EnvelopeError as refusal:
        is_refused = True
        frame = _error_frame(refusal, refusal.request_id)
    except ProtocolError as refusal:
        is_refused = True
        frame = _error_frame(refusal, request_id)
    except Exception as failure:
        unavailable = is_outage(failure)
        logger.exception(
            "An AWS service failed" if unavailable else "The message could not be handled",
            extra={"action": action},
        )
        count(ServicesUnavailable=unavailable, InternalErrors=not unavailable)
        frame = _error_frame(try_again() if unavailable else _internal(), request_id)
    logger.info(
        "message",
        extra={
            "action": action,
            "connection": hashed(event["requestContext"]["connectionId"]),
            "role": caller.role if caller else None,
            "answer": _name_of(frame),
        },
    )
    if not is_refused and action is not None and action in timed:
        took(**{timed[action]: now_ms() - at_ms})
    return frame


def _name_of(frame: Frame | None) -> str | None:
    if isinstance(frame, ErrorFrame):
        return frame.code
    return None if frame is None else type(frame).__name__


def _envelope_for(
    event: Mapping[str, Any], answers: Mapping[str, object], size_limit: SizeLimit
) -> Envelope:
    envelope = open_envelope(event.get("body") or "", size_limit)
    if envelope.action != event["requestContext"]["routeKey"] or envelope.action not in answers:
        # An action whose route was removed comes by $default. And a duplicated "action" key can
        # route a message by one value and be read as the other.
        raise EnvelopeError(
            ErrorCode.INVALID_ACTION,
            f"{envelope.action} did not arrive on its own route: it is not deployed or"
            " switched off, or the message holds two actions; send one action per message.",
            envelope.request_id,
        )
    return envelope


def _internal() -> ProtocolError:
    return ProtocolError(ErrorCode.INTERNAL_ERROR, "Something went wrong on our side.")


def _error_frame(refusal: ProtocolError, request_id: str | None) -> ErrorFrame:
    return ErrorFrame(
        timestamp=now_ms(),
        request_id=request_id,
        code=refusal.code,
        message=refusal.message,
        details=refusal.details,
    )
