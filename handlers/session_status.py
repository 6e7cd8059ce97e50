"""The session's status: when the speaker asks, and to every live session's speaker each tick."""

import time
from collections.abc import Mapping
from typing import Any

import msgspec
from botocore.exceptions import BotoCoreError, ClientError, ConnectTimeoutError, ReadTimeoutError

from live_sessions import clients, environment
from live_sessions.connection_table import ConnectionTable
from live_sessions.environment import SessionStatusEnvironment
from live_sessions.follow_ups import AnyCheck, ExpiryCheck, SessionChecks, SpeakerLostCheck
from live_sessions.gateway import Request, answer_message
from live_sessions.protocol import ErrorCode, Frame, ProtocolError, UpdateReason
from live_sessions.refusals import connection_not_found, session_ended, session_not_found
from live_sessions.session_table import SessionTable
from live_sessions.sessions import Session, now_ms, periodic_status_is_due, status_frame
from live_sessions.sockets import DeliveryReport, Sockets
from live_sessions.telemetry import count, logger
from live_sessions.ticks import ShardQueue, Tick, TickMessage

TIME_RESERVE_SECONDS = 1

ENVIRONMENT = environment.read(SessionStatusEnvironment)
QUERY_TIMEOUT_SECONDS = ENVIRONMENT.status_query_timeout_ms / 1000
DYNAMODB = clients.dynamodb()
SESSIONS = SessionTable(DYNAMODB, ENVIRONMENT.sessions_table)
HURRIED = clients.hurried_dynamodb(QUERY_TIMEOUT_SECONDS)
HURRIED_SESSIONS = SessionTable(HURRIED, ENVIRONMENT.sessions_table)
HURRIED_CONNECTIONS = ConnectionTable(HURRIED, ENVIRONMENT.connections_table)
SOCKETS = Sockets.at(ENVIRONMENT.api_gateway_endpoint)


def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """getSessionStatus, a tick of the rule, or records of the delay and shard queues."""
    if "requestContext" in event:
        return answer_message(event, {"getSessionStatus": get_session_status})
    if "Records" in event:
        messages = [
            msgspec.json.decode(record["body"], type=TickMessage) for record in event["Records"]
        ]
    else:
        messages = [msgspec.convert(event, TickMessage)]
    until_seconds = (
        time.monotonic() + context.get_remaining_time_in_millis() / 1000 - TIME_RESERVE_SECONDS
    )
    for message in messages:
        beat(message, until_seconds)
    return {"statusCode": 200}


def get_session_status(request: Request) -> Frame:
    """Two reads whatever the number of listeners, and one write that resets the timer."""
    try:
        session = _session_in_time(request)
    except (ConnectTimeoutError, ReadTimeoutError):
        raise _status_timeout() from None
    try:
        SESSIONS.note_status_request(session.session_id, at_ms=request.at_ms)
    except (ClientError, BotoCoreError):
        logger.exception("The periodic timer was not reset")
    return status_frame(session, UpdateReason.REQUESTED, now_ms(), request.request_id)


def _session_in_time(request: Request) -> Session:
    began_seconds = time.monotonic()
    connection = HURRIED_CONNECTIONS.get(request.caller.connection_id, at_ms=request.at_ms)
    if connection is None or connection.session_id is None:
        raise connection_not_found()
    session = HURRIED_SESSIONS.get(connection.session_id)
    if time.monotonic() - began_seconds > QUERY_TIMEOUT_SECONDS:
        raise _status_timeout()
    if session is None:
        raise session_not_found(connection.session_id)
    if not session.is_live(request.at_ms):
        raise session_ended(session.session_id)
    return session


def _status_timeout() -> ProtocolError:
    return ProtocolError(
        ErrorCode.STATUS_TIMEOUT,
        f"The status took longer than {ENVIRONMENT.status_query_timeout_ms} ms; ask again.",
    )


def beat(message: TickMessage, until_seconds: float) -> None:
    """Hand a tick out to its shards, or serve one shard; drop what is older than an interval."""
    if message.tick.is_stale(now_ms(), ENVIRONMENT.periodic_update_interval_seconds):
        count(TicksDropped=1)
        logger.warning("A tick came too late", extra={"shard": message.shard})
    elif message.shard is None:
        hand_out(message.tick)
    else:
        push_to_shard(message.shard, until_seconds)


def hand_out(tick: Tick) -> None:
    queue = ShardQueue(clients.sqs(), ENVIRONMENT.status_shard_queue_url)
    refusals = queue.hand_out(tick, ENVIRONMENT.status_shards)
    count(Ticks=1, ShardsRefused=len(refusals))
    logger.info("tick", extra={"offset_seconds": tick.offset_seconds, "refused": refusals})


def push_to_shard(shard: int, until_seconds: float) -> None:
    """Post its status to the speaker of each due session of the shard."""
    at_ms = now_ms()
    sessions = list(SESSIONS.active_in_shard(shard))
    due = {
        session.speaker_connection_id: session
        for session in sessions
        if periodic_status_is_due(session, at_ms, ENVIRONMENT.periodic_update_interval_seconds)
    }
    frames = {
        connection_id: status_frame(session, UpdateReason.PERIODIC, at_ms).encode()
        for connection_id, session in due.items()
    }
    report = SOCKETS.post_all(frames, until_seconds=until_seconds)
    lost = [
        SpeakerLostCheck(session_id=due[gone].session_id, connection_id=gone)
        for gone in report.gone
    ]
    expired = [
        ExpiryCheck(session_id=session.session_id)
        for session in sessions
        if session.ended_at is None and session.has_expired(at_ms)
    ]
    send_checks(lost, expired)
    _report(shard, report, len(expired))


def send_checks(lost: list[SpeakerLostCheck], expired: list[ExpiryCheck]) -> None:
    """What a tick finds dead it leaves to the session checks; it writes nothing itself."""
    checks = SessionChecks(clients.sqs(), ENVIRONMENT.session_checks_queue_url)
    delayed: list[tuple[AnyCheck, int]] = [
        *((check, ENVIRONMENT.speaker_grace_seconds) for check in lost),
        *((check, 0) for check in expired),
    ]
    for check, delay_seconds in delayed:
        checks.send(check, delay_seconds=delay_seconds)


def _report(shard: int, report: DeliveryReport, expired: int) -> None:
    count(
        StatusPushes=len(report.delivered),
        StatusPushesFailed=len(report.failed),
        StatusPushesOutOfTime=len(report.untried),
        SpeakersGone=len(report.gone),
        SessionsExpired=expired,
    )
    logger.info(
        "shard",
        extra={
            "shard": shard,
            "delivered": len(report.delivered),
            "gone": len(report.gone),
            "failed": len(report.failed),
            "untried": len(report.untried),
            "expired": expired,
        },
    )
