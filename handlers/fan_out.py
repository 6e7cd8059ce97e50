"""Frames to every listener of a session, apart from the invocation that caused them.

The first invocation reads the pages of listeners and hands each to an invocation of its own;
a session of one page is served at once.
"""

import time
from collections.abc import Mapping
from typing import Any

import msgspec
from botocore.exceptions import BotoCoreError, ClientError

from live_sessions import environment
from live_sessions.aws import clients
from live_sessions.departures import Departures
from live_sessions.environment import FanOutEnvironment
from live_sessions.follow_ups import AnyFanOutTask, FanOut, SessionEndedFanOut
from live_sessions.listener_posts import ListenerPosts, ended_frame
from live_sessions.membership import Membership
from live_sessions.posts.deliveries import CONCURRENT_POSTS
from live_sessions.posts.sockets import FAN_OUT_TIMEOUT_SECONDS, Sockets
from live_sessions.sessions import now_ms
from live_sessions.status.event_status import EventStatus
from live_sessions.tables.connection_table import ConnectionTable
from live_sessions.tables.session_table import SessionTable
from live_sessions.telemetry import logger

PAGE_SIZE = 500
TIME_RESERVE_SECONDS = 15
"""More than the longest delete and post together, with all their attempts."""

CLOSING_DELAY_SECONDS = 60
"""An ended session stays in the active index this long, for joins the listeners index missed."""

ENVIRONMENT = environment.read(FanOutEnvironment)
DYNAMODB = clients.dynamodb(connections=CONCURRENT_POSTS)
SESSIONS = SessionTable(DYNAMODB, ENVIRONMENT.sessions_table)
CONNECTIONS = ConnectionTable(DYNAMODB, ENVIRONMENT.connections_table)
SOCKETS = Sockets.at(ENVIRONMENT.api_gateway_endpoint, timeout_seconds=FAN_OUT_TIMEOUT_SECONDS)
POSTS = ListenerPosts(
    CONNECTIONS,
    SOCKETS,
    Departures(
        Membership(SESSIONS, CONNECTIONS),
        EventStatus(SESSIONS, SOCKETS, ENVIRONMENT.listener_count_change_threshold_percent),
    ),
)
ITSELF = FanOut(clients.lambda_, ENVIRONMENT.aws_lambda_function_name)


def handler(event: Mapping[str, Any], context: Any) -> None:
    task = msgspec.convert(event, AnyFanOutTask)
    until_seconds = (
        time.monotonic() + context.get_remaining_time_in_millis() / 1000 - TIME_RESERVE_SECONDS
    )
    if task.connection_ids is not None:
        POSTS.tell(task, task.connection_ids, until_seconds=until_seconds)
        return
    found = tell_all(task, until_seconds)
    if isinstance(task, SessionEndedFanOut):
        finish_end(task, settled=not found)


def tell_all(task: AnyFanOutTask, until_seconds: float) -> bool:
    """Tell every listener, or have them told; False when there is none."""
    pages = [
        [listener.connection_id for listener in page]
        for page in CONNECTIONS.listener_pages(task.session_id, page_size=PAGE_SIZE)
        if page
    ]
    for page in pages:
        if len(pages) == 1 or not hand_out(task, page):
            POSTS.tell(task, page, until_seconds=until_seconds)
    return bool(pages)


def hand_out(task: AnyFanOutTask, connection_ids: list[str]) -> bool:
    """Have a page served by an invocation of its own; False when it could not be started."""
    try:
        ITSELF.start(msgspec.structs.replace(task, connection_ids=connection_ids))
    except (ClientError, BotoCoreError):
        logger.exception("A page is served here", extra={"session": task.session_id})
        return False
    return True


def finish_end(task: SessionEndedFanOut, *, settled: bool) -> None:
    """Tell the speaker unless he ended the session; close it when nobody is left."""
    if settled:
        _close_if_settled(task.session_id)
    if not CONNECTIONS.release_speaker(task.speaker_connection_id, task.session_id).was_refused:
        SOCKETS.post(task.speaker_connection_id, ended_frame(task))


def _close_if_settled(session_id: str) -> None:
    session = SESSIONS.get(session_id)
    if session is None or session.ended_at is None:
        return
    if now_ms() - session.ended_at >= CLOSING_DELAY_SECONDS * 1000:
        SESSIONS.close(session_id)
        logger.info("closed", extra={"session": session_id})
