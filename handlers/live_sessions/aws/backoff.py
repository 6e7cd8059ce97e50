"""The pauses between attempts."""

import random

BACKOFF_SECONDS = 0.2
"""The longest pause before the second attempt; it doubles with each further one."""


def backoff_seconds(attempts: int) -> float:
    """The pause after so many attempts: a random one, so that not all come back at once."""
    longest_seconds = BACKOFF_SECONDS * 2 ** (attempts - 1)
    return random.uniform(longest_seconds / 2, longest_seconds)  # noqa: S311
