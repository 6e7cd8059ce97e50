"""Sockets, due deliveries, and what an operation did."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.handlers.properties.clock import FrozenClock
from tests.handlers.properties.tables import Change


@dataclass(frozen=True)
class Context:
    """Lambda's, by the test's clock."""

    clock: FrozenClock
    deadline_ms: int

    def get_remaining_time_in_millis(self) -> int:
        return self.deadline_ms - self.clock.now_ms


@dataclass
class Socket:
    """A client's connection; `opening` during the handshake, which the client may abandon.

    A client that has sent a heartbeat, at `beat_at_ms`, sends one a minute, unless its network
    `is_cut`: then API Gateway still has the socket, but nothing comes from it or reaches it.
    """

    connection_id: str
    role: str
    user_id: str | None
    connected_at: int
    state: str = "opening"
    abandoned: bool = False
    disconnects: int = 0
    beat_at_ms: int | None = None
    is_cut: bool = False


@dataclass
class Due:
    """A message of the checks queue, or an asynchronous invocation when `due_ms` is its start."""

    body: dict[str, Any]
    due_ms: int
    attempts_left: int


@dataclass
class Record:
    """What an operation did that the invariants ask about."""

    kind: str
    connection_id: str | None = None
    action: str | None = None
    fields: dict[str, Any] = field(default_factory=dict)
    changes: list[Change] = field(default_factory=list)
    posts: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def answer(self, result: Mapping[str, Any]) -> dict[str, Any]:
        """The reply, or the error frame that a route without replies posts."""
        if "body" in result:
            return json.loads(result["body"])
        sent = [frame for receiver, frame in self.posts if receiver == self.connection_id]
        return sent[-1] if sent else {"type": "accepted"}
