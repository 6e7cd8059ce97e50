"""A slot has one claim at a time, and its last session can claim it again before any other."""

from __future__ import annotations

from typing import Any, cast

import pytest

from live_sessions.audio.slots import AudioSlots, SlotHolder
from live_sessions.sessions.rows import CLOCK_MARGIN_MS, StreamClaim
from tests.handlers.conftest import Stage

NOW_MS = 1_800_000_000_000
UNTIL_MS = NOW_MS + 10_000


@pytest.fixture
def slots(stage: Stage) -> AudioSlots:
    return AudioSlots(stage.dynamodb, "audio-slots", 3)


def holder(claim_id: str, session_id: str = "session", user_id: str = "user-1") -> SlotHolder:
    return SlotHolder(claim_id=claim_id, session_id=session_id, user_id=user_id)


def claimed(slots: AudioSlots, claim_id: str, at_ms: int, last: StreamClaim | None = None) -> bool:
    return slots.claim(0, holder(claim_id), lease_until=at_ms + 10_000, at_ms=at_ms, last=last)


def row(stage: Stage, slot: int = 0) -> dict[str, Any]:
    item = stage.dynamodb.get_item(TableName="audio-slots", Key={"slot": {"N": str(slot)}})["Item"]
    return {name: next(iter(value.values())) for name, value in item.items()}


def test_a_slot_that_is_held_is_not_claimed_by_another(slots: AudioSlots, stage: Stage) -> None:
    assert claimed(slots, "a", NOW_MS)
    assert not claimed(slots, "b", NOW_MS + 1)
    assert not claimed(slots, "b", UNTIL_MS)
    assert row(stage)["claimId"] == "a"
    assert row(stage)["leaseUntil"] == str(UNTIL_MS)


def test_a_lease_that_is_over_leaves_the_slot_to_others_after_a_margin_for_the_clocks(
    slots: AudioSlots,
) -> None:
    claimed(slots, "a", NOW_MS)
    assert not claimed(slots, "b", UNTIL_MS + CLOCK_MARGIN_MS - 1)
    assert claimed(slots, "b", UNTIL_MS + CLOCK_MARGIN_MS)


def test_a_claim_that_is_repeated_finds_itself(slots: AudioSlots) -> None:
    assert claimed(slots, "a", NOW_MS)
    assert claimed(slots, "a", NOW_MS)


def test_the_session_takes_its_slot_again_as_soon_as_its_last_claim_is_over(
    slots: AudioSlots,
) -> None:
    claimed(slots, "a", NOW_MS)
    last = StreamClaim(slot=0, claim_id="a", lease_until=UNTIL_MS)
    assert not claimed(slots, "b", UNTIL_MS - 1, last)
    assert claimed(slots, "b", UNTIL_MS, last)


def test_a_lapsed_claim_that_is_renewed_meanwhile_keeps_its_slot(slots: AudioSlots) -> None:
    claimed(slots, "a", NOW_MS)
    last = StreamClaim(slot=0, claim_id="a", lease_until=UNTIL_MS)
    assert slots.renew(0, "a", lease_until=UNTIL_MS + 10_000, at_ms=UNTIL_MS)
    assert not claimed(slots, "b", UNTIL_MS, last)


@pytest.mark.parametrize("slot_is_released", [True, False])
def test_a_claim_that_was_released_leaves_its_slot_to_the_session_at_once(
    slots: AudioSlots, slot_is_released: bool
) -> None:
    claimed(slots, "a", NOW_MS)
    if slot_is_released:
        slots.release(0, "a", at_ms=NOW_MS + 700)
    last = StreamClaim(slot=0, claim_id="a", lease_until=0)
    assert not claimed(slots, "c", NOW_MS + 500), "no other session's before the margin"
    assert claimed(slots, "b", NOW_MS + 500, last), "though its clock is behind"
    assert not claimed(slots, "c", NOW_MS + 500, last), "one alone"


def test_another_session_s_last_claim_opens_no_slot(slots: AudioSlots) -> None:
    claimed(slots, "a", NOW_MS)
    last = StreamClaim(slot=0, claim_id="other", lease_until=0)
    assert not claimed(slots, "b", NOW_MS + 5_000, last)


def test_a_lease_is_renewed_by_its_holder_alone(slots: AudioSlots, stage: Stage) -> None:
    claimed(slots, "a", NOW_MS)
    assert not slots.renew(0, "b", lease_until=UNTIL_MS + 1, at_ms=NOW_MS)
    assert slots.renew(0, "a", lease_until=UNTIL_MS + 2, at_ms=NOW_MS)
    assert row(stage)["leaseUntil"] == str(UNTIL_MS + 2)
    assert not slots.renew(1, "a", lease_until=UNTIL_MS, at_ms=NOW_MS), "never claimed"


