"""Cleans up after closed sockets; its queue's messages are the delayed checks on sessions."""

from collections.abc import Mapping
from typing import Any

from contract.functions import DisconnectEnvironment
from live_sessions.aws.clients import Clients
from live_sessions.aws.runtime import SYSTEM_CLOCK, Clock, Handler, read_environment
from live_sessions.broadcast.controls import Broadcast
from live_sessions.listeners.fan_out import Departures
from live_sessions.listeners.membership import Membership
from live_sessions.sessions.checks import CheckHandler
from live_sessions.sessions.connections import ConnectionTable
from live_sessions.sessions.follow_ups import FanOut, SessionChecks
from live_sessions.sessions.handshake import Closing
from live_sessions.sessions.lifecycle import SessionEnder
from live_sessions.sessions.lost_speakers import LostSpeakers
from live_sessions.sessions.rows import SessionTable
from live_sessions.status.pushes import EventPushes
from live_sessions.wire.sockets import Sockets


def build(environment: DisconnectEnvironment, clients: Clients, clock: Clock) -> Handler:
    """The handler of `$disconnect` and of the session-checks queue."""
    sessions = SessionTable.of(clients, environment.sessions_table, clock)
    connections = ConnectionTable.of(clients, environment.connections_table, clock)
    sockets = Sockets.at(environment.api_gateway_endpoint, clients, clock)
    fan_out = FanOut(clients.lambda_, environment.fan_out_function)
    checks = SessionChecks(clients.sqs, environment.session_checks_queue_url)
    pushes = EventPushes(
        sessions, sockets, clock, environment.listener_count_change_threshold_percent
    )
    departures = Departures(Membership(sessions, connections, clock), pushes, clock)
    broadcast = Broadcast(
        sessions=sessions, connections=connections, fan_out=fan_out, checks=checks, clock=clock
    )
    close = Closing(
        connections=connections,
        release_place=departures.release_place,
        lost_speakers=LostSpeakers(sessions, checks, environment.speaker_grace_seconds),
        clock=clock,
    )
    carry_out_checks = CheckHandler(
        sessions=sessions,
        ender=SessionEnder(
            sessions=sessions, connections=connections, fan_out=fan_out, checks=checks, clock=clock
        ),
        send_broadcast_state=broadcast.send_state,
        clock=clock,
    )

    def handle(event: Mapping[str, Any], context: object) -> dict[str, Any]:
        return carry_out_checks(event) if "Records" in event else close(event)

    return handle


handler = build(read_environment(DisconnectEnvironment), Clients.of_this_account(), SYSTEM_CLOCK)
