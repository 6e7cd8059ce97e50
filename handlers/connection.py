"""A socket opens; what speakers and listeners send, but what has a function of its own."""

from collections.abc import Mapping
from typing import Any

from live_sessions import environment
from live_sessions.answers.gateway import Answer, answer_message
from live_sessions.answers.listener_answers import ListenerAnswers
from live_sessions.answers.speaker_answers import SpeakerAnswers
from live_sessions.aws import clients
from live_sessions.aws.clients import HURRIED_TIMEOUT_SECONDS
from live_sessions.broadcast import CONTROLS, Broadcast
from live_sessions.caller import Caller
from live_sessions.environment import ConnectionEnvironment
from live_sessions.follow_ups import FanOut, SessionChecks
from live_sessions.joining import Joining
from live_sessions.lifecycle import Ending
from live_sessions.membership import Membership
from live_sessions.posts.sockets import Sockets
from live_sessions.protocol import PlaybackPaused, PlaybackResumed, ProtocolError
from live_sessions.sessions import now_ms
from live_sessions.status.event_status import EventStatus
from live_sessions.tables.connection_table import ConnectionTable, new_connection
from live_sessions.tables.rate_limits import RateLimits, per_hour, per_minute, site_of
from live_sessions.tables.session_table import SessionTable
from live_sessions.telemetry import hashed, logger

ATTEMPTS = 2
"""Some of its routes wait for five seconds only."""

ENVIRONMENT = environment.read(ConnectionEnvironment)
DYNAMODB = clients.dynamodb(attempts=ATTEMPTS)
SESSIONS = SessionTable(DYNAMODB, ENVIRONMENT.sessions_table)
CONNECTIONS = ConnectionTable(DYNAMODB, ENVIRONMENT.connections_table)
SOCKETS = Sockets.at(ENVIRONMENT.api_gateway_endpoint)
FAN_OUT = FanOut(clients.lambda_, ENVIRONMENT.fan_out_function)
CHECKS = SessionChecks(clients.sqs, ENVIRONMENT.session_checks_queue_url)
RATE_LIMITS = RateLimits(
    clients.hurried_dynamodb(HURRIED_TIMEOUT_SECONDS), ENVIRONMENT.rate_limits_table
)
CONNECTION_RATE = per_minute("connections", ENVIRONMENT.connections_per_address_per_minute)
CONTROL_RATE = per_minute("controls", ENVIRONMENT.controls_per_connection_per_minute)
SPEAKERS = SpeakerAnswers(
    sessions=SESSIONS,
    connections=CONNECTIONS,
    ending=Ending(SESSIONS, CONNECTIONS, FAN_OUT, CHECKS),
    broadcast=Broadcast(SESSIONS, CONNECTIONS, FAN_OUT, CHECKS),
    rate_limits=RATE_LIMITS,
    session_rate=per_hour("sessions", ENVIRONMENT.sessions_per_user_per_hour),
    control_rate=CONTROL_RATE,
    session_max_duration_hours=ENVIRONMENT.session_max_duration_hours,
    status_shards=ENVIRONMENT.status_shards,
)
MEMBERSHIP = Membership(SESSIONS, CONNECTIONS)
LISTENERS = ListenerAnswers(
    membership=MEMBERSHIP,
    joining=Joining(MEMBERSHIP, SOCKETS, ENVIRONMENT.max_listeners_per_session),
    event_status=EventStatus(
        SESSIONS, SOCKETS, ENVIRONMENT.listener_count_change_threshold_percent
    ),
    rate_limits=RATE_LIMITS,
    join_rate=per_minute("joins", ENVIRONMENT.joins_per_address_per_minute),
    control_rate=CONTROL_RATE,
)
ANSWERS: Mapping[str, Answer] = {
    "createSession": SPEAKERS.create_session,
    "endSession": SPEAKERS.end_session,
    **{action: SPEAKERS.controlling(control) for action, control in CONTROLS.items()},
    "joinSession": LISTENERS.join_session,
    "leaveSession": LISTENERS.leave_session,
    "changeLanguage": LISTENERS.change_language,
    "pausePlayback": LISTENERS.controlling_playback(PlaybackPaused),
    "resumePlayback": LISTENERS.controlling_playback(PlaybackResumed),
}
TIMED = {
    "createSession": "SessionCreationMilliseconds",
    "joinSession": "JoinMilliseconds",
    **dict.fromkeys(CONTROLS, "ControlAckMilliseconds"),
}


def handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    """`$connect` and every message of this function's routes."""
    if event["requestContext"]["eventType"] == "CONNECT":
        return connect(event)
    return answer_message(event, ANSWERS, TIMED)


def connect(event: Mapping[str, Any]) -> dict[str, Any]:
    """Write the socket's row; the handshake fails if that does, and with 429 past the rate."""
    caller = Caller.of(event)
    try:
        RATE_LIMITS.require(CONNECTION_RATE, site_of(caller.address), at_ms=now_ms())
    except ProtocolError:
        return {"statusCode": 429}
    CONNECTIONS.add(
        new_connection(caller.connection_id, caller.role, caller.connected_at, caller.user_id)
    )
    logger.info(
        "connected", extra={"connection": hashed(caller.connection_id), "role": caller.role}
    )
    return {"statusCode": 200}
