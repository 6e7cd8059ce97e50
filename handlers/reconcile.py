"""Every two minutes: correct what a crash left behind, and remove dead sockets."""

from contract.functions import ReconcileEnvironment
from live_sessions.aws.clients import Clients
from live_sessions.aws.runtime import SYSTEM_CLOCK, Clock, Handler, read_environment
from live_sessions.broadcast.controls import Broadcast
from live_sessions.listeners.dead_sockets import DeadSockets
from live_sessions.listeners.membership import Membership
from live_sessions.listeners.reconcile_turns import ReconcileHandler, TurnQueue
from live_sessions.listeners.reconciling import CONCURRENT_SESSIONS, Reconciliation
from live_sessions.sessions.connections import ConnectionTable
from live_sessions.sessions.follow_ups import FanOut, SessionChecks
from live_sessions.sessions.lifecycle import SessionEnder
from live_sessions.sessions.lost_speakers import LostSpeakers
from live_sessions.sessions.rows import SessionTable
from live_sessions.status.pushes import EventPushes
from live_sessions.wire.sockets import Sockets


def build(environment: ReconcileEnvironment, clients: Clients, clock: Clock) -> Handler:
    """The handler of the reconcile rule's events, and of the queue of shards."""
    sessions = SessionTable.of(
        clients, environment.sessions_table, clock, connections=CONCURRENT_SESSIONS
    )
    connections = ConnectionTable.of(
        clients, environment.connections_table, clock, connections=CONCURRENT_SESSIONS
    )
    membership = Membership(sessions, connections, clock)
    sockets = Sockets.at(environment.api_gateway_endpoint, clients, clock)
    fan_out = FanOut(clients.lambda_, environment.fan_out_function)
    checks = SessionChecks(clients.sqs, environment.session_checks_queue_url)
    broadcast = Broadcast(
        sessions=sessions, connections=connections, fan_out=fan_out, checks=checks, clock=clock
    )
    dead_sockets = DeadSockets(
        connections=connections,
        membership=membership,
        lost_speakers=LostSpeakers(sessions, checks, environment.speaker_grace_seconds),
        sockets=sockets,
        pushes=EventPushes(
            sessions, sockets, clock, environment.listener_count_change_threshold_percent
        ),
        clock=clock,
    )
    reconciliation = Reconciliation(
        sessions=sessions,
        connections=connections,
        membership=membership,
        dead_sockets=dead_sockets,
        ender=SessionEnder(
            sessions=sessions, connections=connections, fan_out=fan_out, checks=checks, clock=clock
        ),
        send_broadcast_state=broadcast.send_state,
        clock=clock,
        status_shards=environment.status_shards,
        speaker_grace_seconds=environment.speaker_grace_seconds,
        threads=clients.threads,
    )
    return ReconcileHandler(
        sessions=sessions,
        turns=TurnQueue(clients.sqs, environment.reconcile_shard_queue_url),
        reconciliation=reconciliation,
        threads=clients.threads,
    )


handler = build(read_environment(ReconcileEnvironment), Clients.of_this_account(), SYSTEM_CLOCK)
