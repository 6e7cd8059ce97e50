"""Retries of AWS calls: which failures are transient, and the pauses between attempts."""

import random
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from live_sessions.aws.http import CallFailed, NoAnswer
from live_sessions.aws.runtime import Clock

if TYPE_CHECKING:
    from botocore.exceptions import ClientError

Result = TypeVar("Result")

BACKOFF_SECONDS = 0.2
"""The longest pause before the second attempt; it doubles with each further one."""

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
    """Whether an AWS call failed by throttling, a timeout or a server error."""
    if isinstance(failure, NoAnswer):
        return True
    if isinstance(failure, CallFailed):
        return _is_transient(failure.status, failure.code)
    # Imported here: botocore is slow to import, and the heartbeat function does not use it.
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
    return _is_transient(status, _code(failure))


def was_not_carried_out(failure: Exception) -> bool:
    """Whether the call never arrived or was throttled, so that a retry cannot do it twice."""
    from botocore.exceptions import ClientError, ConnectTimeoutError, EndpointConnectionError

    if isinstance(failure, ClientError):
        return _code(failure) in _THROTTLING_CODES
    return isinstance(failure, ConnectTimeoutError | EndpointConnectionError)


def _code(failure: "ClientError") -> str:
    return failure.response.get("Error", {}).get("Code", "")


def _is_transient(status: int, code: str) -> bool:
    return status == 429 or status >= 500 or code in _THROTTLING_CODES


def backoff_seconds(attempts: int) -> float:
    """A random pause after that many attempts, so that callers do not all retry at once."""
    longest_seconds = BACKOFF_SECONDS * 2 ** (attempts - 1)
    return random.uniform(longest_seconds / 2, longest_seconds)  # noqa: S311


def repeated(
    call: Callable[[], Result],
    *,
    attempts: int,
    is_transient: Callable[[Exception], bool],
    clock: Clock,
) -> Result:
    """The call's result, after at most `attempts` attempts.

    Raises what the last attempt raised, or the first failure that is not transient.
    """
    for made in range(1, attempts):
        try:
            return call()
        except Exception as failure:
            if not is_transient(failure):
                raise
        clock.sleep(backoff_seconds(made))
    return call()
