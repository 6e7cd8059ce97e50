"""Reconcile: correct what a crash between two calls left behind, and remove dead sockets.

For each active session it reads the session, the speaker's row, the listeners index and the
listeners' rows. It writes only what differs, and a count only if no join, leave or change of
language came in between.
"""

import random
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass

from botocore.exceptions import BotoCoreError, ClientError

from contract import metrics
from live_sessions.aws.runtime import Clock, emit, logger
from live_sessions.listeners.dead_sockets import DeadSockets
from live_sessions.listeners.membership import Membership
from live_sessions.sessions.connections import ConnectionTable
from live_sessions.sessions.lifecycle import SessionEnder
from live_sessions.sessions.rows import Session, SessionTable, shard_of
from live_sessions.wire.frames import EndReason

PAGE_SIZE = 1000
SETTLED_MS = 30_000
"""Joins and leaves in flight have reached the index by then."""

TURN_SECONDS = 100
"""A shard's next turn begins two minutes after this one."""

TIME_RESERVE_MS = 10_000
CONCURRENT_SESSIONS = 8

RECHECK_DELAY_SECONDS = 90
"""Longer than the time limit of any function that removes listeners."""

SPEAKER_PATIENCE_SECONDS = 60
"""Longer than any invocation that is connecting a speaker to their session."""

ANNOUNCED_AFTER_MS = 60_000
"""Longer than a control, and the start of its fan-out, take."""


@dataclass(frozen=True)
class Suspect:
    """A session whose count is higher than its rows, and the rows by language."""

    session: Session
    counted: Mapping[str, int]


@dataclass(frozen=True)
class Finding:
    """What was done with a session; the name of a total in the log."""

    what: str
    suspect: Suspect | None = None


