"""Every five minutes: bring back to the truth what a crash between two calls left behind.

Per active session it reads the session, its speaker's row and its listeners' index; it writes only
what differs, and a count only if no join, leave or change has come between.
"""

import random
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from time import sleep
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from live_sessions import environment
from live_sessions.aws import clients
from live_sessions.environment import ReconcileEnvironment
from live_sessions.follow_ups import FanOut
from live_sessions.lifecycle import Ending
from live_sessions.membership import Membership
from live_sessions.protocol import EndReason
from live_sessions.sessions import (
    STATUS_SHARDS_LIMIT,
    Session,
    now_ms,
    shard_of,
)
from live_sessions.tables import listener_counts
from live_sessions.tables.connection_table import ConnectionTable
from live_sessions.tables.session_table import SessionTable
from live_sessions.telemetry import count, gauge, logger

PAGE_SIZE = 1000
SETTLED_MS = 30_000
"""Joins and leaves in flight have reached the index by then."""

TIME_RESERVE_MS = 10_000
CONCURRENT_SHARDS = 8

SECOND_SIGHT_SECONDS = 90
"""Longer than any function lives that removes listeners."""

SPEAKER_PATIENCE_SECONDS = 60
"""Longer than any invocation that is just connecting a speaker to his session."""

ENVIRONMENT = environment.read(ReconcileEnvironment)
DYNAMODB = clients.dynamodb()
SESSIONS = SessionTable(DYNAMODB, ENVIRONMENT.sessions_table)
CONNECTIONS = ConnectionTable(DYNAMODB, ENVIRONMENT.connections_table)
MEMBERSHIP = Membership(SESSIONS, CONNECTIONS)
ENDING = Ending(
    SESSIONS, CONNECTIONS, FanOut(clients.lambda_, ENVIRONMENT.fan_out_function), checks=None
)


@dataclass(frozen=True)
class Suspect:
    """A session whose count is higher than its rows, and these by language."""

    session: Session
    counted: Mapping[str, int]


@dataclass(frozen=True)
class Outcome:
    """What was done with a session."""

    what: str
    suspect: Suspect | None = None


@dataclass(frozen=True)
class ShardSweep:
    """What was done with a shard's sessions; `listed`: those it held, None if it was not read."""

    outcomes: list[Outcome]
    listed: list[Session] | None


def handler(event: Mapping[str, Any], context: Any) -> None:
    """Sweep every shard, several at a time, in an order that changes, so that none always comes
    last; then look again at the counts that were too high.
    """
    totals: Counter[str] = Counter()
    suspects: list[Suspect] = []

    def sweep_shard(shard: int) -> ShardSweep:
        return sweep(shard, context)

    shards = random.sample(range(STATUS_SHARDS_LIMIT), STATUS_SHARDS_LIMIT)
    with ThreadPoolExecutor(CONCURRENT_SHARDS) as pool:
        sweeps = list(pool.map(sweep_shard, shards))
    for outcome in (outcome for each in sweeps for outcome in each.outcomes):
        totals[outcome.what] += 1
        if outcome.suspect is not None:
            suspects.append(outcome.suspect)
    tell_how_many(sweeps)
    totals["corrected"] += look_again(suspects, context)
    count(
        SessionsFinished=totals["ended again"] + totals["expired"] + totals["speaker lost"],
        CountsCorrected=totals["corrected"],
        SessionsNotReconciled=totals["failed"] + totals["left to the next run"],
    )
    logger.info("reconciled", extra=dict(totals))


def tell_how_many(sweeps: list[ShardSweep]) -> None:
    """Emit how many sessions live and how many listen; nothing if that is not known of all."""
    listed = [each.listed for each in sweeps if each.listed is not None]
    if len(listed) < len(sweeps):
        return
    live = [session for sessions in listed for session in sessions if session.ended_at is None]
    gauge(ActiveSessions=len(live), ActiveListeners=sum(session.listener_count for session in live))


def sweep(shard: int, context: Any) -> ShardSweep:
    """Set the shard's sessions right, as long as there is time."""
    try:
        sessions = list(SESSIONS.active_in_shard(shard))
    except (ClientError, BotoCoreError):
        logger.exception("A shard is left to the next run", extra={"shard": shard})
        return ShardSweep([Outcome("failed")], None)
    outcomes: list[Outcome] = []
    for session in sessions:
        if context.get_remaining_time_in_millis() < TIME_RESERVE_MS:
            outcomes.append(Outcome("left to the next run"))
        else:
            outcomes.append(attempt(session))
    return ShardSweep(outcomes, sessions)


