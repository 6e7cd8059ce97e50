"""Every five minutes: bring back to the truth what a crash between two calls left behind.

Per active session it reads the session, its speaker's row and its listeners' index; it writes only
what differs, and a count only if no join, leave or change has come between.
"""

import random
from collections import Counter
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from live_sessions import clients, environment
from live_sessions.connection_table import ConnectionTable
from live_sessions.environment import ReconcileEnvironment
from live_sessions.follow_ups import FanOut
from live_sessions.lifecycle import Ending
from live_sessions.membership import Membership
from live_sessions.protocol import EndReason
from live_sessions.session_table import SessionTable
from live_sessions.sessions import (
    STATUS_SHARDS_LIMIT,
    Session,
    now_ms,
    present_languages,
    shard_of,
)
from live_sessions.telemetry import count, logger

PAGE_SIZE = 1000
SETTLED_MS = 30_000
"""Joins and leaves in flight have reached the index by then."""

TIME_RESERVE_MS = 10_000

SPEAKER_PATIENCE_SECONDS = 60
"""Longer than any invocation that is just connecting a speaker to his session."""

ENVIRONMENT = environment.read(ReconcileEnvironment)
DYNAMODB = clients.dynamodb()
SESSIONS = SessionTable(DYNAMODB, ENVIRONMENT.sessions_table)
CONNECTIONS = ConnectionTable(DYNAMODB, ENVIRONMENT.connections_table)
MEMBERSHIP = Membership(SESSIONS, CONNECTIONS)
ENDING = Ending(
    SESSIONS, CONNECTIONS, FanOut(clients.lambda_(), ENVIRONMENT.fan_out_function), checks=None
)


def handler(event: Mapping[str, Any], context: Any) -> None:
    """Sweep every shard, in an order that changes, so that none always comes last."""
    totals: Counter[str] = Counter()
    shards = random.sample(range(STATUS_SHARDS_LIMIT), STATUS_SHARDS_LIMIT)
    for session in (each for shard in shards for each in list(SESSIONS.active_in_shard(shard))):
        if context.get_remaining_time_in_millis() < TIME_RESERVE_MS:
            totals["left to the next run"] += 1
            continue
        try:
            totals[reconcile(session)] += 1
        except (ClientError, BotoCoreError):
            logger.exception("Left to the next run", extra={"session": session.session_id})
            totals["failed"] += 1
    count(
        SessionsFinished=totals["ended again"] + totals["expired"] + totals["speaker lost"],
        CountsCorrected=totals["corrected"],
        SessionsNotReconciled=totals["failed"] + totals["left to the next run"],
    )
    logger.info("reconciled", extra=dict(totals))


def reconcile(listed: Session) -> str:
    """Set one session right and say what was done."""
    at_ms = now_ms()
    session = SESSIONS.get(listed.session_id)
    if session is None:
        return "gone"
    if session.ended_at is not None:
        ENDING.start_fan_out(session)
        return "ended again"
    if session.has_expired(at_ms):
        ENDING.end(session.session_id, EndReason.EXPIRED, at_ms=at_ms)
        return "expired"
    if _speaker_is_lost_for_good(session, at_ms):
        ENDING.end(
            session.session_id,
            EndReason.SPEAKER_LOST,
            at_ms=at_ms,
            speaker_connection_id=session.speaker_connection_id,
        )
        return "speaker lost"
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


def _correct_counts(session: Session, at_ms: int) -> str:
    """A count that is too low is corrected at once, one that is too high on the second sight.

    A leave deletes its row before it lowers the count: in between it looks like a drift. By the
    next run it has moved `membershipVersion`.
    """
    if at_ms - session.membership_changed_at < SETTLED_MS:
        return "unsettled"
    counted = _count_listeners(session, at_ms)
    recorded = present_languages(session.listeners_by_language)
    if counted == recorded and counted.total() == session.listener_count:
        return "right"
    falls = counted.total() < session.listener_count or any(
        counted[language] < listeners for language, listeners in recorded.items()
    )
    if falls and session.drift_seen_at_version != session.membership_version:
        SESSIONS.note_drift(session)
        return "drift seen"
    return "corrected" if SESSIONS.correct_counts(session, counted) else "moved on"


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
