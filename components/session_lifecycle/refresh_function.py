"""The function by which a new socket takes an old one's place in its session."""

from components.handler_function import HandlerFunctionArgs
from components.session_lifecycle.arguments import SessionLifecycleArgs


def refresh_function(args: SessionLifecycleArgs) -> HandlerFunctionArgs:
    """Its memory, time, permissions and environment."""
    store, rules = args.store, args.session_rules
    return HandlerFunctionArgs(
        platform=args.platform,
        entry="refresh",
        memory_megabytes=256,
        timeout_seconds=30,
        statements=(
            # A transaction needs the permissions of the writes in it.
            store.sessions_statement("ReadUpdateSessions", "GetItem", "UpdateItem"),
            store.connections_statement(
                "ReadWriteConnections", "GetItem", "UpdateItem", "DeleteItem"
            ),
            args.api.connections_statement("PostToConnections", "POST"),
        ),
        environment={
            "SESSIONS_TABLE": store.sessions_table,
            "CONNECTIONS_TABLE": store.connections_table,
            "API_GATEWAY_ENDPOINT": args.api.management_endpoint,
            "LISTENER_COUNT_CHANGE_THRESHOLD_PERCENT": str(
                rules.listener_count_change_threshold_percent
            ),
        },
    )
