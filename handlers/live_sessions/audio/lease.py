"""A processor's hold on its session's stream and slot, kept up for as long as it works."""

import math
import time
import uuid

from botocore.exceptions import BotoCoreError, ClientError

from live_sessions.audio.claims import StartProcessor
from live_sessions.sessions import Session
from live_sessions.stream_claim import StreamPosition
from live_sessions.tables import stream_claims
from live_sessions.tables.audio_slots import AudioSlots
from live_sessions.tables.session_table import SessionTable
from live_sessions.telemetry import logger

LEASE_SECONDS = 10
"""For so long nobody takes over from a processor that has died."""

RENEWED_EVERY_SECONDS = 3


class LeaseLost(Exception):
    """Another processor has the stream or the slot, or may have by now."""


class Lease:
    """Over by the wall clock, which the others go by, or by one that nobody sets."""

    def __init__(self, sessions: SessionTable, slots: AudioSlots, task: StartProcessor) -> None:
        self._sessions = sessions
        self._slots = slots
        self._task = task
        self._processor_id = uuid.uuid4().hex
        self._until = 0
        self._until_seconds = math.inf

    def take(self, *, at_ms: int) -> Session | None:
        """Begin; None when this is not, or not any more, the processor that is wanted."""
        until, until_seconds = _from(at_ms)
        # The stream first: whose slot it is must not change by an event that comes twice.
        session = stream_claims.take(
            self._sessions,
            self._task.session_id,
            self._task.claim_id,
            processor_id=self._processor_id,
            lease_until=until,
        )
        if session is None:
            return None
        if not self._slots.renew(self._task.slot, self._task.claim_id, lease_until=until):
            # It came so late that the slot is another session's: the next chunk claims one anew.
            claim = session.audio_claim
            self._release_stream(
                next_caption=claim.next_caption if claim else 0, reached=claim and claim.reached
            )
            return None
        self._until, self._until_seconds = until, until_seconds
        return session

    def is_due(self, *, at_ms: int) -> bool:
        return self._left_seconds(at_ms) <= LEASE_SECONDS - RENEWED_EVERY_SECONDS

    def is_over(self, *, at_ms: int) -> bool:
        return self._left_seconds(at_ms) <= 0

    def _left_seconds(self, at_ms: int) -> float:
        return min((self._until - at_ms) / 1000, self._until_seconds - time.monotonic())

    def renew(self, *, next_caption: int, at_ms: int) -> Session | None:
        """Hold on for longer; the session as it is now, None when DynamoDB did not answer.

        Raises LeaseLost.
        """
        until, until_seconds = _from(at_ms)
        try:
            # The slot first: a queue must never have two that take from it.
            if not self._slots.renew(self._task.slot, self._task.claim_id, lease_until=until):
                raise LeaseLost
            session = stream_claims.renew(
                self._sessions,
                self._task.session_id,
                self._task.claim_id,
                processor_id=self._processor_id,
                lease_until=until,
                next_caption=next_caption,
            )
        except (ClientError, BotoCoreError):
            if self.is_over(at_ms=at_ms):
                raise LeaseLost from None
            logger.exception("A lease was not renewed", extra={"session": self._task.session_id})
            return None
        if session is None:
            raise LeaseLost
        self._until, self._until_seconds = until, until_seconds
        return session

    def release(self, *, next_caption: int, reached: StreamPosition | None, at_ms: int) -> None:
        """End it in good order; what fails of that ends with the lease."""
        try:
            self._release_stream(next_caption=next_caption, reached=reached)
            self._slots.release(self._task.slot, self._task.claim_id, at_ms=at_ms)
        except (ClientError, BotoCoreError):
            logger.exception("A lease was not released", extra={"session": self._task.session_id})

    def _release_stream(self, *, next_caption: int, reached: StreamPosition | None) -> None:
        stream_claims.release(
            self._sessions,
            self._task.session_id,
            self._task.claim_id,
            processor_id=self._processor_id,
            next_caption=next_caption,
            reached=reached,
        )


def _from(at_ms: int) -> tuple[int, float]:
    """The end of a lease that begins now: epoch ms, and seconds of the monotonic clock."""
    return at_ms + LEASE_SECONDS * 1000, time.monotonic() + LEASE_SECONDS
