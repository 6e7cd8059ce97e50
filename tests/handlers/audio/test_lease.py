"""One processor holds a session's stream and slot, and loses both or neither."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from live_sessions.audio.slots import (
    LEASE_SECONDS,
    RENEWED_EVERY_SECONDS,
    AudioSlots,
    Lease,
    LeaseLost,
    StartProcessor,
    StreamClaims,
)
from live_sessions.aws.runtime import Clock
from live_sessions.sessions.rows import SessionTable, StreamPosition
from tests.handlers.audio.chunk_maker import AUDIO, broadcasting
from tests.handlers.audio.clock import StandingClock
from tests.handlers.conftest import Stage

NewLease = Callable[[], Lease]
LEASE_MS = LEASE_SECONDS * 1000
REACHED = StreamPosition(connection_id="speaker-1=", stream_epoch=0, next_sequence=7)


@pytest.fixture
def started(stage: Stage) -> tuple[str, NewLease]:
    """A session whose first chunk has claimed, and a lease as its processor makes it."""
    speaker, session_id = broadcasting(stage)
    stage.send_audio(speaker, 0, AUDIO)
    (task,) = stage.processor_starts
    return session_id, lambda: lease_of(stage, task)


def lease_of(stage: Stage, task: dict[str, Any], client: Any = None) -> Lease:
    dynamodb = client or stage.dynamodb
    return Lease(
        SessionTable(dynamodb, "sessions", stage.clock),
        AudioSlots(dynamodb, "audio-slots"),
        StartProcessor(session_id=task["sessionId"], slot=task["slot"], claim_id=task["claimId"]),
        stage.clock,
    )


def claims_of(stage: Stage, session_id: str) -> StreamClaims:
    sessions = SessionTable(stage.dynamodb, "sessions", stage.clock)
    return StreamClaims(sessions, session_id, claim_row(stage, session_id)["claimId"])


def slot_row(stage: Stage, slot: int) -> dict[str, Any]:
    item = stage.dynamodb.get_item(TableName="audio-slots", Key={"slot": {"N": str(slot)}})["Item"]
    return {"claimId": item["claimId"]["S"], "leaseUntil": int(item["leaseUntil"]["N"])}


def claim_row(stage: Stage, session_id: str) -> dict[str, Any]:
    return stage.session(session_id)["audioClaim"]


def test_taking_it_leases_stream_and_slot_for_ten_seconds(
    stage: Stage, started: tuple[str, NewLease], standing_clock: StandingClock
) -> None:
    session_id, new_lease = started
    standing_clock.now += 0.5
    session = new_lease().take()
    assert session is not None
    assert session.session_id == session_id
    claim = claim_row(stage, session_id)
    assert claim["leaseUntil"] == standing_clock.now_ms + LEASE_MS
    assert slot_row(stage, claim["slot"]) == {
        "claimId": claim["claimId"],
        "leaseUntil": standing_clock.now_ms + LEASE_MS,
    }


def test_an_event_delivered_twice_starts_one_processor_and_keeps_its_rows(
    stage: Stage, started: tuple[str, NewLease], standing_clock: StandingClock
) -> None:
    session_id, new_lease = started
    first = new_lease()
    assert first.take() is not None
    claim = claim_row(stage, session_id)
    slot = slot_row(stage, claim["slot"])
    standing_clock.now += 0.1
    assert new_lease().take() is None
    assert claim_row(stage, session_id) == claim
    assert slot_row(stage, claim["slot"]) == slot
    assert first.renew(next_caption=0) is not None


def test_a_claim_that_was_withdrawn_is_not_taken(
    stage: Stage, started: tuple[str, NewLease]
) -> None:
    session_id, new_lease = started
    claim = claim_row(stage, session_id)
    assert claims_of(stage, session_id).withdraw()
    before = slot_row(stage, claim["slot"])
    assert new_lease().take() is None
    assert slot_row(stage, claim["slot"]) == before


def test_a_claim_that_a_processor_has_taken_is_not_withdrawn(
    stage: Stage, started: tuple[str, NewLease]
) -> None:
    session_id, new_lease = started
    new_lease().take()
    claim = claim_row(stage, session_id)
    assert not claims_of(stage, session_id).withdraw()
    assert claim_row(stage, session_id) == claim


def test_a_processor_whose_slot_is_another_session_s_gives_the_stream_up(
    stage: Stage, started: tuple[str, NewLease]
) -> None:
    session_id, new_lease = started
    claim = claim_row(stage, session_id)
    stage.change("audio-slots", {"slot": claim["slot"]}, claimId="another")
    assert new_lease().take() is None
    assert claim_row(stage, session_id)["leaseUntil"] == 0
    assert slot_row(stage, claim["slot"])["claimId"] == "another"


def test_it_is_renewed_every_three_seconds(
    started: tuple[str, NewLease], standing_clock: StandingClock
) -> None:
    lease = started[1]()
    lease.take()
    standing_clock.now += RENEWED_EVERY_SECONDS - 0.001
    assert not lease.is_due
    standing_clock.now += 0.001
    assert lease.is_due
    lease.renew(next_caption=0)
    assert not lease.is_due


def test_a_renewal_moves_both_leases_and_the_caption_and_removes_the_position(
    stage: Stage, started: tuple[str, NewLease], standing_clock: StandingClock
) -> None:
    session_id, new_lease = started
    stage.change(
        "sessions",
        {"sessionId": session_id},
        audioClaim=claim_row(stage, session_id)
        | {"reached": {"connectionId": "a", "streamEpoch": 0, "nextSequence": 3}},
    )
    lease = new_lease()
    session = lease.take()
    assert session is not None
    assert session.audio_claim is not None
    assert session.audio_claim.reached is not None
    standing_clock.now += 3
    lease.renew(next_caption=112)
    claim = claim_row(stage, session_id)
    assert (claim["nextCaption"], claim["leaseUntil"]) == (112, standing_clock.now_ms + LEASE_MS)
    assert "reached" not in claim
    assert slot_row(stage, claim["slot"])["leaseUntil"] == standing_clock.now_ms + LEASE_MS


@pytest.mark.parametrize("taken", ["slot", "stream"])
def test_losing_slot_or_stream_loses_the_lease_and_changes_nothing_of_the_other_s(
    stage: Stage, started: tuple[str, NewLease], taken: str
) -> None:
    session_id, new_lease = started
    lease = new_lease()
    lease.take()
    claim = claim_row(stage, session_id)
    if taken == "slot":
        stage.change("audio-slots", {"slot": claim["slot"]}, claimId="another")
    else:
        stage.change("sessions", {"sessionId": session_id}, audioClaim=claim | {"claimId": "b"})
    before = claim_row(stage, session_id), slot_row(stage, claim["slot"])
    with pytest.raises(LeaseLost):
        lease.renew(next_caption=1)
    lease.release(next_caption=1, reached=None)
    after = claim_row(stage, session_id), slot_row(stage, claim["slot"])
    if taken == "stream":
        assert after[0] == before[0]
    else:
        assert after[1] == before[1]


class Refusing:
    """DynamoDB, whose updates are throttled while `is_out`."""

    def __init__(self, client: Any) -> None:
        self.is_out = False
        self._client = client

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def update_item(self, **request: Any) -> Any:
        if self.is_out:
            raise ClientError({"Error": {"Code": "ThrottlingException"}}, "UpdateItem")
        return self._client.update_item(**request)


def test_an_outage_shorter_than_the_lease_is_survived_and_a_longer_one_is_not(
    stage: Stage, standing_clock: StandingClock
) -> None:
    speaker, _ = broadcasting(stage)
    stage.send_audio(speaker, 0, AUDIO)
    dynamodb = Refusing(stage.dynamodb)
    lease = lease_of(stage, stage.processor_starts[0], dynamodb)
    lease.take()
    standing_clock.now += LEASE_SECONDS - 0.001
    dynamodb.is_out = True
    assert lease.renew(next_caption=0) is None
    assert lease.is_due
    standing_clock.now += 0.001
    with pytest.raises(LeaseLost):
        lease.renew(next_caption=0)
    dynamodb.is_out = False
    assert lease.renew(next_caption=0) is not None


def test_a_release_records_the_position_and_frees_both(
    stage: Stage, started: tuple[str, NewLease], standing_clock: StandingClock
) -> None:
    session_id, new_lease = started
    lease = new_lease()
    lease.take()
    lease.release(next_caption=5, reached=REACHED)
    claim = claim_row(stage, session_id)
    assert (claim["leaseUntil"], claim["nextCaption"]) == (0, 5)
    assert claim["reached"] == {
        "connectionId": "speaker-1=",
        "streamEpoch": 0,
        "nextSequence": 7,
    }
    assert slot_row(stage, claim["slot"])["leaseUntil"] == standing_clock.now_ms


def test_a_released_lease_is_not_renewed(started: tuple[str, NewLease]) -> None:
    lease = started[1]()
    lease.take()
    lease.release(next_caption=5, reached=REACHED)
    with pytest.raises(LeaseLost):
        lease.renew(next_caption=5)


def test_a_wall_clock_that_is_set_back_prolongs_no_lease(stage: Stage) -> None:
    """The others' clocks go on, and so does the time in which this one holds the slot."""
    clock, hour_ms = StandingClock(), 3_600_000
    set_back_ms = 0
    stage.clock = Clock(
        now_ms=lambda: clock.now_ms - set_back_ms, monotonic=lambda: clock.now, sleep=clock.sleep
    )
    speaker, _ = broadcasting(stage)
    stage.send_audio(speaker, 0, AUDIO)
    lease = lease_of(stage, stage.processor_starts[0])
    lease.take()
    set_back_ms = hour_ms
    clock.now += RENEWED_EVERY_SECONDS
    assert (lease.is_due, lease.is_over) == (True, False)
    clock.now += LEASE_SECONDS - RENEWED_EVERY_SECONDS
    assert lease.is_over
