"""When a socket was last heard from, and when its silence means that it is dead.

API Gateway keeps a socket whose network was cut until its idle limit, so the clients' heartbeats
are what shows that they are there. A row has `lastHeardAt` from its first heartbeat on, and
further messages renew it; without one, its silence means nothing.
"""

RENEWED_EVERY_MS = 60_000
"""The protocol asks for a heartbeat as often."""

SILENT_AFTER_MS = 180_000
"""Three heartbeats in a row are missing."""


def minute_of(at_ms: int) -> int:
    """The beginning of the minute, in epoch milliseconds: a row is renewed once in each."""
    return at_ms - at_ms % RENEWED_EVERY_MS


def is_renewal_due(last_heard_at: int | None, at_ms: int) -> bool:
    """Whether the row was not renewed in this minute, or never."""
    return last_heard_at is None or last_heard_at < minute_of(at_ms)


def is_silent(last_heard_at: int | None, at_ms: int) -> bool:
    """Whether a socket that has sent heartbeats has not been heard from for too long."""
    return last_heard_at is not None and at_ms - last_heard_at >= SILENT_AFTER_MS
