"""refreshConnection: a new socket replaces one that is near the end of its life."""

from contract.actions import Role
from contract.functions import RefreshEnvironment
from live_sessions.aws.clients import Clients
from live_sessions.aws.runtime import SYSTEM_CLOCK, Clock, Handler, read_environment
from live_sessions.listeners.answers import ListenerActions
from live_sessions.listeners.membership import Membership
from live_sessions.sessions.connections import ConnectionTable
from live_sessions.sessions.rows import SessionTable
from live_sessions.sessions.speaker_refresh import SpeakerRefresh
from live_sessions.status.pushes import EventPushes
from live_sessions.wire.messages import RefreshAsListener, RefreshAsSpeaker
from live_sessions.wire.requests import Answer, MessageHandler
from live_sessions.wire.sockets import Sockets


def build(environment: RefreshEnvironment, clients: Clients, clock: Clock) -> Handler:
    """The handler of refreshConnection, of both roles."""
    sessions = SessionTable.of(clients, environment.sessions_table, clock)
    connections = ConnectionTable.of(clients, environment.connections_table, clock)
    sockets = Sockets.at(environment.api_gateway_endpoint, clients, clock)
    speakers = SpeakerRefresh(
        sessions=sessions, connections=connections, sockets=sockets, clock=clock
    )
    listeners = ListenerActions(
        membership=Membership(sessions, connections, clock),
        sockets=sockets,
        pushes=EventPushes(
            sessions, sockets, clock, environment.listener_count_change_threshold_percent
        ),
        clock=clock,
    )
    return MessageHandler(
        function="refresh",
        answers={
            "refreshConnection": {
                Role.SPEAKER: Answer(RefreshAsSpeaker, speakers.refresh),
                Role.LISTENER: Answer(RefreshAsListener, listeners.refresh),
            }
        },
        clock=clock,
    )


handler = build(read_environment(RefreshEnvironment), Clients.of_this_account(), SYSTEM_CLOCK)
