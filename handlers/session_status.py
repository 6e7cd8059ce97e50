"""The session's status: when the speaker asks, and to every live session's speaker each tick."""

import math
import time
from collections.abc import Mapping
from typing import Any

import msgspec
from botocore.exceptions import BotoCoreError, ClientError, ConnectTimeoutError, ReadTimeoutError

from live_sessions import environment
from live_sessions.answers.gateway import Request, answer_message
from live_sessions.aws import clients
from live_sessions.aws.clients import HURRIED_TIMEOUT_SECONDS
from live_sessions.environment import SessionStatusEnvironment
from live_sessions.follow_ups import SessionChecks
from live_sessions.posts.sockets import Sockets
from live_sessions.protocol import ErrorCode, Frame, ProtocolError, UpdateReason
from live_sessions.protocol.refusals import connection_not_found
from live_sessions.sessions import Session, now_ms, require_live, status_frame
from live_sessions.status.periodic_status import PeriodicStatus
from live_sessions.status.ticks import ShardQueue, TickMessage
from live_sessions.tables.connection_table import ConnectionTable
from live_sessions.tables.rate_limits import RateLimits, per_minute
from live_sessions.tables.session_table import SessionTable
from live_sessions.telemetry import logger, took

TIME_RESERVE_SECONDS = 2.5
"""More than one post and the checks that follow the posts."""

ENVIRONMENT = environment.read(SessionStatusEnvironment)
QUERY_TIMEOUT_SECONDS = ENVIRONMENT.status_query_timeout_ms / 1000
DYNAMODB = clients.dynamodb()
HURRIED = clients.hurried_dynamodb(QUERY_TIMEOUT_SECONDS)
SESSIONS = SessionTable(DYNAMODB, ENVIRONMENT.sessions_table)
HURRIED_SESSIONS = SessionTable(HURRIED, ENVIRONMENT.sessions_table)
HURRIED_CONNECTIONS = ConnectionTable(HURRIED, ENVIRONMENT.connections_table)
RATE_LIMITS = RateLimits(
    clients.hurried_dynamodb(HURRIED_TIMEOUT_SECONDS), ENVIRONMENT.rate_limits_table
)
QUERY_RATE = per_minute("status-queries", ENVIRONMENT.status_queries_per_speaker_per_minute)
PERIODIC = PeriodicStatus(
    sessions=SESSIONS,
    sockets=Sockets.at(ENVIRONMENT.api_gateway_endpoint),
    shard_queue=ShardQueue(clients.sqs, ENVIRONMENT.status_shard_queue_url),
    checks=SessionChecks(clients.sqs, ENVIRONMENT.session_checks_queue_url),
    shards=ENVIRONMENT.status_shards,
    interval_seconds=ENVIRONMENT.periodic_update_interval_seconds,
    grace_seconds=ENVIRONMENT.speaker_grace_seconds,
)


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
        PERIODIC.beat(message, until_seconds=until_seconds)
    return {"statusCode": 200}


def get_session_status(request: Request) -> Frame:
    """Two reads whatever the number of listeners, and one write that resets the timer, besides
    the rate limit's.
    """
    RATE_LIMITS.require(QUERY_RATE, request.caller.user_id or "", at_ms=request.at_ms)
    try:
        session = _session_in_time(request)
    except (ConnectTimeoutError, ReadTimeoutError):
        raise _status_timeout() from None
    try:
        HURRIED_SESSIONS.note_status_request(session.session_id, at_ms=request.at_ms)
    except (ClientError, BotoCoreError):
        logger.exception("The periodic timer was not reset")
    return status_frame(session, UpdateReason.REQUESTED, now_ms(), request.request_id)


def _session_in_time(request: Request) -> Session:
    began_seconds = time.monotonic()
    try:
        session_id = HURRIED_CONNECTIONS.session_of(
            request.caller.connection_id, at_ms=request.at_ms
        )
        if session_id is None:
            raise connection_not_found()
        found = HURRIED_SESSIONS.get(session_id)
    finally:
        query_seconds = time.monotonic() - began_seconds
        took(StatusQueryMilliseconds=math.ceil(query_seconds * 1000))
    if query_seconds > QUERY_TIMEOUT_SECONDS:
        raise _status_timeout()
    session = require_live(found, session_id, request.at_ms)
    if not session.is_of(request.caller.connection_id):
        raise connection_not_found()
    return session


def _status_timeout() -> ProtocolError:
    return ProtocolError(
        ErrorCode.STATUS_TIMEOUT,
        f"The status took longer than {ENVIRONMENT.status_query_timeout_ms} ms; ask again.",
    )
