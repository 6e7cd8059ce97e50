"""Reconcile: correct what a crash between two calls left behind.

For each active session it reads the session, the speaker's row and the listeners index. It writes
only what differs, and a count only if no join, leave or change of language came in between.
"""

import random
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from contract import metrics
from contract.tables import STATUS_SHARDS_LIMIT
from live_sessions.aws.runtime import Clock, emit, logger
from live_sessions.listeners.membership import Membership
from live_sessions.sessions.connections import ConnectionTable
from live_sessions.sessions.lifecycle import SessionEnder
from live_sessions.sessions.rows import Session, SessionTable, shard_of
from live_sessions.wire.frames import EndReason

PAGE_SIZE = 1000
SETTLED_MS = 30_000
"""Joins and leaves in flight have reached the index by then."""

TIME_RESERVE_MS = 10_000
CONCURRENT_SHARDS = 8

RECHECK_DELAY_SECONDS = 90
"""Longer than the time limit of any function that removes listeners."""

SPEAKER_PATIENCE_SECONDS = 60
"""Longer than any invocation that is connecting a speaker to their session."""


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


@dataclass(frozen=True)
class ShardSweep:
    """What was done with a shard's sessions; `listed` are these, or None if they were not read."""

    findings: list[Finding]
    listed: list[Session] | None


@dataclass(frozen=True, kw_only=True)
class Reconciliation:
    """The reconcile function: one run over all shards within the invocation's time.

    `shards_swept` covers every shard that config may have used before.
    """

    sessions: SessionTable
    connections: ConnectionTable
    membership: Membership
    ender: SessionEnder
    clock: Clock
    status_shards: int
    speaker_grace_seconds: int
    shards_swept: int = STATUS_SHARDS_LIMIT
    threads: Callable[[int], Executor] = ThreadPoolExecutor

    def __call__(self, event: Mapping[str, Any], context: Any) -> None:
        """Sweep every shard, several at once, then recheck the counts that were too high.

        The order is random, so that no shard is always the last one.
        """
        left_ms: Callable[[], int] = context.get_remaining_time_in_millis
        shards = random.sample(range(self.shards_swept), self.shards_swept)

        def sweep(shard: int) -> ShardSweep:
            return self._sweep(shard, left_ms)

        with self.threads(CONCURRENT_SHARDS) as pool:
            sweeps = list(pool.map(sweep, shards))
        findings = [finding for sweep in sweeps for finding in sweep.findings]
        totals = Counter(finding.what for finding in findings)
        _emit_active(sweeps)
        suspects = [finding.suspect for finding in findings if finding.suspect is not None]
        totals["corrected"] += self._recheck(suspects, left_ms)
        finished = totals["ended again"] + totals["expired"] + totals["speaker lost"]
        emit(
            {
                metrics.SESSIONS_FINISHED: finished,
                metrics.COUNTS_CORRECTED: totals["corrected"],
                metrics.SESSIONS_NOT_RECONCILED: totals["failed"] + totals["left to the next run"],
            }
        )
        logger.info("reconciled", extra=dict(totals))

    def _sweep(self, shard: int, left_ms: Callable[[], int]) -> ShardSweep:
        try:
            sessions = list(self.sessions.active_in_shard(shard))
        except (ClientError, BotoCoreError):
            logger.exception("A shard is left to the next run", extra={"shard": shard})
            return ShardSweep([Finding("failed")], None)
        findings = [
            self._reconcile_safely(session)
            if left_ms() >= TIME_RESERVE_MS
            else Finding("left to the next run")
            for session in sessions
        ]
        return ShardSweep(findings, sessions)

    def _reconcile_safely(self, session: Session) -> Finding:
        try:
            return self._reconcile(session)
        except (ClientError, BotoCoreError):
            logger.exception("Left to the next run", extra={"session": session.session_id})
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
            logger.exception("Left to the next run", extra={"session": session_id})
            return False

    def _reconcile(self, listed: Session) -> Finding:
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
        return self._correct_counts(session, at_ms)

    def _is_speaker_lost_for_good(self, session: Session, at_ms: int) -> bool:
        """Whether two runs found no speaker, at least the grace period apart."""
        speaker = self.connections.get(session.speaker_connection_id, at_ms=at_ms)
        if speaker is not None and speaker.session_id == session.session_id:
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

    def _correct_counts(self, session: Session, at_ms: int) -> Finding:
        """Correct a count that is too low at once, and leave one that is too high to the recheck.

        A leave deletes its row before it lowers the count: in between, the count looks too high.
        By the recheck it has raised `membershipVersion`.
        """
        if at_ms - session.membership_changed_at < SETTLED_MS:
            return Finding("unsettled")
        counted = self._count_listeners(session, at_ms)
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

    def _count_listeners(self, session: Session, at_ms: int) -> Counter[str]:
        """The rows by language; removes those that outlived their socket."""
        counted: Counter[str] = Counter()
        for page in self.connections.listener_pages(session.session_id, page_size=PAGE_SIZE):
            for listener in page:
                if listener.ttl > at_ms / 1000:
                    counted[listener.target_language] += 1
                else:
                    self.membership.leave(listener.connection_id, session.session_id)
        return counted


def _emit_active(sweeps: list[ShardSweep]) -> None:
    """Emit how many sessions and listeners there are, unless a shard could not be read."""
    listed = [sweep.listed for sweep in sweeps if sweep.listed is not None]
    if len(listed) < len(sweeps):
        return
    live = [session for sessions in listed for session in sessions if session.ended_at is None]
    emit(
        {
            metrics.ACTIVE_SESSIONS: len(live),
            metrics.ACTIVE_LISTENERS: sum(session.listener_count for session in live),
        }
    )
