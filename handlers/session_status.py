"""A session's status: when the speaker asks, and to every live session's speaker at each tick."""

from contract.actions import Rate, Role
from contract.functions import SessionStatusEnvironment
from live_sessions.aws.clients import FAIL_FAST_TIMEOUT_SECONDS, Clients
from live_sessions.aws.runtime import SYSTEM_CLOCK, Clock, Handler, read_environment
from live_sessions.sessions.connections import ConnectionTable
from live_sessions.sessions.follow_ups import SessionChecks
from live_sessions.sessions.rows import SessionTable
from live_sessions.status.periodic import ShardQueue, TickHandler
from live_sessions.status.queries import StatusQueries
from live_sessions.wire.messages import ClientMessage
from live_sessions.wire.rate_limits import RateLimits
from live_sessions.wire.requests import Answer, MessageHandler
from live_sessions.wire.sockets import Sockets


def build(environment: SessionStatusEnvironment, clients: Clients, clock: Clock) -> Handler:
    """The handler of getSessionStatus, of ticks, and of the delay and shard queues."""
    fail_fast = clients.fail_fast_dynamodb(environment.status_query_timeout_ms / 1000)
    queries = StatusQueries(
        sessions=SessionTable(fail_fast, environment.sessions_table, clock),
        connections=ConnectionTable(fail_fast, environment.connections_table, clock),
        clock=clock,
        timeout_ms=environment.status_query_timeout_ms,
    )
    tick = TickHandler(
        sessions=SessionTable.of(clients, environment.sessions_table, clock),
        sockets=Sockets.at(environment.api_gateway_endpoint, clients, clock),
        shard_queue=ShardQueue(clients.sqs, environment.status_shard_queue_url),
        checks=SessionChecks(clients.sqs, environment.session_checks_queue_url),
        clock=clock,
        shards=environment.status_shards,
        interval_seconds=environment.periodic_update_interval_seconds,
        grace_seconds=environment.speaker_grace_seconds,
    )
    return MessageHandler(
        function="session_status",
        answers={
            "getSessionStatus": {Role.SPEAKER: Answer(ClientMessage, queries.get_session_status)}
        },
        clock=clock,
        rate_limits=RateLimits(
            clients.fail_fast_dynamodb(FAIL_FAST_TIMEOUT_SECONDS),
            environment.rate_limits_table,
            {Rate.STATUS_QUERIES: environment.status_queries_per_speaker_per_minute},
        ),
        on_other=tick,
    )


handler = build(read_environment(SessionStatusEnvironment), Clients.of_this_account(), SYSTEM_CLOCK)
