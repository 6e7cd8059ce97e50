"""refreshConnection: a new socket replaces one that is near the end of its life."""

from contract.actions import Rate, Role
from contract.functions import RefreshEnvironment
from live_sessions.aws.clients import FAIL_FAST_TIMEOUT_SECONDS, Clients
from live_sessions.aws.runtime import SYSTEM_CLOCK, Clock, Handler, read_environment
from live_sessions.listeners.answers import ListenerActions
from live_sessions.listeners.membership import Membership
from live_sessions.sessions.connections import ConnectionTable
from live_sessions.sessions.misses import Misses
from live_sessions.sessions.rows import SessionTable
from live_sessions.sessions.speaker_refresh import SpeakerRefresh
from live_sessions.status.pushes import EventPushes
from live_sessions.wire.messages import RefreshAsListener, RefreshAsSpeaker
from live_sessions.wire.rate_limits import RateLimits
from live_sessions.wire.requests import Answer, MessageHandler
from live_sessions.wire.sockets import Sockets


def build(environment: RefreshEnvironment, clients: Clients, clock: Clock) -> Handler:
    """The handler of refreshConnection, of both roles."""
    sessions = SessionTable.of(clients, environment.sessions_table, clock)
    connections = ConnectionTable.of(clients, environment.connections_table, clock)
    sockets = Sockets.at(environment.api_gateway_endpoint, clients, clock)
    rate_limits = RateLimits(
        clients.fail_fast_dynamodb(FAIL_FAST_TIMEOUT_SECONDS),
        environment.rate_limits_table,
        {
            Rate.JOINS: environment.joins_per_address_per_minute,
            Rate.CONTROLS: environment.controls_per_connection_per_minute,
            Rate.ADDRESS_MISSES: environment.join_misses_per_address_per_minute,
            Rate.SESSION_MISSES: environment.passcode_misses_per_session_per_minute,
        },
    )
    misses = Misses(rate_limits)
    speakers = SpeakerRefresh(
        sessions=sessions, connections=connections, misses=misses, sockets=sockets, clock=clock
    )
    listeners = ListenerActions(
        membership=Membership(sessions, connections, clock),
        misses=misses,
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
        rate_limits=rate_limits,
    )


handler = build(read_environment(RefreshEnvironment), Clients.of_this_account(), SYSTEM_CLOCK)
