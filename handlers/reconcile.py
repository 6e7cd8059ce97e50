"""Every five minutes: correct what a crash between two calls left behind."""

from contract.functions import ReconcileEnvironment
from live_sessions.aws.clients import Clients
from live_sessions.aws.runtime import SYSTEM_CLOCK, Clock, Handler, read_environment
from live_sessions.listeners.membership import Membership
from live_sessions.listeners.reconciling import Reconciliation
from live_sessions.sessions.connections import ConnectionTable
from live_sessions.sessions.follow_ups import FanOut
from live_sessions.sessions.lifecycle import SessionEnder
from live_sessions.sessions.rows import SessionTable


def build(environment: ReconcileEnvironment, clients: Clients, clock: Clock) -> Handler:
    """The handler of the reconcile rule's events."""
    sessions = SessionTable.of(clients, environment.sessions_table, clock)
    connections = ConnectionTable.of(clients, environment.connections_table, clock)
    return Reconciliation(
        sessions=sessions,
        connections=connections,
        membership=Membership(sessions, connections, clock),
        ender=SessionEnder(
            sessions=sessions,
            connections=connections,
            fan_out=FanOut(clients.lambda_, environment.fan_out_function),
            checks=None,
            clock=clock,
        ),
        clock=clock,
        status_shards=environment.status_shards,
        speaker_grace_seconds=environment.speaker_grace_seconds,
        threads=clients.threads,
    )


handler = build(read_environment(ReconcileEnvironment), Clients.of_this_account(), SYSTEM_CLOCK)
