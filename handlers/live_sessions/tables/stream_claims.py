"""The claim on a session's stream: each step one conditional update of the session's row."""

from typing import Any

import msgspec

from live_sessions.sessions import Session
from live_sessions.stream_claim import StreamClaim, StreamPosition
from live_sessions.tables.session_table import Attempt, SessionTable

_MINE = (
    "audioClaim.claimId = :claim AND audioClaim.processorId = :processor "
    "AND audioClaim.leaseUntil > :zero"
)


def claim(sessions: SessionTable, session: Session, wanted: StreamClaim, *, at_ms: int) -> Attempt:
    """Claim the stream for a processor that is to be started, if the session is live, has the
    speaker that was read, and nobody has moved the claim since.
    """
    values: dict[str, Any] = {
        ":wanted": msgspec.to_builtins(wanted),
        ":claim": wanted.claim_id,
        ":speaker": session.speaker_connection_id,
        ":now_seconds": at_ms / 1000,
    }
    seen = session.audio_claim
    if seen is None:
        unmoved = "attribute_not_exists(audioClaim)"
    else:
        unmoved = "(audioClaim.claimId = :seen AND audioClaim.leaseUntil = :seen_lease)"
        values |= {":seen": seen.claim_id, ":seen_lease": seen.lease_until}
    return sessions.attempt(
        session.session_id,
        "SET audioClaim = :wanted",
        condition=(
            "attribute_exists(sessionId) AND attribute_not_exists(endedAt) "
            "AND expiresAt > :now_seconds AND speakerConnectionId = :speaker "
            f"AND ({unmoved} OR audioClaim.claimId = :claim)"
        ),
        values=values,
    )


def take(
    sessions: SessionTable, session_id: str, claim_id: str, *, processor_id: str, lease_until: int
) -> Session | None:
    """Become the claim's one processor; None when another one is, or the claim is no more."""
    outcome = sessions.attempt(
        session_id,
        "SET audioClaim.processorId = :processor, audioClaim.leaseUntil = :until",
        condition=(
            "audioClaim.claimId = :claim AND audioClaim.leaseUntil > :zero AND "
            "(attribute_not_exists(audioClaim.processorId) OR audioClaim.processorId = :processor)"
        ),
        values={
            ":claim": claim_id,
            ":processor": processor_id,
            ":until": lease_until,
            ":zero": 0,
        },
    )
    return outcome.session if outcome.done else None


def renew(
    sessions: SessionTable,
    session_id: str,
    claim_id: str,
    *,
    processor_id: str,
    lease_until: int,
    next_caption: int,
) -> Session | None:
    """Hold the stream for longer; None when it is another's by now."""
    outcome = sessions.attempt(
        session_id,
        "SET audioClaim.leaseUntil = :until, audioClaim.nextCaption = :caption "
        "REMOVE audioClaim.reached",
        condition=_MINE,
        values={
            ":claim": claim_id,
            ":processor": processor_id,
            ":until": lease_until,
            ":caption": next_caption,
            ":zero": 0,
        },
    )
    return outcome.session if outcome.done else None


def release(
    sessions: SessionTable,
    session_id: str,
    claim_id: str,
    *,
    processor_id: str,
    next_caption: int,
    reached: StreamPosition | None,
) -> None:
    """Leave the stream to whoever claims it next, who goes on where this one got to."""
    assignments = "SET audioClaim.leaseUntil = :zero, audioClaim.nextCaption = :caption"
    values: dict[str, Any] = {
        ":claim": claim_id,
        ":processor": processor_id,
        ":caption": next_caption,
        ":zero": 0,
    }
    if reached is not None:
        assignments += ", audioClaim.reached = :reached"
        values[":reached"] = msgspec.to_builtins(reached)
    sessions.attempt(session_id, assignments, condition=_MINE, values=values)


def give_back(sessions: SessionTable, session_id: str, claim_id: str) -> bool:
    """Take back a claim for which no processor may have been started; False when one has it."""
    outcome = sessions.attempt(
        session_id,
        "SET audioClaim.leaseUntil = :zero",
        condition="audioClaim.claimId = :claim AND attribute_not_exists(audioClaim.processorId)",
        values={":claim": claim_id, ":zero": 0},
    )
    current = outcome.session and outcome.session.audio_claim
    return outcome.done or current is None or current.claim_id != claim_id
