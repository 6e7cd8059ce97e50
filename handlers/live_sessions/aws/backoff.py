"""Attempts, and the pauses between them."""

import random
import time
from collections.abc import Callable
from typing import TypeVar

Result = TypeVar("Result")

BACKOFF_SECONDS = 0.2
"""The longest pause before the second attempt; it doubles with each further one."""


def backoff_seconds(attempts: int) -> float:
    """The pause after so many attempts: a random one, so that not all come back at once."""
    longest_seconds = BACKOFF_SECONDS * 2 ** (attempts - 1)
    return random.uniform(longest_seconds / 2, longest_seconds)  # noqa: S311


def repeated(
    call: Callable[[], Result], *, attempts: int, is_passing: Callable[[Exception], bool]
) -> Result:
    """The call's result; it is made again, `attempts` times in all, after a failure that may pass.

    Raises what the last attempt raised, or what does not pass.
    """
    for made in range(1, attempts):
        try:
            return call()
        except Exception as failure:
            if not is_passing(failure):
                raise
        time.sleep(backoff_seconds(made))
    return call()
