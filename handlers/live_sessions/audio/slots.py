"""The pool of audio slots, each with a queue, and the claims of sessions on them.

A claim is a session's hold on a slot. It is recorded twice: in the slot's row, so that no other
session's chunks enter the same queue, and in the session's row, so that one processor transcribes
them. Both records have a lease. When it runs out, other sessions may claim the slot after a margin
for clock skew; the session itself may claim it again at once, because its chunks wait there.
"""

import math
import random
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec
from botocore.exceptions import BotoCoreError, ClientError

from live_sessions.aws.dynamodb import plain, typed
from live_sessions.aws.runtime import Clock, logger
from live_sessions.sessions.rows import (
    CLOCK_MARGIN_MS,
    ConditionalUpdate,
    Session,
    SessionTable,
    StreamClaim,
    StreamPosition,
)

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

LEASE_SECONDS = 10
"""How long a processor that has died delays the next one."""

RENEWED_EVERY_SECONDS = 3


class StartProcessor(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The audio processor's event: the claim that it is started for."""

    session_id: str
    slot: int
    claim_id: str


class SlotHolder(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Whose claim a slot has. Claims of the release before name no holder."""

    claim_id: str
    session_id: str
    user_id: str


class SlotRow(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A slot's row. If the release before claimed the slot, `holder` is of an earlier claim."""

    slot: int
    claim_id: str
    lease_until: int
    holder: SlotHolder | None = None

    def is_held(self, at_ms: int) -> bool:
        """Whether it has a lease, or had one a moment ago: see CLOCK_MARGIN_MS."""
        return self.lease_until + CLOCK_MARGIN_MS > at_ms


@dataclass(frozen=True)
class SlotRows:
    """The rows of `slots` slots as they were read; those of the `unread` are not known."""

    slots: int
    rows: Mapping[int, SlotRow]
    unread: frozenset[int]

    def free(self, *, at_ms: int) -> list[int]:
        """The slots without a lease, least recently used first.

        A late chunk may still be on its way to a slot that was released a moment ago.
        """
        held = {slot for slot, row in self.rows.items() if row.is_held(at_ms)}
        candidates = list(set(range(self.slots)) - self.unread - held)
        # Equal candidates in random order, so that sessions do not all try the same one first.
        random.shuffle(candidates)
        return sorted(candidates, key=self._used_until)

    def sessions_of(self, user_id: str, *, at_ms: int) -> set[str]:
        """The sessions of a user that hold slots."""
        holders = [
            row.holder
            for row in self.rows.values()
            if row.is_held(at_ms) and row.holder and row.holder.claim_id == row.claim_id
        ]
        return {holder.session_id for holder in holders if holder.user_id == user_id}

    def _used_until(self, slot: int) -> int:
        row = self.rows.get(slot)
        return row.lease_until if row is not None else 0


class AudioSlots:
    """The slots' rows: a row for each slot that was ever claimed, with its claim and lease.

    `slots` is how many there are, at most the 100 that BatchGetItem reads at once:
    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html
    """

    def __init__(self, client: "DynamoDBClient", table_name: str, slots: int = 0) -> None:
        self._client = client
        self._table = table_name
        self._slots = slots

    def has(self, slot: int) -> bool:
        """False for a slot that was removed from the configuration."""
        return slot < self._slots

    def read(self) -> SlotRows:
        """All rows as last written."""
        keys = [typed({"slot": slot}) for slot in range(self._slots)]
        response = self._client.batch_get_item(
            RequestItems={self._table: {"Keys": keys, "ConsistentRead": True}}
        )
        rows = [
            msgspec.convert(plain(item), SlotRow)
            for item in response.get("Responses", {}).get(self._table, [])
        ]
        unprocessed = response.get("UnprocessedKeys", {}).get(self._table)
        unread = unprocessed["Keys"] if unprocessed is not None else []
        return SlotRows(
            self._slots,
            {row.slot: row for row in rows},
            frozenset(plain(key)["slot"] for key in unread),
        )

    def claim(
        self,
        slot: int,
        holder: SlotHolder,
        *,
        lease_until: int,
        at_ms: int,
        last: StreamClaim | None = None,
    ) -> bool:
        """Claim the slot until `lease_until` (epoch milliseconds); False if it is held.

        `last` is the session's last claim, whose lease is over.
        """
        condition = "attribute_not_exists(slot) OR leaseUntil <= :over OR claimId = :mine"
        values: dict[str, Any] = {
            ":mine": holder.claim_id,
            ":holder": msgspec.to_builtins(holder),
            ":until": lease_until,
            ":over": at_ms - CLOCK_MARGIN_MS,
        }
        if last is not None:
            values[":last"] = last.claim_id
            if last.is_released:
                condition += " OR claimId = :last"
            else:
                condition += " OR (claimId = :last AND leaseUntil <= :now)"
                values[":now"] = at_ms
        return self._update(
            slot, "SET claimId = :mine, holder = :holder, leaseUntil = :until", condition, values
        )

    def renew(self, slot: int, claim_id: str, *, lease_until: int, at_ms: int) -> bool:
        """Extend the lease; False if the slot has another claim, or if it was free meanwhile: then
        the user's other sessions may have as many slots as they may.
        """
        return self._update(
            slot,
            "SET leaseUntil = :until",
            "claimId = :mine AND leaseUntil > :over",
            {":mine": claim_id, ":until": lease_until, ":over": at_ms - CLOCK_MARGIN_MS},
        )

    def release(self, slot: int, claim_id: str, *, at_ms: int) -> None:
        """End the lease now, if the slot still has this claim."""
        self._update(
            slot,
            "SET leaseUntil = :now",
            "claimId = :mine AND leaseUntil > :now",
            {":mine": claim_id, ":now": at_ms},
        )

    def _update(
        self, slot: int, expression: str, condition: str, values: Mapping[str, Any]
    ) -> bool:
        try:
            self._client.update_item(
                TableName=self._table,
                Key=typed({"slot": slot}),
                UpdateExpression=expression,
                ConditionExpression=condition,
                ExpressionAttributeValues=typed(values),
            )
        except self._client.exceptions.ConditionalCheckFailedException:
            return False
        return True


_HELD_BY_PROCESSOR = (
    "audioClaim.claimId = :claim AND audioClaim.processorId = :processor "
    "AND audioClaim.leaseUntil > :zero"
)


@dataclass(frozen=True)
class StreamClaims:
    """One claim in its session's row; each step is one conditional update."""

    sessions: SessionTable
    session_id: str
    claim_id: str

    def record(self, read: Session, claim: StreamClaim, *, at_ms: int) -> ConditionalUpdate:
        """Record a new claim, if the session is live and no other claim was recorded since."""
        values: dict[str, Any] = {
            ":wanted": msgspec.to_builtins(claim),
            ":claim": self.claim_id,
            ":now_seconds": at_ms / 1000,
        }
        seen = read.audio_claim
        if seen is None:
            unchanged = "attribute_not_exists(audioClaim)"
        else:
            unchanged = "(audioClaim.claimId = :seen AND audioClaim.leaseUntil = :seen_lease)"
            values |= {":seen": seen.claim_id, ":seen_lease": seen.lease_until}
        return self.sessions.update_if(
            self.session_id,
            "SET audioClaim = :wanted",
            condition=(
                "attribute_exists(sessionId) AND attribute_not_exists(endedAt) "
                "AND expiresAt > :now_seconds "
                f"AND ({unchanged} OR audioClaim.claimId = :claim)"
            ),
            values=values,
        )

    def withdraw(self) -> bool:
        """End a claim whose processor may not have started; False if a processor has taken it."""
        update = self.sessions.update_if(
            self.session_id,
            "SET audioClaim.leaseUntil = :zero",
            condition=(
                "audioClaim.claimId = :claim AND attribute_not_exists(audioClaim.processorId)"
            ),
            values={":claim": self.claim_id, ":zero": 0},
        )
        current = update.session and update.session.audio_claim
        return update.done or current is None or current.claim_id != self.claim_id

    def take(self, processor_id: str, *, lease_until: int) -> Session | None:
        """Make this the claim's one processor; None if another is, or the claim has ended."""
        return self._updated(
            "SET audioClaim.processorId = :processor, audioClaim.leaseUntil = :until",
            "audioClaim.claimId = :claim AND audioClaim.leaseUntil > :zero AND "
            "(attribute_not_exists(audioClaim.processorId) OR audioClaim.processorId = :processor)",
            {":processor": processor_id, ":until": lease_until},
        )

    def renew(self, processor_id: str, *, lease_until: int, next_caption: int) -> Session | None:
        """Extend the lease; None if the claim has ended or has another processor."""
        return self._updated(
            "SET audioClaim.leaseUntil = :until, audioClaim.nextCaption = :caption "
            "REMOVE audioClaim.reached",
            _HELD_BY_PROCESSOR,
            {":processor": processor_id, ":until": lease_until, ":caption": next_caption},
        )

    def release(
        self, processor_id: str, *, next_caption: int, reached: StreamPosition | None
    ) -> None:
        """End the claim; the session's next processor continues from `reached`."""
        assignments = "SET audioClaim.leaseUntil = :zero, audioClaim.nextCaption = :caption"
        values: dict[str, Any] = {":processor": processor_id, ":caption": next_caption}
        if reached is not None:
            assignments += ", audioClaim.reached = :reached"
            values[":reached"] = msgspec.to_builtins(reached)
        self._updated(assignments, _HELD_BY_PROCESSOR, values)

    def _updated(
        self, expression: str, condition: str, values: Mapping[str, Any]
    ) -> Session | None:
        update = self.sessions.update_if(
            self.session_id,
            expression,
            condition=condition,
            values={**values, ":claim": self.claim_id, ":zero": 0},
        )
        return update.session if update.done else None


class LeaseLost(Exception):
    """Another processor has the session's audio or its slot, or may have them by now."""


class Lease:
    """A processor's lease of its claim, in the slot's row and in the session's.

    It ends by the wall clock, which the other functions compare with, or by the monotonic clock,
    which cannot be set back, whichever comes first.
    """

    def __init__(
        self, sessions: SessionTable, slots: AudioSlots, task: StartProcessor, clock: Clock
    ) -> None:
        self._claims = StreamClaims(sessions, task.session_id, task.claim_id)
        self._slots = slots
        self._task = task
        self._clock = clock
        self._processor_id = uuid.uuid4().hex
        self._until = 0
        self._until_seconds = math.inf

    def take(self) -> Session | None:
        """Begin; None if this processor is not wanted, or not any more. Raises botocore's errors.

        The session's row comes first, so that an event that is delivered twice changes no slot.
        """
        until, until_seconds = self._from_now()
        session = self._claims.take(self._processor_id, lease_until=until)
        if session is None:
            return None
        if not self._renew_slot(until):
            # So late that another session may have it: the next chunk claims one again.
            claim = session.audio_claim
            self._claims.release(
                self._processor_id,
                next_caption=claim.next_caption if claim else 0,
                reached=claim and claim.reached,
            )
            return None
        self._until, self._until_seconds = until, until_seconds
        return session

    @property
    def is_due(self) -> bool:
        """Whether it is time to renew."""
        return self._remaining_seconds() <= LEASE_SECONDS - RENEWED_EVERY_SECONDS

    @property
    def is_over(self) -> bool:
        """Whether another processor may have taken over."""
        return self._remaining_seconds() <= 0

    def renew(self, *, next_caption: int) -> Session | None:
        """Extend the lease; returns the session as it is now, None if DynamoDB did not answer.

        Raises LeaseLost. The slot's row comes first: a queue must never have two processors.
        """
        until, until_seconds = self._from_now()
        try:
            if not self._renew_slot(until):
                raise LeaseLost
            session = self._claims.renew(
                self._processor_id, lease_until=until, next_caption=next_caption
            )
        except (ClientError, BotoCoreError):
            if self.is_over:
                raise LeaseLost from None
            logger.exception("A lease was not renewed", extra={"session": self._task.session_id})
            return None
        if session is None:
            raise LeaseLost
        self._until, self._until_seconds = until, until_seconds
        return session

    def release(self, *, next_caption: int, reached: StreamPosition | None) -> None:
        """End the lease in good order; if this fails, it runs out."""
        try:
            self._claims.release(self._processor_id, next_caption=next_caption, reached=reached)
            self._slots.release(self._task.slot, self._task.claim_id, at_ms=self._clock.now_ms())
        except (ClientError, BotoCoreError):
            logger.exception("A lease was not released", extra={"session": self._task.session_id})

    def _renew_slot(self, until: int) -> bool:
        task, now_ms = self._task, self._clock.now_ms()
        return self._slots.renew(task.slot, task.claim_id, lease_until=until, at_ms=now_ms)

    def _remaining_seconds(self) -> float:
        by_wall_clock = (self._until - self._clock.now_ms()) / 1000
        return min(by_wall_clock, self._until_seconds - self._clock.monotonic())

    def _from_now(self) -> tuple[int, float]:
        """The end of a lease that begins now: epoch milliseconds, and monotonic seconds."""
        return (
            self._clock.now_ms() + LEASE_SECONDS * 1000,
            self._clock.monotonic() + LEASE_SECONDS,
        )