def test_a_lease_that_others_may_have_taken_for_over_is_not_renewed(slots: AudioSlots) -> None:
    claimed(slots, "a", NOW_MS)
    over_ms = UNTIL_MS + CLOCK_MARGIN_MS
    assert not slots.renew(0, "a", lease_until=over_ms + 10_000, at_ms=over_ms)
    assert slots.renew(0, "a", lease_until=over_ms + 10_000, at_ms=over_ms - 1)


def test_a_users_sessions_with_slots_are_those_whose_leases_are_not_over(
    slots: AudioSlots,
) -> None:
    lease: Any = {"lease_until": UNTIL_MS, "at_ms": NOW_MS}
    slots.claim(0, holder("a", "session-a"), **lease)
    slots.claim(1, holder("b", "session-b"), **lease)
    slots.claim(2, holder("c", "session-c", "user-2"), **lease)
    slots.release(1, "b", at_ms=NOW_MS + 1)
    assert slots.read().sessions_of("user-1", at_ms=NOW_MS + 1) == {"session-a", "session-b"}
    later = NOW_MS + 1 + CLOCK_MARGIN_MS
    assert slots.read().sessions_of("user-1", at_ms=later) == {"session-a"}
    assert slots.read().sessions_of("user-2", at_ms=later) == {"session-c"}
    assert slots.read().sessions_of("user-2", at_ms=UNTIL_MS + CLOCK_MARGIN_MS) == set()


def test_a_claim_of_the_release_before_is_nobodys(slots: AudioSlots, stage: Stage) -> None:
    claimed(slots, "a", NOW_MS)
    stage.change("audio-slots", {"slot": 0}, claimId="older", leaseUntil=UNTIL_MS)  # pyright: ignore[reportArgumentType]
    stage.replace("audio-slots", {"slot": 1, "claimId": "older", "leaseUntil": UNTIL_MS})
    rows = slots.read()
    assert rows.sessions_of("user-1", at_ms=NOW_MS) == set()
    assert rows.free(at_ms=NOW_MS) == [2]


def test_a_slot_is_released_by_its_holder_alone_and_not_later_than_its_lease(
    slots: AudioSlots, stage: Stage
) -> None:
    claimed(slots, "a", NOW_MS)
    slots.release(0, "b", at_ms=NOW_MS + 1)
    assert row(stage)["leaseUntil"] == str(UNTIL_MS)
    slots.release(0, "a", at_ms=NOW_MS + 1)
    assert row(stage)["leaseUntil"] == str(NOW_MS + 1)
    slots.release(0, "a", at_ms=NOW_MS + 9)
    assert row(stage)["leaseUntil"] == str(NOW_MS + 1)


def test_the_free_slots_are_those_without_a_lease_those_used_last_at_the_end(
    slots: AudioSlots,
) -> None:
    assert set(slots.read().free(at_ms=NOW_MS)) == {0, 1, 2}
    slots.claim(0, holder("a"), lease_until=NOW_MS + 2, at_ms=NOW_MS)
    slots.claim(2, holder("b"), lease_until=NOW_MS + 1, at_ms=NOW_MS)
    assert slots.read().free(at_ms=NOW_MS + 2) == [1]
    assert slots.read().free(at_ms=NOW_MS + 1 + CLOCK_MARGIN_MS) == [1, 2]
    assert slots.read().free(at_ms=NOW_MS + 2 + CLOCK_MARGIN_MS) == [1, 2, 0]


class ReadsTwo:
    """DynamoDB that leaves all but two keys of a batch unprocessed."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def batch_get_item(self, *, RequestItems: Any) -> Any:
        keys = RequestItems["audio-slots"]["Keys"]
        RequestItems["audio-slots"]["Keys"] = keys[:2]
        response = self._client.batch_get_item(RequestItems=RequestItems)
        return response | {"UnprocessedKeys": {"audio-slots": {"Keys": keys[2:]}}}


def test_a_slot_that_dynamodb_did_not_read_does_not_count_as_free(stage: Stage) -> None:
    slots = AudioSlots(cast(Any, ReadsTwo(stage.dynamodb)), "audio-slots", 3)
    assert set(slots.read().free(at_ms=NOW_MS)) == {0, 1}


def test_a_slot_that_was_configured_away_is_none(slots: AudioSlots) -> None:
    assert [slots.has(slot) for slot in (0, 2, 3)] == [True, True, False]
