"""What a session is and what follows from its state: pure decisions, no AWS."""

import math
import time
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from live_sessions.protocol import BroadcastState, EndReason, SessionStatus, UpdateReason
from live_sessions.protocol.refusals import session_ended, session_not_found
from live_sessions.stream_claim import StreamClaim

SESSION_RETENTION_SECONDS = 24 * 3600
"""How long an ended session's row may still be asked about before its TTL."""

STATUS_SHARDS_LIMIT = 64
"""The most shards that configuration allows; reconcile sweeps them all."""


class Session(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A session's row, or what the active-session index projects of it.

    Times are epoch milliseconds, but `expires_at` epoch seconds. `last_move_id` is of the join,
    leave or change of language that moved the counts last, `last_control_id` of the speaker's last
    control, `last_push_id` of the last event push, and `status_baseline` the listener count that it
    told. `paused_at` is there during a pause; `last_paused_at` is when the pause began that ended
    last. `silent_since` is when the broadcast fell silent last, `audible_since` when it ended a
    silence last. `stream_epoch` rises then, and when audio comes from another socket; `audio_claim`
    is whose turn it is to transcribe it.
    """

    session_id: str
    speaker_connection_id: str
    source_language: str
    quality_tier: str = "standard"
    created_at: int
    expires_at: int
    broadcast_state: BroadcastState
    listener_count: int
    listeners_by_language: dict[str, int]
    membership_version: int
    membership_changed_at: int
    status_baseline: int = 0
    speaker_user_id: str | None = None
    active_shard: int | None = None
    ended_at: int | None = None
    end_reason: EndReason | None = None
    status_requested_at: int | None = None
    speaker_lost_at: int | None = None
    paused_at: int | None = None
    last_paused_at: int | None = None
    last_control_id: str | None = None
    last_push_id: str | None = None
    last_move_id: str | None = None
    stream_epoch: int = 0
    audible_since: int = 0
    silent_since: int = 0
    audio_claim: StreamClaim | None = None

    def is_of(self, connection_id: str) -> bool:
        """Whether the connection is its speaker's: another one may have taken that place."""
        return self.speaker_connection_id == connection_id

    def audio_epoch(self, at_ms: int) -> int | None:
        """The stream's epoch of what was said then, None for what was said in silence: handled
        late, it is judged by the broadcast as it was.
        """
        if self.broadcast_state.is_silent:
            is_heard = self.audible_since <= at_ms < self.silent_since
        else:
            is_heard = at_ms >= self.audible_since or at_ms < self.silent_since
        if not is_heard:
            return None
        return self.stream_epoch if at_ms >= self.audible_since else self.stream_epoch - 1

    def has_expired(self, now_ms: int) -> bool:
        return now_ms >= self.expires_at * 1000

    def is_live(self, now_ms: int) -> bool:
        """Ended and expired sessions are dead, whatever TTL has or has not removed."""
        return self.ended_at is None and not self.has_expired(now_ms)


def session_from_attributes(attributes: Mapping[str, Any]) -> Session:
    """A session from plain attribute values; further attributes are ignored."""
    return msgspec.convert(attributes, Session)


def require_live(session: Session | None, session_id: str, at_ms: int) -> Session:
    """The session, if there is one that lives; raises ProtocolError with SESSION_NOT_FOUND or
    SESSION_ENDED.
    """
    if session is None:
        raise session_not_found(session_id)
    if not session.is_live(at_ms):
        raise session_ended(session_id)
    return session


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def shard_of(session_id: str, shards: int) -> int:
    """Which of `shards` partitions of the active-session index holds the session."""
    return zlib.crc32(session_id.encode()) % shards


def present_languages(listeners_by_language: Mapping[str, int]) -> dict[str, int]:
    return {code: count for code, count in sorted(listeners_by_language.items()) if count > 0}


def status_frame(
    session: Session, reason: UpdateReason, at_ms: int, request_id: str | None = None
) -> SessionStatus:
    return SessionStatus(
        timestamp=at_ms,
        request_id=request_id,
        session_id=session.session_id,
        listener_count=session.listener_count,
        language_distribution=present_languages(session.listeners_by_language),
        session_duration=max(0, at_ms - session.created_at) // 1000,
        broadcast_state=session.broadcast_state,
        update_reason=reason,
    )


def periodic_status_is_due(session: Session, at_ms: int, interval_seconds: int) -> bool:
    """Live, and not asked for its status within the last half interval."""
    if not session.is_live(at_ms):
        return False
    requested_at = session.status_requested_at
    return requested_at is None or at_ms - requested_at >= interval_seconds * 1000 / 2


@dataclass(frozen=True)
class CountBounds:
    """Listener counts from `lowest` to `highest` are no news beside the last event push."""

    lowest: int
    highest: int

    @classmethod
    def around(cls, baseline: int, threshold_percent: int) -> "CountBounds":
        """More than `threshold_percent` of the baseline away is news; from none, any listener."""
        margin = baseline * threshold_percent / 100
        return cls(math.ceil(baseline - margin), math.floor(baseline + margin))

    def hold(self, listener_count: int) -> bool:
        return self.lowest <= listener_count <= self.highest
