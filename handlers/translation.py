"""Transcripts become captions; another pipeline may replace it (docs/translation-pipeline.md)."""

from typing import TYPE_CHECKING

from contract.functions import TranslationEnvironment
from live_sessions.aws.clients import Clients
from live_sessions.aws.runtime import SYSTEM_CLOCK, Clock, Handler, read_environment
from live_sessions.captions.captioning import Captioning, Translator
from live_sessions.captions.history import TIMEOUT_SECONDS, CaptionTable, History
from live_sessions.captions.pages import (
    CONCURRENT_PAGES,
    PAGE_TIMEOUT_SECONDS,
    POST_TIMEOUT_SECONDS,
    CaptionPages,
    CaptionPosts,
)
from live_sessions.listeners.fan_out import CONCURRENT_REMOVALS, Departures
from live_sessions.listeners.membership import Membership
from live_sessions.sessions.connections import ConnectionTable
from live_sessions.sessions.rows import SessionTable
from live_sessions.status.pushes import EventPushes
from live_sessions.wire.sockets import Sockets

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

ATTEMPTS = 2
"""The next transcript waits for this one."""


def build(environment: TranslationEnvironment, clients: Clients, clock: Clock) -> Handler:
    """The handler of one transcript, for whose end the caller waits."""
    sessions = SessionTable.of(
        clients,
        environment.sessions_table,
        clock,
        attempts=ATTEMPTS,
        connections=CONCURRENT_REMOVALS,
    )
    connections = ConnectionTable.of(
        clients,
        environment.connections_table,
        clock,
        attempts=ATTEMPTS,
        connections=CONCURRENT_REMOVALS,
    )
    sockets = Sockets.at(
        environment.api_gateway_endpoint, clients, clock, timeout_seconds=POST_TIMEOUT_SECONDS
    )
    pushes = EventPushes(
        sessions, sockets, clock, environment.listener_count_change_threshold_percent
    )
    departures = Departures(
        Membership(sessions, connections, clock), pushes, clock, clients.threads
    )

    def pages_client() -> "LambdaClient":
        return clients.lambda_at_most_once(PAGE_TIMEOUT_SECONDS, connections=CONCURRENT_PAGES)

    kept_captions = CaptionTable(
        clients.fail_fast_dynamodb(TIMEOUT_SECONDS), environment.captions_table
    )
    history = History(
        table=kept_captions,
        minutes=environment.caption_history_minutes,
        clock=clock,
        keeps_transcripts=environment.transcripts,
    )
    return Captioning(
        sessions,
        connections,
        history,
        Translator(clients.translate(), clock),
        CaptionPosts(sockets, departures, clock),
        CaptionPages(pages_client, environment.fan_out_function),
        clock,
        clients.threads,
    )


handler = build(read_environment(TranslationEnvironment), Clients.of_this_account(), SYSTEM_CLOCK)