@dataclass(frozen=True, kw_only=True)
class Reconciliation:
    """One turn over the sessions of a shard, within the invocation's time.

    `send_broadcast_state` sends a session's broadcast state to its listeners.
    """

    sessions: SessionTable
    connections: ConnectionTable
    membership: Membership
    dead_sockets: DeadSockets
    ender: SessionEnder
    send_broadcast_state: Callable[[Session], None]
    clock: Clock
    status_shards: int
    speaker_grace_seconds: int
    threads: Callable[[int], Executor] = ThreadPoolExecutor

    def reconcile_shard(self, shard: int, left_ms: Callable[[], int]) -> None:
        """Reconcile the shard's sessions, several at once, then recheck counts that were too high.

        The order is random: if time runs out, what is left to the next turn is another part each
        time, and no session is always the last.
        """
        until_seconds = self.clock.monotonic() + min(
            TURN_SECONDS, (left_ms() - TIME_RESERVE_MS) / 1000
        )
        try:
            sessions = list(self.sessions.active_in_shard(shard))
        except (ClientError, BotoCoreError):
            logger.exception("A shard is left to the next turn", extra={"shard": shard})
            emit({metrics.SESSIONS_NOT_RECONCILED: 1})
            return
        random.shuffle(sessions)

        def reconcile(session: Session) -> Finding:
            return self._reconcile_safely(session, until_seconds)

        with self.threads(CONCURRENT_SESSIONS) as pool:
            findings = list(pool.map(reconcile, sessions))
        totals = Counter(finding.what for finding in findings)
        suspects = [finding.suspect for finding in findings if finding.suspect is not None]
        totals["corrected"] += self._recheck(suspects, left_ms)
        finished = totals["ended again"] + totals["expired"] + totals["speaker lost"]
        emit(
            {
                metrics.SESSIONS_FINISHED: finished,
                metrics.COUNTS_CORRECTED: totals["corrected"],
                metrics.SESSIONS_NOT_RECONCILED: totals["failed"] + totals["left to the next turn"],
            }
        )
        logger.info("reconciled", extra={"shard": shard, **totals})

    def _reconcile_safely(self, session: Session, until_seconds: float) -> Finding:
        if self.clock.monotonic() >= until_seconds:
            return Finding("left to the next turn")
        try:
            return self._reconcile(session, until_seconds)
        except (ClientError, BotoCoreError):
            logger.exception("Left to the next turn", extra={"session": session.session_id})
            return Finding("failed")

    def _recheck(self, suspects: list[Suspect], left_ms: Callable[[], int]) -> int:
        """Lower the counts that did not change meanwhile, if there is time; returns how many.

        They are lowered to the first count of rows: every leave that was in progress then is over,
        and one that is in progress now found its row counted.
        """
        needed_ms = RECHECK_DELAY_SECONDS * 1000 + TIME_RESERVE_MS
        if not suspects or left_ms() < needed_ms:
            return 0
        self.clock.sleep(RECHECK_DELAY_SECONDS)
        return sum(self._lower(suspect) for suspect in suspects)

    def _lower(self, suspect: Suspect) -> bool:
        try:
            return self.membership.correct(suspect.session, suspect.counted)
        except (ClientError, BotoCoreError):
            session_id = suspect.session.session_id
            logger.exception("Left to the next turn", extra={"session": session_id})
            return False

    def _reconcile(self, listed: Session, until_seconds: float) -> Finding:
        at_ms = self.clock.now_ms()
        session = self.sessions.get(listed.session_id)
        if session is None:
            return Finding("gone")
        if session.ended_at is not None:
            self.ender.start_fan_out(session)
            return Finding("ended again")
        if session.has_expired(at_ms):
            self.ender.end(session.session_id, EndReason.EXPIRED, at_ms=at_ms)
            return Finding("expired")
        if self._is_speaker_lost_for_good(session, at_ms):
            self.ender.end(
                session.session_id,
                EndReason.SPEAKER_LOST,
                at_ms=at_ms,
                speaker_connection_id=session.speaker_connection_id,
            )
            return Finding("speaker lost")
        shard = shard_of(session.session_id, self.status_shards)
        if session.active_shard != shard:
            self.sessions.move_to_shard(session.session_id, shard)
        self._announce_if_due(session, at_ms)
        return self._correct_counts(session, at_ms, until_seconds)

    def _is_speaker_lost_for_good(self, session: Session, at_ms: int) -> bool:
        """Whether two turns found no speaker, at least the grace period apart."""
        speaker = self.connections.get(session.speaker_connection_id, at_ms=at_ms)
        if speaker is not None and speaker.session_id == session.session_id:
            if self.dead_sockets.remove_speaker(session, speaker):
                return False
            if session.speaker_lost_at is not None:
                self.sessions.mark_speaker_present(
                    session.session_id, session.speaker_connection_id
                )
            return False
        if session.speaker_lost_at is None:
            self.sessions.mark_speaker_lost(
                session.session_id, session.speaker_connection_id, at_ms=at_ms
            )
            return False
        patience_seconds = max(self.speaker_grace_seconds, SPEAKER_PATIENCE_SECONDS)
        return at_ms - session.speaker_lost_at >= patience_seconds * 1000

    def _announce_if_due(self, session: Session, at_ms: int) -> None:
        """Send a broadcast state to the listeners whose control died before its fan-out began."""
        if session.unannounced_version is None:
            return
        if at_ms - session.broadcast_state.last_state_change >= ANNOUNCED_AFTER_MS:
            self.send_broadcast_state(session)

    def _correct_counts(self, session: Session, at_ms: int, until_seconds: float) -> Finding:
        """Correct a count that is too low at once, and leave one that is too high to the recheck.

        A leave deletes its row before it lowers the count: in between, the count looks too high.
        By the recheck it has raised `membershipVersion`.
        """
        counted, removed = self._count_listeners(session, at_ms, until_seconds)
        if removed:
            return Finding("dead sockets removed")
        if at_ms - session.membership_changed_at < SETTLED_MS:
            return Finding("unsettled")
        recorded = {
            language: listeners
            for language, listeners in session.listeners_by_language.items()
            if listeners != 0
        }
        if counted == recorded and counted.total() == session.listener_count:
            return Finding("right")
        is_too_high = counted.total() < session.listener_count or any(
            counted[language] < listeners for language, listeners in recorded.items()
        )
        if is_too_high:
            return Finding("too high", Suspect(session, counted))
        corrected = self.membership.correct(session, counted)
        return Finding("corrected" if corrected else "moved on")

    def _count_listeners(
        self, session: Session, at_ms: int, until_seconds: float
    ) -> tuple[Counter[str], int]:
        """The rows by language, and how many were removed since their sockets are dead."""
        counted: Counter[str] = Counter()
        removed = 0
        for page in self.connections.listener_pages(session.session_id, page_size=PAGE_SIZE):
            within_lifetime = [each for each in page if each.ttl > at_ms / 1000]
            for listener in page:
                if listener.ttl <= at_ms / 1000:
                    self.membership.leave(listener.connection_id, session.session_id)
            dead = self.dead_sockets.remove_listeners(
                session.session_id,
                [each.connection_id for each in within_lifetime],
                until_seconds=until_seconds,
            )
            removed += len(dead)
            counted.update(
                each.target_language for each in within_lifetime if each.connection_id not in dead
            )
        return counted, removed
