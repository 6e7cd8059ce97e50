"""The first chunk of a session claims a slot and starts the one processor that works it off."""

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import msgspec
from botocore.exceptions import BotoCoreError, ClientError

from live_sessions.aws.asynchronous import AsynchronousFunction
from live_sessions.protocol import ErrorCode, ProtocolError
from live_sessions.protocol.refusals import connection_not_found, try_again
from live_sessions.sessions import Session, require_live
from live_sessions.stream_claim import StreamClaim
from live_sessions.tables import stream_claims
from live_sessions.tables.audio_slots import AudioSlots
from live_sessions.tables.session_table import SessionTable
from live_sessions.telemetry import count, logger

STARTING_SECONDS = 10
"""For a processor to begin; then the next chunk starts another one."""

RETRY_AFTER_SECONDS = 5

NEVER_USED = 0
"""A slot that no chunk was sent to is free again without a margin."""


class StartProcessor(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The audio processor's event."""

    session_id: str
    slot: int
    claim_id: str


class AudioProcessors(AsynchronousFunction[StartProcessor]):
    """The audio processor's function."""


@dataclass(frozen=True)
class Claims:
    sessions: SessionTable
    slots: AudioSlots
    processors: AudioProcessors

    def slot_of(self, session: Session, *, at_ms: int) -> int:
        """The slot whose queue takes the session's chunks now.

        Raises ProtocolError with SERVICE_UNAVAILABLE when none is free or no processor starts,
        SESSION_ENDED, or CONNECTION_NOT_FOUND when the speaker is on another socket by now.
        """
        held = session.audio_claim
        if held is not None and held.is_held(at_ms):
            return held.slot
        claim = self._claim_slot(held, at_ms)
        if claim is None:
            current = self.sessions.get(session.session_id)
            return self._slot_of_another(current, session, at_ms, or_else=_no_slot_is_free)
        try:
            attempt = stream_claims.claim(self.sessions, session, claim, at_ms=at_ms)
        except (ClientError, BotoCoreError):
            # It may have been made all the same, and nobody works it off.
            self._give_back(session.session_id, claim, at_ms)
            raise
        if not attempt.done:
            has_chunks = held is not None and held.slot == claim.slot
            self._release(claim, at_ms if has_chunks else NEVER_USED)
            return self._slot_of_another(attempt.session, session, at_ms, or_else=try_again)
        self._start(session.session_id, claim, at_ms)
        return claim.slot

    def _claim_slot(self, last: StreamClaim | None, at_ms: int) -> StreamClaim | None:
        """None when all are held."""
        claim_id = uuid.uuid4().hex
        lease_until = at_ms + STARTING_SECONDS * 1000
        for slot in self._candidates(last, at_ms):
            if self.slots.claim(slot, claim_id, lease_until=lease_until, at_ms=at_ms, last=last):
                return StreamClaim(
                    slot=slot,
                    claim_id=claim_id,
                    lease_until=lease_until,
                    next_caption=last.next_caption if last else 0,
                    reached=last and last.reached,
                )
        return None

    def _candidates(self, last: StreamClaim | None, at_ms: int) -> Iterator[int]:
        """First the slot that the session had: chunks of it may wait there."""
        if last is not None and self.slots.has(last.slot):
            yield last.slot
        yield from self.slots.free(at_ms=at_ms)

    def _slot_of_another(
        self,
        current: Session | None,
        read: Session,
        at_ms: int,
        *,
        or_else: Callable[[], ProtocolError],
    ) -> int:
        """Of another chunk, which has claimed at the same time."""
        session = require_live(current, read.session_id, at_ms)
        if not session.is_of(read.speaker_connection_id):
            raise connection_not_found()
        claim = session.audio_claim
        if claim is None or not claim.is_held(at_ms):
            raise or_else()
        return claim.slot

    def _start(self, session_id: str, claim: StreamClaim, at_ms: int) -> None:
        task = StartProcessor(session_id=session_id, slot=claim.slot, claim_id=claim.claim_id)
        try:
            self.processors.start(task)
        except (ClientError, BotoCoreError):
            if self._give_back(session_id, claim, at_ms):
                raise
        logger.info("claimed", extra={"session": session_id, "slot": claim.slot})

    def _give_back(self, session_id: str, claim: StreamClaim, at_ms: int) -> bool:
        """False when a processor works on it after all; one that begins later finds no claim.

        Should it fail, both are free again when the lease is over.
        """
        try:
            if not stream_claims.give_back(self.sessions, session_id, claim.claim_id):
                return False
        except (ClientError, BotoCoreError):
            logger.exception("A claim stays for a while", extra={"session": session_id})
            return True
        self._release(claim, at_ms)
        return True

    def _release(self, claim: StreamClaim, used_until: int) -> None:
        """Should it fail, the slot is free again when the lease is over."""
        try:
            self.slots.release(claim.slot, claim.claim_id, at_ms=used_until)
        except (ClientError, BotoCoreError):
            logger.exception("A slot stays claimed for a while", extra={"slot": claim.slot})


def _no_slot_is_free() -> ProtocolError:
    count(AudioSlotsExhausted=1)
    return ProtocolError(
        ErrorCode.SERVICE_UNAVAILABLE,
        "As many sessions are being transcribed as there is room for; try again in "
        f"{RETRY_AFTER_SECONDS} seconds.",
        {"retryAfterSeconds": RETRY_AFTER_SECONDS},
    )