def attempt(session: Session) -> Outcome:
    try:
        return reconcile(session)
    except (ClientError, BotoCoreError):
        logger.exception("Left to the next run", extra={"session": session.session_id})
        return Outcome("failed")


def look_again(suspects: list[Suspect], context: Any) -> int:
    """Lower the counts that nobody has moved meanwhile, unless there is no time left to be sure of
    them; returns how many.

    They are lowered to what was counted at the first sight: each leave that was under way then is
    over, and one that is under way now found its row counted.
    """
    needed_ms = SECOND_SIGHT_SECONDS * 1000 + TIME_RESERVE_MS
    if not suspects or context.get_remaining_time_in_millis() < needed_ms:
        return 0
    sleep(SECOND_SIGHT_SECONDS)
    return sum(lower(each) for each in suspects)


def lower(suspect: Suspect) -> bool:
    try:
        return listener_counts.correct(SESSIONS, suspect.session, suspect.counted)
    except (ClientError, BotoCoreError):
        session_id = suspect.session.session_id
        logger.exception("Left to the next run", extra={"session": session_id})
        return False


def reconcile(listed: Session) -> Outcome:
    """Set one session right."""
    at_ms = now_ms()
    session = SESSIONS.get(listed.session_id)
    if session is None:
        return Outcome("gone")
    if session.ended_at is not None:
        ENDING.start_fan_out(session)
        return Outcome("ended again")
    if session.has_expired(at_ms):
        ENDING.end(session.session_id, EndReason.EXPIRED, at_ms=at_ms)
        return Outcome("expired")
    if _speaker_is_lost_for_good(session, at_ms):
        ENDING.end(
            session.session_id,
            EndReason.SPEAKER_LOST,
            at_ms=at_ms,
            speaker_connection_id=session.speaker_connection_id,
        )
        return Outcome("speaker lost")
    shard = shard_of(session.session_id, ENVIRONMENT.status_shards)
    if session.active_shard != shard:
        SESSIONS.move_to_shard(session.session_id, shard)
    return _correct_counts(session, at_ms)


def _speaker_is_lost_for_good(session: Session, at_ms: int) -> bool:
    """Seen without a speaker twice, the grace period and more apart."""
    speaker = CONNECTIONS.get(session.speaker_connection_id, at_ms=at_ms)
    if speaker is not None and speaker.session_id == session.session_id:
        if session.speaker_lost_at is not None:
            SESSIONS.mark_speaker_present(session.session_id, session.speaker_connection_id)
        return False
    if session.speaker_lost_at is None:
        SESSIONS.mark_speaker_lost(session.session_id, session.speaker_connection_id, at_ms=at_ms)
        return False
    patience_seconds = max(ENVIRONMENT.speaker_grace_seconds, SPEAKER_PATIENCE_SECONDS)
    return at_ms - session.speaker_lost_at >= patience_seconds * 1000


def _correct_counts(session: Session, at_ms: int) -> Outcome:
    """A count that is too low is corrected at once, one that is too high at the second sight.

    A leave deletes its row before it lowers the count: in between it looks like a drift. By the
    second sight it has moved `membershipVersion`.
    """
    if at_ms - session.membership_changed_at < SETTLED_MS:
        return Outcome("unsettled")
    counted = _count_listeners(session, at_ms)
    recorded = {
        language: listeners
        for language, listeners in session.listeners_by_language.items()
        if listeners != 0
    }
    if counted == recorded and counted.total() == session.listener_count:
        return Outcome("right")
    falls = counted.total() < session.listener_count or any(
        counted[language] < listeners for language, listeners in recorded.items()
    )
    if falls:
        return Outcome("too high", Suspect(session, counted))
    corrected = listener_counts.correct(SESSIONS, session, counted)
    return Outcome("corrected" if corrected else "moved on")


def _count_listeners(session: Session, at_ms: int) -> Counter[str]:
    """The rows by language; those that outlived their socket are taken out."""
    counted: Counter[str] = Counter()
    for page in CONNECTIONS.listener_pages(session.session_id, page_size=PAGE_SIZE):
        for listener in page:
            if listener.ttl > at_ms / 1000:
                counted[listener.target_language] += 1
            else:
                MEMBERSHIP.leave(listener.connection_id, session.session_id)
    return counted
