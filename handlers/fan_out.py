"""Frames to every listener of a session, apart from the invocation that caused them.

The first invocation reads the pages of listeners and hands each to an invocation of its own;
a session of one page is served at once.
"""

import time
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from botocore.exceptions import BotoCoreError, ClientError

from live_sessions import clients, environment
from live_sessions.connection_table import ConnectionTable
from live_sessions.environment import FanOutEnvironment
from live_sessions.follow_ups import FanOut, FanOutEvent, SessionEndedFanOut
from live_sessions.protocol import SessionEnded
from live_sessions.session_table import SessionTable
from live_sessions.sessions import now_ms
from live_sessions.sockets import CONCURRENT_POSTS, Delivery, Sockets, deliver_all
from live_sessions.telemetry import count, logger

PAGE_SIZE = 500
TIME_RESERVE_SECONDS = 15
"""More than the longest delete and post together, with all their attempts."""

CLOSING_DELAY_SECONDS = 60
"""An ended session stays in the active index this long, for joins the listeners index missed."""

ENVIRONMENT = environment.read(FanOutEnvironment)
DYNAMODB = clients.dynamodb(connections=CONCURRENT_POSTS)
SESSIONS = SessionTable(DYNAMODB, ENVIRONMENT.sessions_table)
CONNECTIONS = ConnectionTable(DYNAMODB, ENVIRONMENT.connections_table)
SOCKETS = Sockets.at(ENVIRONMENT.api_gateway_endpoint)


def handler(event: Mapping[str, Any], context: Any) -> None:
    task = msgspec.convert(event, FanOutEvent).session_ended
    until_seconds = (
        time.monotonic() + context.get_remaining_time_in_millis() / 1000 - TIME_RESERVE_SECONDS
    )
    if task.connection_ids is None:
        tell_all(task, until_seconds)
    else:
        tell(task, task.connection_ids, until_seconds)


def tell_all(task: SessionEndedFanOut, until_seconds: float) -> None:
    """Tell every listener, and the speaker unless he ended it; close when nobody is left."""
    pages = [
        [listener.connection_id for listener in page]
        for page in CONNECTIONS.listener_pages(task.session_id, page_size=PAGE_SIZE)
        if page
    ]
    if len(pages) > 1:
        itself = FanOut(clients.lambda_(), ENVIRONMENT.aws_lambda_function_name)
        for connection_ids in pages:
            itself.start(msgspec.structs.replace(task, connection_ids=connection_ids))
    elif pages:
        tell(task, pages[0], until_seconds)
    else:
        _close_if_settled(task.session_id)
    if CONNECTIONS.release_speaker(task.speaker_connection_id, task.session_id):
        SOCKETS.post(task.speaker_connection_id, _frame(task))


def tell(task: SessionEndedFanOut, connection_ids: Iterable[str], until_seconds: float) -> None:
    """Delete each listener's row and post to it: whoever deletes the row tells the listener."""
    frame = _frame(task)

    def remove_and_post(connection_id: str) -> Delivery | None:
        try:
            removed = CONNECTIONS.remove(connection_id, session_id=task.session_id)
        except (ClientError, BotoCoreError):
            return Delivery.UNTRIED
        return SOCKETS.post(connection_id, frame) if removed is not None else None

    report = deliver_all(connection_ids, remove_and_post, until_seconds=until_seconds)
    count(
        FramesDelivered=len(report.delivered),
        ConnectionsGone=len(report.gone),
        PostsFailed=len(report.failed),
        ListenersLeftToNextPass=len(report.untried),
    )
    logger.info(
        "session ended",
        extra={
            "session": task.session_id,
            "delivered": len(report.delivered),
            "gone": len(report.gone),
            "failed": len(report.failed),
            "left_to_next_pass": len(report.untried),
        },
    )


def _frame(task: SessionEndedFanOut) -> bytes:
    return SessionEnded(timestamp=now_ms(), session_id=task.session_id, reason=task.reason).encode()


def _close_if_settled(session_id: str) -> None:
    session = SESSIONS.get(session_id)
    if session is None or session.ended_at is None:
        return
    if now_ms() - session.ended_at >= CLOSING_DELAY_SECONDS * 1000:
        SESSIONS.close(session_id)
        logger.info("closed", extra={"session": session_id})
