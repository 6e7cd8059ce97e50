"""Which failures of AWS calls are outages, that a later attempt may not meet."""

from typing import TYPE_CHECKING

from live_sessions.aws.http import CallFailed, NoAnswer

if TYPE_CHECKING:
    from botocore.exceptions import ClientError

_THROTTLING_CODES = frozenset(
    {
        "LimitExceededException",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
        "TransactionCanceledException",
        "TransactionConflictException",
        "TransactionInProgressException",
    }
)


def is_outage(failure: Exception) -> bool:
    """Throttling, timeouts and server errors."""
    if isinstance(failure, NoAnswer):
        return True
    if isinstance(failure, CallFailed):
        return _is_passing(failure.status, failure.code)
    # Here because botocore is slow to import and the heartbeat does without it.
    from botocore.exceptions import (
        BotoCoreError,
        ClientError,
        ConnectionError,
        HTTPClientError,
    )

    if isinstance(failure, BotoCoreError):
        return isinstance(failure, ConnectionError | HTTPClientError)
    if not isinstance(failure, ClientError):
        return False
    status = failure.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return _is_passing(status, _code(failure))


def was_not_carried_out(failure: Exception) -> bool:
    """It never arrived, or was refused for its rate: to make the call again cannot do it twice."""
    from botocore.exceptions import ClientError, ConnectTimeoutError, EndpointConnectionError

    if isinstance(failure, ClientError):
        return _code(failure) in _THROTTLING_CODES
    return isinstance(failure, ConnectTimeoutError | EndpointConnectionError)


def _code(failure: "ClientError") -> str:
    return failure.response.get("Error", {}).get("Code", "")


def _is_passing(status: int, code: str) -> bool:
    return status == 429 or status >= 500 or code in _THROTTLING_CODES
