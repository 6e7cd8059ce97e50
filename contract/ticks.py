"""A tick of the periodic status, as the rule sends it to the function that hands it out."""

from typing import Any


def tick_event(scheduled_at: str, offset_seconds: int) -> dict[str, Any]:
    """The tick that is due `offset_seconds` after the rule fired at `scheduled_at` (ISO 8601)."""
    return {"tick": {"scheduledAt": scheduled_at, "offsetSeconds": offset_seconds}}
