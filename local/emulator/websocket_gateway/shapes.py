"""The shapes of what goes in and out: JSON objects, and the two ends of an ASGI connection."""

from collections.abc import Awaitable, Callable
from typing import Any

Json = dict[str, Any]
Receive = Callable[[], Awaitable[Json]]
Send = Callable[[Json], Awaitable[None]]
