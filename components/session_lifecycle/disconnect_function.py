"""The function that closes up after a socket, and makes the checks that time brings."""

from components.handler_function import HandlerFunctionArgs
from components.message_queue import MessageQueue
from components.session_lifecycle.arguments import SessionLifecycleArgs

TIMEOUT_SECONDS = 30


def disconnect_function(args: SessionLifecycleArgs, checks: MessageQueue) -> HandlerFunctionArgs:
    """Its memory, time, permissions and environment."""
    store, rules = args.store, args.session_rules
    return HandlerFunctionArgs(
        platform=args.platform,
        entry="disconnect",
        memory_megabytes=256,
        timeout_seconds=TIMEOUT_SECONDS,
        statements=(
            store.sessions_statement("ReadUpdateSessions", "GetItem", "UpdateItem"),
            store.connections_statement("DeleteConnections", "DeleteItem"),
            args.api.connections_statement("PostToConnections", "POST"),
            args.fan_out.function.invoke_statement("InvokeFanOut"),
            checks.send_statement("SendSessionChecks"),
            checks.consume_statement("ConsumeSessionChecks"),
        ),
        environment={
            "SESSIONS_TABLE": store.sessions_table,
            "CONNECTIONS_TABLE": store.connections_table,
            "API_GATEWAY_ENDPOINT": args.api.management_endpoint,
            "FAN_OUT_FUNCTION": args.fan_out.function.name,
            "SESSION_CHECKS_QUEUE_URL": checks.url,
            "SPEAKER_GRACE_SECONDS": str(rules.speaker_grace_seconds),
            "LISTENER_COUNT_CHANGE_THRESHOLD_PERCENT": str(
                rules.listener_count_change_threshold_percent
            ),
        },
    )
