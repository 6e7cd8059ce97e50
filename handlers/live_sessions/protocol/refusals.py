"""The refusals that several actions share, each with its code and the way out."""

from live_sessions.protocol import ErrorCode, ProtocolError


def connection_not_found() -> ProtocolError:
    return ProtocolError(
        ErrorCode.CONNECTION_NOT_FOUND,
        "This connection is in no session; a speaker creates one, a listener joins one.",
    )


def connection_unknown() -> ProtocolError:
    return ProtocolError(
        ErrorCode.CONNECTION_NOT_FOUND,
        "This connection is not known any more; a listener joins a session again, "
        "a speaker connects again.",
    )


def session_not_found(session_id: str) -> ProtocolError:
    return ProtocolError(
        ErrorCode.SESSION_NOT_FOUND, f"There is no session {session_id}; check its id."
    )


def session_ended(session_id: str) -> ProtocolError:
    return ProtocolError(ErrorCode.SESSION_ENDED, f"The session {session_id} has ended.")


def session_full(session_id: str, limit: int) -> ProtocolError:
    return ProtocolError(
        ErrorCode.SESSION_FULL,
        f"{session_id} has all of its {limit} listeners; try again later.",
        {"maxListeners": limit},
    )


def not_the_speaker(session_id: str) -> ProtocolError:
    return ProtocolError(
        ErrorCode.UNAUTHORIZED_ACTION,
        f"The session {session_id} belongs to another speaker; sign in as the one who created it.",
    )


def try_again() -> ProtocolError:
    return ProtocolError(
        ErrorCode.SERVICE_UNAVAILABLE, "The service cannot answer right now; try again shortly."
    )


def rate_limited(kind: str, retry_after_seconds: int) -> ProtocolError:
    return ProtocolError(
        ErrorCode.RATE_LIMITED,
        f"Too many {kind.replace('-', ' ')}; try again in {retry_after_seconds} seconds.",
        {"retryAfterSeconds": retry_after_seconds},
    )


def not_admitted(current_session_id: str | None) -> ProtocolError:
    """Why a socket could not be made a member, told from its row as it stands now."""
    if current_session_id is None:
        return connection_unknown()
    return already_in_session(current_session_id)


def already_in_session(session_id: str) -> ProtocolError:
    return ProtocolError(
        ErrorCode.ALREADY_IN_SESSION,
        f"This connection is in the session {session_id} already; leave or end it first.",
        {"sessionId": session_id},
    )
