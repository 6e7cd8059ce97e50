"""One processor holds a session's stream and slot, and loses both or neither."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from live_sessions.audio.claims import StartProcessor
from live_sessions.audio.lease import LEASE_SECONDS, RENEWED_EVERY_SECONDS, Lease, LeaseLost
from live_sessions.sessions import now_ms
from live_sessions.stream_claim import StreamPosition
from live_sessions.tables import stream_claims
from live_sessions.tables.audio_slots import AudioSlots
from live_sessions.tables.session_table import SessionTable
from tests.handlers.audio.chunk_maker import AUDIO, broadcasting
from tests.handlers.audio.clock import Clock
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


def lease_of(stage: Stage, task: dict[str, Any]) -> Lease:
    return Lease(
        SessionTable(stage.dynamodb, "sessions"),
        AudioSlots(stage.dynamodb, "audio-slots"),
        StartProcessor(session_id=task["sessionId"], slot=task["slot"], claim_id=task["claimId"]),
    )


def slot_row(stage: Stage, slot: int) -> dict[str, Any]:
    item = stage.dynamodb.get_item(TableName="audio-slots", Key={"slot": {"N": str(slot)}})["Item"]
    return {"claimId": item["claimId"]["S"], "leaseUntil": int(item["leaseUntil"]["N"])}


def claim_row(stage: Stage, session_id: str) -> dict[str, Any]:
    return stage.session(session_id)["audioClaim"]


def test_who_takes_it_holds_stream_and_slot_for_ten_seconds(
    stage: Stage, started: tuple[str, NewLease]
) -> None:
    session_id, new_lease = started
    at_ms = now_ms() + 500
    session = new_lease().take(at_ms=at_ms)
    assert session is not None
    assert session.session_id == session_id
    claim = claim_row(stage, session_id)
    assert claim["leaseUntil"] == at_ms + LEASE_MS
    assert slot_row(stage, claim["slot"]) == {
        "claimId": claim["claimId"],
        "leaseUntil": at_ms + LEASE_MS,
    }


def test_an_event_that_comes_twice_starts_one_and_leaves_it_what_it_holds(
    stage: Stage, started: tuple[str, NewLease]
) -> None:
    session_id, new_lease = started
    at_ms = now_ms()
    first = new_lease()
    assert first.take(at_ms=at_ms) is not None
    claim = claim_row(stage, session_id)
    slot = slot_row(stage, claim["slot"])
    assert new_lease().take(at_ms=at_ms + 100) is None
    assert claim_row(stage, session_id) == claim
    assert slot_row(stage, claim["slot"]) == slot
    assert first.renew(next_caption=0, at_ms=at_ms + 200) is not None


def test_a_claim_that_was_given_back_is_not_taken(
    stage: Stage, started: tuple[str, NewLease]
) -> None:
    session_id, new_lease = started
    claim = claim_row(stage, session_id)
    sessions = SessionTable(stage.dynamodb, "sessions")
    assert stream_claims.give_back(sessions, session_id, claim["claimId"])
    before = slot_row(stage, claim["slot"])
    assert new_lease().take(at_ms=now_ms()) is None
    assert slot_row(stage, claim["slot"]) == before


def test_a_claim_that_a_processor_has_taken_is_not_given_back(
    stage: Stage, started: tuple[str, NewLease]
) -> None:
    session_id, new_lease = started
    new_lease().take(at_ms=now_ms())
    claim = claim_row(stage, session_id)
    sessions = SessionTable(stage.dynamodb, "sessions")
    assert not stream_claims.give_back(sessions, session_id, claim["claimId"])
    assert claim_row(stage, session_id) == claim


def test_who_comes_when_the_slot_is_another_session_s_gives_the_stream_up(
    stage: Stage, started: tuple[str, NewLease]
) -> None:
    session_id, new_lease = started
    claim = claim_row(stage, session_id)
    stage.change("audio-slots", {"slot": claim["slot"]}, claimId="another")
    assert new_lease().take(at_ms=now_ms()) is None
    assert claim_row(stage, session_id)["leaseUntil"] == 0
    assert slot_row(stage, claim["slot"])["claimId"] == "another"


def test_it_is_renewed_every_three_seconds(started: tuple[str, NewLease]) -> None:
    lease = started[1]()
    at_ms = now_ms()
    lease.take(at_ms=at_ms)
    due_ms = at_ms + RENEWED_EVERY_SECONDS * 1000
    assert [lease.is_due(at_ms=each) for each in (due_ms - 1, due_ms)] == [False, True]
    lease.renew(next_caption=0, at_ms=due_ms)
    assert not lease.is_due(at_ms=due_ms + 1)


def test_a_renewal_moves_both_leases_and_the_caption_and_forgets_where_it_began(
    stage: Stage, started: tuple[str, NewLease]
) -> None:
    session_id, new_lease = started
    stage.change(
        "sessions",
        {"sessionId": session_id},
        audioClaim=claim_row(stage, session_id)
        | {"reached": {"connectionId": "a", "streamEpoch": 0, "nextSequence": 3}},
    )
    lease = new_lease()
    at_ms = now_ms()
    session = lease.take(at_ms=at_ms)
    assert session is not None
    assert session.audio_claim is not None
    assert session.audio_claim.reached is not None
    lease.renew(next_caption=112, at_ms=at_ms + 3000)
    claim = claim_row(stage, session_id)
    assert (claim["nextCaption"], claim["leaseUntil"]) == (112, at_ms + 3000 + LEASE_MS)
    assert "reached" not in claim
    assert slot_row(stage, claim["slot"])["leaseUntil"] == at_ms + 3000 + LEASE_MS


@pytest.mark.parametrize("taken", ["slot", "stream"])
def test_who_has_lost_slot_or_stream_has_lost_the_lease_and_changes_nothing_of_the_other_s(
    stage: Stage, started: tuple[str, NewLease], taken: str
) -> None:
    session_id, new_lease = started
    lease = new_lease()
    lease.take(at_ms=now_ms())
    claim = claim_row(stage, session_id)
    if taken == "slot":
        stage.change("audio-slots", {"slot": claim["slot"]}, claimId="another")
    else:
        stage.change("sessions", {"sessionId": session_id}, audioClaim=claim | {"claimId": "b"})
    before = claim_row(stage, session_id), slot_row(stage, claim["slot"])
    with pytest.raises(LeaseLost):
        lease.renew(next_caption=1, at_ms=now_ms() + 1000)
    lease.release(next_caption=1, reached=None, at_ms=now_ms() + 1000)
    after = claim_row(stage, session_id), slot_row(stage, claim["slot"])
    if taken == "stream":
        assert after[0] == before[0]
    else:
        assert after[1] == before[1]


def test_an_outage_shorter_than_the_lease_is_lived_through_a_longer_one_is_not(
    stage: Stage, started: tuple[str, NewLease], monkeypatch: pytest.MonkeyPatch
) -> None:
    lease = started[1]()
    at_ms = now_ms()
    lease.take(at_ms=at_ms)

    def refuse(**_: Any) -> None:
        raise ClientError({"Error": {"Code": "ThrottlingException"}}, "UpdateItem")

    with monkeypatch.context() as outage:
        outage.setattr(stage.dynamodb, "update_item", refuse)
        assert lease.renew(next_caption=0, at_ms=at_ms + LEASE_MS - 1) is None
        assert lease.is_due(at_ms=at_ms + LEASE_MS - 1)
        with pytest.raises(LeaseLost):
            lease.renew(next_caption=0, at_ms=at_ms + LEASE_MS)
    assert lease.renew(next_caption=0, at_ms=at_ms + LEASE_MS - 1) is not None


def test_who_leaves_tells_where_it_got_to_and_frees_both(
    stage: Stage, started: tuple[str, NewLease]
) -> None:
    session_id, new_lease = started
    lease = new_lease()
    lease.take(at_ms=now_ms())
    at_ms = now_ms()
    lease.release(next_caption=5, reached=REACHED, at_ms=at_ms)
    claim = claim_row(stage, session_id)
    assert (claim["leaseUntil"], claim["nextCaption"]) == (0, 5)
    assert claim["reached"] == {
        "connectionId": "speaker-1=",
        "streamEpoch": 0,
        "nextSequence": 7,
    }
    assert slot_row(stage, claim["slot"])["leaseUntil"] == at_ms


def test_who_has_left_does_not_hold_on_again(started: tuple[str, NewLease]) -> None:
    lease = started[1]()
    lease.take(at_ms=now_ms())
    lease.release(next_caption=5, reached=REACHED, at_ms=now_ms())
    with pytest.raises(LeaseLost):
        lease.renew(next_caption=5, at_ms=now_ms())


def test_a_clock_that_is_set_back_keeps_nobody_from_renewing_or_from_giving_up(
    started: tuple[str, NewLease], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The others' clocks go on, and so does the time in which this one holds the slot."""
    lease = started[1]()
    clock = Clock(monkeypatch)
    lease.take(at_ms=clock.now_ms)
    set_back_ms = clock.now_ms - 3_600_000
    clock.now += RENEWED_EVERY_SECONDS
    assert (lease.is_due(at_ms=set_back_ms), lease.is_over(at_ms=set_back_ms)) == (True, False)
    clock.now += LEASE_SECONDS - RENEWED_EVERY_SECONDS
    assert lease.is_over(at_ms=set_back_ms)
