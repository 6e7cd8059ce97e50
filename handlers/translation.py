"""Transcripts become captions; a pipeline of one's own may stand in its place
(docs/translation-pipeline.md).
"""

from collections.abc import Mapping
from typing import Any

from live_sessions import environment
from live_sessions.aws import clients
from live_sessions.captions.captioning import POST_TIMEOUT_SECONDS, Captioning
from live_sessions.captions.transcript import read_transcript
from live_sessions.captions.translator import Translator
from live_sessions.departures import CONCURRENT_REMOVALS, Departures
from live_sessions.environment import TranslationEnvironment
from live_sessions.membership import Membership
from live_sessions.posts.sockets import Sockets
from live_sessions.status.event_status import EventStatus
from live_sessions.tables.connection_table import ConnectionTable
from live_sessions.tables.session_table import SessionTable

ATTEMPTS = 2
"""The next transcript waits for this one."""

ENVIRONMENT = environment.read(TranslationEnvironment)
DYNAMODB = clients.dynamodb(attempts=ATTEMPTS, connections=CONCURRENT_REMOVALS)
SESSIONS = SessionTable(DYNAMODB, ENVIRONMENT.sessions_table)
CONNECTIONS = ConnectionTable(DYNAMODB, ENVIRONMENT.connections_table)
SOCKETS = Sockets.at(ENVIRONMENT.api_gateway_endpoint, timeout_seconds=POST_TIMEOUT_SECONDS)
clients.translate()
CAPTIONING = Captioning(
    SESSIONS,
    CONNECTIONS,
    Translator(clients.translate),
    SOCKETS,
    Departures(
        Membership(SESSIONS, CONNECTIONS),
        EventStatus(SESSIONS, SOCKETS, ENVIRONMENT.listener_count_change_threshold_percent),
    ),
)


def handler(event: Mapping[str, Any], context: object) -> None:
    """A transcript, of which the caller waits for the end; raises when nothing was posted."""
    CAPTIONING.caption(read_transcript(event))
