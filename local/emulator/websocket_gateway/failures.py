"""What fails, a function or a handshake, and the service's words for it."""

FAILED = "Internal server error"
TIMED_OUT = "Endpoint request timed out"
FORBIDDEN = "Forbidden"
REFUSALS = {400: "Bad request", 401: "Unauthorized", 403: FORBIDDEN, 504: TIMED_OUT}


class IntegrationError(Exception):
    """The function failed, or did not answer in time, or not with a proxy response."""

    def __init__(self, message: str, function_error: str = "") -> None:
        self.message = message
        self.function_error = function_error


class HandshakeRefused(Exception):
    def __init__(self, status: int) -> None:
        self.status = status
        self.message = REFUSALS.get(status, FAILED if status >= 500 else "")
