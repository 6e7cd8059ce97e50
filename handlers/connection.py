"""Opens sockets, and answers what is asked of a session, its listeners and its broadcast."""

from collections.abc import Callable

from contract.actions import Rate, Role
from contract.functions import NONE, ConnectionEnvironment
from live_sessions.aws.clients import FAIL_FAST_TIMEOUT_SECONDS, Clients
from live_sessions.aws.runtime import SYSTEM_CLOCK, Clock, Handler, read_environment
from live_sessions.broadcast.controls import Broadcast
from live_sessions.captions.history import CaptionTable, History
from live_sessions.captions.missed_captions import MissedCaptions
from live_sessions.captions.transcript_links import TranscriptLinks, TranscriptReader
from live_sessions.listeners.answers import ListenerActions
from live_sessions.listeners.joining import Joining
from live_sessions.listeners.membership import Membership
from live_sessions.sessions.connections import ConnectionTable
from live_sessions.sessions.follow_ups import FanOut, SessionChecks
from live_sessions.sessions.handshake import Opening
from live_sessions.sessions.lifecycle import SessionCreation, SessionEnder
from live_sessions.sessions.misses import Misses
from live_sessions.sessions.passcodes import random_passcode
from live_sessions.sessions.rows import SessionTable
from live_sessions.sessions.session_ids import random_session_id
from live_sessions.status.pushes import EventPushes
from live_sessions.wire.messages import (
    ChangeLanguage,
    ClientMessage,
    CreateSession,
    GetCaptions,
    GetTranscript,
    JoinSession,
)
from live_sessions.wire.rate_limits import RateLimits
from live_sessions.wire.requests import Answer, MessageHandler
from live_sessions.wire.sockets import Sockets

ATTEMPTS = 2
"""Some of its routes have an integration timeout of five seconds."""


def build(
    environment: ConnectionEnvironment,
    clients: Clients,
    clock: Clock,
    *,
    new_session_id: Callable[[], str] = random_session_id,
    new_passcode: Callable[[], str] = random_passcode,
) -> Handler:
    """The handler of `$connect`, `$default` and this function's actions."""
    sessions = SessionTable.of(clients, environment.sessions_table, clock, attempts=ATTEMPTS)
    connections = ConnectionTable.of(
        clients, environment.connections_table, clock, attempts=ATTEMPTS
    )
    sockets = Sockets.at(environment.api_gateway_endpoint, clients, clock)
    fan_out = FanOut(clients.lambda_, environment.fan_out_function)
    checks = SessionChecks(clients.sqs, environment.session_checks_queue_url)
    rate_limits = RateLimits(
        clients.fail_fast_dynamodb(FAIL_FAST_TIMEOUT_SECONDS),
        environment.rate_limits_table,
        {
            Rate.SESSIONS: environment.sessions_per_user_per_hour,
            Rate.JOINS: environment.joins_per_address_per_minute,
            Rate.CONNECTIONS: environment.connections_per_address_per_minute,
            Rate.CONTROLS: environment.controls_per_connection_per_minute,
            Rate.ADDRESS_MISSES: environment.join_misses_per_address_per_minute,
            Rate.SESSION_MISSES: environment.passcode_misses_per_session_per_minute,
        },
    )
    misses = Misses(rate_limits)
    membership = Membership(sessions, connections, clock)
    pushes = EventPushes(
        sessions, sockets, clock, environment.listener_count_change_threshold_percent
    )
    creation = SessionCreation(
        sessions=sessions,
        connections=connections,
        clock=clock,
        max_duration_hours=environment.session_max_duration_hours,
        status_shards=environment.status_shards,
        keeps_transcripts=environment.transcripts,
        new_session_id=new_session_id,
        new_passcode=new_passcode,
    )
    ender = SessionEnder(
        sessions=sessions, connections=connections, fan_out=fan_out, checks=checks, clock=clock
    )
    broadcast = Broadcast(
        sessions=sessions, connections=connections, fan_out=fan_out, checks=checks, clock=clock
    )
    joining = Joining(
        sessions=sessions,
        connections=connections,
        membership=membership,
        misses=misses,
        sockets=sockets,
        pushes=pushes,
        clock=clock,
        listeners_limit=environment.max_listeners_per_session,
        keeps_transcripts=environment.transcripts,
    )
    history = History(
        table=CaptionTable(clients.dynamodb(attempts=ATTEMPTS), environment.captions_table),
        minutes=environment.caption_history_minutes,
        clock=clock,
        keeps_transcripts=environment.transcripts,
    )
    missed = MissedCaptions(membership=membership, history=history, clock=clock)
    links = TranscriptLinks(
        sessions=sessions,
        connections=connections,
        reader=(
            TranscriptReader(
                clients, environment.transcripts_bucket, environment.transcript_reader_role
            )
            if environment.transcript_reader_role != NONE
            else None
        ),
        clock=clock,
    )
    listeners = ListenerActions(
        membership=membership, misses=misses, sockets=sockets, pushes=pushes, clock=clock
    )
    return MessageHandler(
        function="connection",
        answers={
            "createSession": {Role.SPEAKER: Answer(CreateSession, creation.create_session)},
            "endSession": {Role.SPEAKER: Answer(ClientMessage, ender.end_session)},
            **broadcast.answers(),
            "getTranscript": {Role.SPEAKER: Answer(GetTranscript, links.get_transcript)},
            "joinSession": {Role.LISTENER: Answer(JoinSession, joining.join_session)},
            "leaveSession": {Role.LISTENER: Answer(ClientMessage, listeners.leave_session)},
            "changeLanguage": {Role.LISTENER: Answer(ChangeLanguage, listeners.change_language)},
            "getCaptions": {Role.LISTENER: Answer(GetCaptions, missed.get_captions)},
            "pausePlayback": {Role.LISTENER: Answer(ClientMessage, listeners.pause_playback)},
            "resumePlayback": {Role.LISTENER: Answer(ClientMessage, listeners.resume_playback)},
        },
        clock=clock,
        rate_limits=rate_limits,
        on_connect=Opening(connections=connections, rate_limits=rate_limits, clock=clock),
    )


handler = build(read_environment(ConnectionEnvironment), Clients.of_this_account(), SYSTEM_CLOCK)
