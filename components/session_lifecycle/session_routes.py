"""Which function answers which action, and how long API Gateway waits for the answer."""

from components.handler_function import HandlerFunction
from components.session_api import CONNECT, DEFAULT, DISCONNECT, LONGEST_TIMEOUT_MILLISECONDS, Route


def session_routes(
    *,
    connection: HandlerFunction,
    disconnect: HandlerFunction,
    heartbeat: HandlerFunction,
    refresh: HandlerFunction,
) -> tuple[Route, ...]:
    """Every route of a session's life."""
    longest = LONGEST_TIMEOUT_MILLISECONDS
    return (
        *_routes(connection, longest, CONNECT, replies=False),
        *_routes(disconnect, longest, DISCONNECT, replies=False),
        *_routes(connection, longest, DEFAULT),
        *_routes(connection, longest, "createSession", "endSession", "joinSession", "leaveSession"),
        *_routes(connection, 10_000, "pauseBroadcast", "resumeBroadcast"),
        *_routes(connection, 10_000, "muteBroadcast", "unmuteBroadcast"),
        *_routes(connection, 10_000, "setVolume", "speakerStateChange"),
        *_routes(connection, 5_000, "pausePlayback", "resumePlayback", "changeLanguage"),
        *_routes(heartbeat, 10_000, "heartbeat"),
        *_routes(refresh, longest, "refreshConnection"),
    )


def _routes(
    function: HandlerFunction, timeout_milliseconds: int, *keys: str, replies: bool = True
) -> tuple[Route, ...]:
    return tuple(
        Route(
            key=key, function=function, timeout_milliseconds=timeout_milliseconds, replies=replies
        )
        for key in keys
    )
