"""What happens after a socket closed, and the delayed checks on a session's end."""

from collections.abc import Mapping
from typing import Any

import msgspec

from live_sessions import environment
from live_sessions.aws import clients
from live_sessions.broadcast import Broadcast
from live_sessions.environment import DisconnectEnvironment
from live_sessions.follow_ups import (
    AnyCheck,
    BroadcastCheck,
    ExpiryCheck,
    FanOut,
    OperatorEndCheck,
    SecondPassCheck,
    SessionChecks,
    SpeakerLostCheck,
)
from live_sessions.lifecycle import Ending, lose_speaker
from live_sessions.membership import Membership
from live_sessions.posts.sockets import Sockets
from live_sessions.protocol import EndReason, Role
from live_sessions.sessions import Session, now_ms
from live_sessions.status.event_status import EventStatus
from live_sessions.tables.connection_table import ConnectionTable
from live_sessions.tables.session_table import SessionTable
from live_sessions.telemetry import hashed, logger

ENVIRONMENT = environment.read(DisconnectEnvironment)
DYNAMODB = clients.dynamodb()
SESSIONS = SessionTable(DYNAMODB, ENVIRONMENT.sessions_table)
CONNECTIONS = ConnectionTable(DYNAMODB, ENVIRONMENT.connections_table)
MEMBERSHIP = Membership(SESSIONS, CONNECTIONS)
CHECKS = SessionChecks(clients.sqs, ENVIRONMENT.session_checks_queue_url)
FAN_OUT = FanOut(clients.lambda_, ENVIRONMENT.fan_out_function)
ENDING = Ending(SESSIONS, CONNECTIONS, FAN_OUT, CHECKS)
BROADCAST = Broadcast(SESSIONS, CONNECTIONS, FAN_OUT, CHECKS)
EVENT_STATUS = EventStatus(
    SESSIONS,
    Sockets.at(ENVIRONMENT.api_gateway_endpoint),
    ENVIRONMENT.listener_count_change_threshold_percent,
)


def handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    """`$disconnect`, or records of the session-checks queue."""
    if "Records" in event:
        for record in event["Records"]:
            check(msgspec.json.decode(record["body"], type=AnyCheck))
    elif event["requestContext"]["eventType"] == "DISCONNECT":
        disconnect(event["requestContext"]["connectionId"])
    return {"statusCode": 200}


def disconnect(connection_id: str) -> None:
    """Remove the socket's row, and with it a listener's place or a speaker's hold.

    Delivered twice, the second finds no row and changes nothing.
    """
    at_ms = now_ms()
    removed = CONNECTIONS.remove(connection_id).row
    logger.info(
        "disconnected",
        extra={
            "connection": hashed(connection_id),
            "role": removed.role if removed else None,
            "session": removed.session_id if removed else None,
        },
    )
    if removed is None:
        return
    if removed.role is Role.SPEAKER:
        lose_speaker(
            removed,
            sessions=SESSIONS,
            checks=CHECKS,
            grace_seconds=ENVIRONMENT.speaker_grace_seconds,
            at_ms=at_ms,
        )
        return
    session = MEMBERSHIP.release(removed)
    if session is not None:
        EVENT_STATUS.tell_count(session)


def check(due: AnyCheck) -> None:
    """Carry out one delayed check; a check that comes twice changes nothing the second time."""
    at_ms = now_ms()
    ended = None
    match due:
        case SpeakerLostCheck():
            ended = ENDING.end(
                due.session_id,
                EndReason.SPEAKER_LOST,
                at_ms=at_ms,
                speaker_connection_id=due.connection_id,
            )
        case OperatorEndCheck():
            ended = ENDING.end(due.session_id, EndReason.OPERATOR, at_ms=at_ms)
        case ExpiryCheck():
            ended = end_if_expired(due.session_id, at_ms)
        case BroadcastCheck():
            tell_broadcast_state(due, at_ms)
        case SecondPassCheck():
            pass
    if ended is None and not isinstance(due, BroadcastCheck):
        # The second pass; or an end that was cut short, and whose check has come again.
        tell_again(due.session_id)
    logger.info(
        "checked",
        extra={"check": type(due).__name__, "session": due.session_id, "ended": ended is not None},
    )


def end_if_expired(session_id: str, at_ms: int) -> Session | None:
    session = SESSIONS.get(session_id)
    if session is None or not session.has_expired(at_ms):
        return None
    return ENDING.end(session_id, EndReason.EXPIRED, at_ms=at_ms)


def tell_again(session_id: str) -> None:
    """Tell those whom the first pass of a session's end did not see."""
    session = SESSIONS.get(session_id)
    if session is not None and session.ended_at is not None and session.active_shard is not None:
        ENDING.start_fan_out(session)


def tell_broadcast_state(due: BroadcastCheck, at_ms: int) -> None:
    """Tell the state again, unless a later control has told a newer one."""
    session = SESSIONS.get(due.session_id)
    if (
        session is not None
        and session.is_live(at_ms)
        and session.broadcast_state.version == due.version
    ):
        BROADCAST.tell_state(session)
