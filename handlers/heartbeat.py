"""Answers heartbeats, without botocore: they are by far the most frequent messages."""

from contract.actions import Role
from contract.functions import HeartbeatEnvironment
from live_sessions.aws.clients import Clients
from live_sessions.aws.runtime import SYSTEM_CLOCK, Clock, Handler, read_environment
from live_sessions.sessions.heartbeats import ConnectionPresence, Heartbeats
from live_sessions.wire.messages import ClientMessage
from live_sessions.wire.requests import Answer, MessageHandler
from live_sessions.wire.sockets import Sockets


def build(environment: HeartbeatEnvironment, clients: Clients, clock: Clock) -> Handler:
    """The handler of heartbeats, of both roles."""
    heartbeats = Heartbeats(
        presence=ConnectionPresence.of(clients, environment.connections_table, clock),
        sockets=Sockets.at(environment.api_gateway_endpoint, clients, clock),
        clock=clock,
    )
    answer = Answer(ClientMessage, heartbeats.heartbeat)
    return MessageHandler(
        function="heartbeat",
        answers={"heartbeat": {Role.SPEAKER: answer, Role.LISTENER: answer}},
        clock=clock,
    )


handler = build(read_environment(HeartbeatEnvironment), Clients.of_this_account(), SYSTEM_CLOCK)
