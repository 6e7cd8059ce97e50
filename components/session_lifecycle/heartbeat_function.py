"""The function that tells a client whether it is still a member, and how old its socket is."""

from components.handler_function import HandlerFunctionArgs
from components.session_lifecycle.arguments import SessionLifecycleArgs


def heartbeat_function(args: SessionLifecycleArgs) -> HandlerFunctionArgs:
    """Its memory, time, permissions and environment."""
    return HandlerFunctionArgs(
        platform=args.platform,
        entry="heartbeat",
        memory_megabytes=128,
        timeout_seconds=10,
        statements=(
            args.store.connections_statement("ReadConnections", "GetItem"),
            args.api.connections_statement("PostToConnections", "POST"),
        ),
        environment={
            "CONNECTIONS_TABLE": args.store.connections_table,
            "API_GATEWAY_ENDPOINT": args.api.management_endpoint,
        },
    )
