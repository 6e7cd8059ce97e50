"""Who sent an event."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from live_sessions.protocol import Role


@dataclass(frozen=True)
class Caller:
    """Who sent the event, as the authorizer verified at the handshake.

    `connected_at` is epoch milliseconds, `address` the client's IP address.
    """

    connection_id: str
    role: Role
    user_id: str | None
    connected_at: int
    address: str

    @classmethod
    def of(cls, event: Mapping[str, Any]) -> "Caller":
        """Raises KeyError or ValueError when the event did not pass the authorizer."""
        context = event["requestContext"]
        authorizer = context["authorizer"]
        return cls(
            connection_id=context["connectionId"],
            role=Role(authorizer["role"]),
            user_id=authorizer.get("userId") or None,
            connected_at=int(context["connectedAt"]),
            address=context["identity"]["sourceIp"],
        )
