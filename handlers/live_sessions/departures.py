"""Listeners whose sockets are gone lose their rows and places, and the speaker is told of it."""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from botocore.exceptions import BotoCoreError, ClientError

from live_sessions.membership import Membership
from live_sessions.sessions import Session
from live_sessions.status.event_status import EventStatus

CONCURRENT_REMOVALS = 8
"""They all move the counts of one session row."""


@dataclass(frozen=True)
class Departures:
    membership: Membership
    event_status: EventStatus

    def remove(self, gone: Sequence[str], session_id: str, *, until_seconds: float) -> int:
        """Remove rows and counts, and return how many; the next frame finds the rest again.

        None is begun after `until_seconds` (monotonic clock).
        """
        sessions: list[Session] = []

        def leave(connection_id: str) -> bool:
            if time.monotonic() >= until_seconds:
                return False
            try:
                session = self.membership.leave(connection_id, session_id)
            except (ClientError, BotoCoreError):
                return False
            if session is not None:
                sessions.append(session)
            return True

        if not gone:
            return 0
        with ThreadPoolExecutor(min(len(gone), CONCURRENT_REMOVALS)) as pool:
            removed = sum(pool.map(leave, gone))
        if sessions:
            latest = max(sessions, key=lambda session: session.membership_version)
            self.event_status.tell_count(latest)
        return removed
