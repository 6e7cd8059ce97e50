"""Members whose sockets are dead: found by their silence, removed as if they had left.

A socket that has sent heartbeats and then nothing is dead, whatever API Gateway says of it: it
keeps a socket whose network was cut. A socket that never sent a heartbeat stays, until API Gateway
says that it is gone.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from contract import metrics
from live_sessions.aws.http import CallFailed, NoAnswer
from live_sessions.aws.runtime import Clock, emit
from live_sessions.listeners.membership import Membership
from live_sessions.sessions.connections import Connection, ConnectionTable, Presence
from live_sessions.sessions.hearing import is_silent
from live_sessions.sessions.lost_speakers import LostSpeakers
from live_sessions.sessions.rows import Session
from live_sessions.status.pushes import EventPushes
from live_sessions.wire.sockets import Sockets

IDLE_LIMIT_MS = 600_000
"""https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-execution-service-websocket-limits-table.html"""

ASKED_AT_ONCE = 10
"""Sockets without heartbeats that API Gateway is asked about, of each page of listeners."""


@dataclass(frozen=True, kw_only=True)
class DeadSockets:
    """Removes them. Whoever deletes the row releases the place, so a leave is counted once."""

    connections: ConnectionTable
    membership: Membership
    lost_speakers: LostSpeakers
    sockets: Sockets
    pushes: EventPushes
    clock: Clock

    def remove_listeners(
        self, session_id: str, connection_ids: Sequence[str], *, until_seconds: float
    ) -> set[str]:
        """Remove those of these listeners that are dead, and return them; push the new count.

        No removal starts after `until_seconds` (of the monotonic clock): the rest is left to the
        next turn. Raises botocore's errors.
        """
        presences = [
            each
            for each in self.connections.presences(connection_ids)
            if each.session_id == session_id
        ]
        removed: set[str] = set()
        latest: Session | None = None
        try:
            for presence in self._dead(presences):
                if self.clock.monotonic() >= until_seconds:
                    break
                row = self.connections.remove(
                    presence.connection_id,
                    session_id=session_id,
                    last_heard_at=presence.last_heard_at,
                ).row
                if row is None:
                    continue
                removed.add(presence.connection_id)
                latest = self.membership.release(row) or latest
                self._close(presence)
        finally:
            emit({metrics.DEAD_SOCKETS_REMOVED: len(removed)})
            if latest is not None:
                self.pushes.push_count(latest)
        return removed

    def remove_speaker(self, session: Session, speaker: Connection) -> bool:
        """Whether the speaker's socket is dead; then its row is removed and their grace begins."""
        heard = speaker.last_heard_at
        if heard is not None and session.status_requested_at is not None:
            # The status function notes its messages in the session's row.
            heard = max(heard, session.status_requested_at)
        presence = Presence(
            connection_id=speaker.connection_id,
            session_id=session.session_id,
            connected_at=speaker.connected_at,
            last_heard_at=heard,
        )
        if not self._dead([presence]):
            return False
        row = self.connections.remove(
            speaker.connection_id,
            session_id=session.session_id,
            last_heard_at=speaker.last_heard_at,
        ).row
        if row is None:
            return False
        emit({metrics.DEAD_SOCKETS_REMOVED: 1})
        self.lost_speakers.start_grace(row, at_ms=self.clock.now_ms())
        self._close(presence)
        return True

    def _dead(self, presences: Sequence[Presence]) -> list[Presence]:
        at_ms = self.clock.now_ms()
        dead = [each for each in presences if is_silent(each.last_heard_at, at_ms)]
        unsure = [each for each in presences if _may_be_asked_about(each, at_ms)]
        for each in random.sample(unsure, min(ASKED_AT_ONCE, len(unsure))):
            try:
                if not self.sockets.is_open(each.connection_id):
                    dead.append(each)
            except (NoAnswer, CallFailed):
                # The next turn asks again.
                break
        return dead

    def _close(self, presence: Presence) -> None:
        """Close a silent socket: a client whose network comes back then knows it has to join."""
        if presence.last_heard_at is not None:
            self.sockets.close(presence.connection_id)


def _may_be_asked_about(presence: Presence, at_ms: int) -> bool:
    """Whether it has sent no heartbeat, and API Gateway may have closed it for being idle."""
    return presence.last_heard_at is None and at_ms - presence.connected_at >= IDLE_LIMIT_MS
