"""Sends frames to every listener of a session, and captions to pages of a crowd."""

from contract.functions import NONE, FanOutEnvironment
from live_sessions.aws.clients import Clients
from live_sessions.aws.runtime import SYSTEM_CLOCK, Clock, Handler, read_environment
from live_sessions.captions.pages import POST_TIMEOUT_SECONDS, CaptionPosts
from live_sessions.listeners.end_notices import EndNotices
from live_sessions.listeners.fan_out import Departures, FanOutHandler
from live_sessions.listeners.membership import Membership
from live_sessions.sessions.connections import ConnectionTable
from live_sessions.sessions.follow_ups import FanOut, TranscriptQueue
from live_sessions.sessions.rows import SessionTable
from live_sessions.status.pushes import EventPushes
from live_sessions.wire.sockets import CONCURRENT_POSTS, FAN_OUT_TIMEOUT_SECONDS, Sockets


def build(environment: FanOutEnvironment, clients: Clients, clock: Clock) -> Handler:
    """The handler of fan-out tasks."""
    sessions = SessionTable.of(
        clients, environment.sessions_table, clock, connections=CONCURRENT_POSTS
    )
    connections = ConnectionTable.of(
        clients, environment.connections_table, clock, connections=CONCURRENT_POSTS
    )
    sockets = Sockets.at(
        environment.api_gateway_endpoint, clients, clock, timeout_seconds=FAN_OUT_TIMEOUT_SECONDS
    )
    pushes = EventPushes(
        sessions, sockets, clock, environment.listener_count_change_threshold_percent
    )
    departures = Departures(
        Membership(sessions, connections, clock), pushes, clock, clients.threads
    )
    caption_sockets = Sockets.at(
        environment.api_gateway_endpoint, clients, clock, timeout_seconds=POST_TIMEOUT_SECONDS
    )
    return FanOutHandler(
        sessions=sessions,
        connections=connections,
        sockets=sockets,
        departures=departures,
        notices=EndNotices(connections, sockets, clock),
        itself=FanOut(clients.lambda_, environment.fan_out_function),
        captions=CaptionPosts(caption_sockets, departures, clock).post_page,
        clock=clock,
        transcripts=(
            TranscriptQueue(clients.sqs, environment.transcripts_queue_url)
            if environment.transcripts_queue_url != NONE
            else None
        ),
    )


handler = build(read_environment(FanOutEnvironment), Clients.of_this_account(), SYSTEM_CLOCK)
