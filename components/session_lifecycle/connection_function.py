"""The function that opens sockets, and answers what is asked of a session and its broadcast."""

from components.handler_function import HandlerFunctionArgs
from components.message_queue import MessageQueue
from components.session_lifecycle.arguments import SessionLifecycleArgs


def connection_function(args: SessionLifecycleArgs, checks: MessageQueue) -> HandlerFunctionArgs:
    """Its memory, time, permissions and environment."""
    store, rules, limits = args.store, args.session_rules, args.rate_limits
    items = ("GetItem", "PutItem", "UpdateItem", "DeleteItem")
    return HandlerFunctionArgs(
        platform=args.platform,
        entry="connection",
        memory_megabytes=512,
        timeout_seconds=30,
        statements=(
            store.sessions_statement("ReadWriteSessions", *items),
            store.connections_statement("ReadWriteConnections", *items),
            store.rate_limits_statement("CountRateLimits"),
            args.api.connections_statement("GetConnections", "GET"),
            args.api.connections_statement("PostToConnections", "POST"),
            args.fan_out.function.invoke_statement("InvokeFanOut"),
            checks.send_statement("SendSessionChecks"),
        ),
        environment={
            "SESSIONS_TABLE": store.sessions_table,
            "CONNECTIONS_TABLE": store.connections_table,
            "RATE_LIMITS_TABLE": store.rate_limits_table,
            "API_GATEWAY_ENDPOINT": args.api.management_endpoint,
            "FAN_OUT_FUNCTION": args.fan_out.function.name,
            "SESSION_CHECKS_QUEUE_URL": checks.url,
            "STATUS_SHARDS": str(args.status_shards),
            "MAX_LISTENERS_PER_SESSION": str(rules.max_listeners_per_session),
            "SESSION_MAX_DURATION_HOURS": str(rules.session_max_duration_hours),
            "LISTENER_COUNT_CHANGE_THRESHOLD_PERCENT": str(
                rules.listener_count_change_threshold_percent
            ),
            "SESSIONS_PER_USER_PER_HOUR": str(limits.sessions_per_user_per_hour),
            "JOINS_PER_ADDRESS_PER_MINUTE": str(limits.joins_per_address_per_minute),
            "CONNECTIONS_PER_ADDRESS_PER_MINUTE": str(limits.connections_per_address_per_minute),
            "CONTROLS_PER_CONNECTION_PER_MINUTE": str(limits.controls_per_connection_per_minute),
        },
    )
