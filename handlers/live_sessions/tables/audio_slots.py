"""The pool of audio slots: a row for each that was ever claimed, with whose it is and until when.

A slot is a queue of its own. Two sessions in one would take each other's chunks, so whoever holds
a slot gives it up when its lease is over, and no other session takes it before a margin for the
clocks. The session itself takes it again at once: chunks of it wait there.
"""

import random
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from live_sessions.aws.attributes import plain, typed
from live_sessions.stream_claim import StreamClaim

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

CLOCK_MARGIN_MS = 1000


class AudioSlots:
    """`slots`: how many there are, at most the 100 that BatchGetItem reads at once.

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html
    """

    def __init__(self, client: "DynamoDBClient", table_name: str, slots: int = 0) -> None:
        self._client = client
        self._table = table_name
        self._slots = slots

    def has(self, slot: int) -> bool:
        """False for a slot that was configured away."""
        return slot < self._slots

    def free(self, *, at_ms: int) -> list[int]:
        """The slots that nobody holds; last those that were given up last, which a late chunk may
        still be on its way to.
        """
        keys = [typed({"slot": slot}) for slot in range(self._slots)]
        response = self._client.batch_get_item(
            RequestItems={self._table: {"Keys": keys, "ConsistentRead": True}}
        )
        rows = [plain(item) for item in response.get("Responses", {}).get(self._table, [])]
        unprocessed = response.get("UnprocessedKeys", {}).get(self._table)
        unread = unprocessed["Keys"] if unprocessed is not None else []
        held_until = {row["slot"]: row["leaseUntil"] for row in rows}
        candidates = [
            slot
            for slot in set(range(self._slots)) - {plain(key)["slot"] for key in unread}
            if held_until.get(slot, 0) + CLOCK_MARGIN_MS <= at_ms
        ]
        # In any order where it does not matter: many may look at once.
        random.shuffle(candidates)
        return sorted(candidates, key=lambda slot: held_until.get(slot, 0))

    def claim(
        self,
        slot: int,
        claim_id: str,
        *,
        lease_until: int,
        at_ms: int,
        last: StreamClaim | None = None,
    ) -> bool:
        """Hold the slot until `lease_until` (epoch ms); False when another claim holds it.

        `last` is the session's last claim, which is over.
        """
        condition = "attribute_not_exists(slot) OR leaseUntil <= :over OR claimId = :mine"
        values: dict[str, Any] = {
            ":mine": claim_id,
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
        return self._update(slot, "SET claimId = :mine, leaseUntil = :until", condition, values)

    def renew(self, slot: int, claim_id: str, *, lease_until: int) -> bool:
        """Hold it for longer; False when it is another claim's by now."""
        return self._update(
            slot,
            "SET leaseUntil = :until",
            "claimId = :mine",
            {":mine": claim_id, ":until": lease_until},
        )

    def release(self, slot: int, claim_id: str, *, at_ms: int) -> None:
        """Give the slot up."""
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
