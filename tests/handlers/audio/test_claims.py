"""One processor per session and one session per slot, even under concurrent claims."""

from __future__ import annotations

import contextlib
import json
import random
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from live_sessions.audio.ingest import RETRY_AFTER_SECONDS, STARTING_SECONDS
from live_sessions.audio.slots import LEASE_SECONDS, AudioSlots, Lease
from live_sessions.sessions.rows import CLOCK_MARGIN_MS, StreamPosition
from tests.handlers.audio.chunk_maker import AUDIO, broadcasting, queued_sequences
from tests.handlers.audio.clock import StandingClock
from tests.handlers.audio.test_lease import lease_of
from tests.handlers.conftest import Stage, StageClients
from tests.handlers.faults.audio_scenarios import speak
from tests.handlers.faults.setting import session
from tests.handlers.intercepted_clients import Call, intercepted
from tests.handlers.properties.world import World

SLOTS = 3
REACHED = StreamPosition(connection_id="speaker-1=", stream_epoch=0, next_sequence=7)


def claim_of(stage: Stage, session_id: str) -> dict[str, Any]:
    return stage.session(session_id)["audioClaim"]


def slot_holders(stage: Stage) -> dict[int, str]:
    """Who holds each slot that is held now."""
    rows = stage.dynamodb.scan(TableName="audio-slots")["Items"]
    held = [row for row in rows if int(row["leaseUntil"]["N"]) > stage.clock.now_ms()]
    return {int(row["slot"]["N"]): row["claimId"]["S"] for row in held}


def lapse(stage: Stage, session_id: str, *, by_ms: int = 0) -> dict[str, Any]:
    """Let the leases of a session's claim be over since `by_ms`."""
    claim = claim_of(stage, session_id) | {"leaseUntil": stage.clock.now_ms() - by_ms}
    stage.change("sessions", {"sessionId": session_id}, audioClaim=claim)
    slot: Any = {"slot": claim["slot"]}
    stage.change("audio-slots", slot, leaseUntil=claim["leaseUntil"])
    return claim


def processor(stage: Stage, number: int = -1) -> Lease:
    lease = lease_of(stage, stage.processor_starts[number])
    assert lease.take() is not None
    return lease


def test_the_first_chunk_claims_a_slot_for_ten_seconds(stage: Stage) -> None:
    speaker, session_id = broadcasting(stage)
    stage.send_audio(speaker, 0, AUDIO)
    claim = claim_of(stage, session_id)
    assert claim["leaseUntil"] == stage.clock.now_ms() + STARTING_SECONDS * 1000
    assert claim.keys() == {"slot", "claimId", "leaseUntil", "nextCaption"}
    assert claim["nextCaption"] == 1
    assert slot_holders(stage) == {claim["slot"]: claim["claimId"]}
    assert stage.processor_starts == [
        {"sessionId": session_id, "slot": claim["slot"], "claimId": claim["claimId"]}
    ]


def test_chunks_of_many_threads_start_one_processor(stage: Stage) -> None:
    speakers = [broadcasting(stage)[0] for _ in range(2)]
    with ThreadPoolExecutor(8) as threads:
        for sequence in range(6):
            for speaker in speakers:
                threads.submit(stage.send_audio, speaker, sequence, AUDIO)
    for speaker in speakers:
        stage.send_audio(speaker, 6, AUDIO)
    starts = Counter(start["sessionId"] for start in stage.processor_starts)
    assert sorted(starts.values()) == [1, 1]
    slots = {start["slot"] for start in stage.processor_starts}
    assert len(slots) == 2
    errors = Counter(frame["code"] for _, frame in stage.sockets.posts)
    queued = queued_sequences(stage)
    assert queued.keys() <= slots
    assert sum(map(len, queued.values())) + errors.total() == 14
    assert errors.keys() <= {"SERVICE_UNAVAILABLE"}, "when the others hold all slots for a moment"


def test_however_the_first_chunks_interleave_one_processor_starts_and_all_are_queued(
    stage: Stage, world: World
) -> None:
    for seed in range(60):
        chance = random.Random(seed)  # noqa: S311
        world.reset()
        speaker, session_id = session(world)
        running = [speak(world, speaker, sequence) for sequence in range(3)]
        while running:
            operation = chance.choice(running)
            world.step(operation)
            running = [each for each in running if not each.over]
        claim = claim_of(stage, session_id)
        assert [start["claimId"] for start in stage.processor_starts] == [claim["claimId"]]
        assert queued_sequences(stage) == {claim["slot"]: [0, 1, 2]}
        assert stage.sockets.frames_of(speaker.connection_id, "error") == []
        slots = AudioSlots(stage.dynamodb, "audio-slots", SLOTS)
        assert len(slots.read().free(at_ms=world.clock.now_ms)) == SLOTS - 1, "at once, for others"


def test_however_two_sessions_interleave_they_never_hold_one_slot(
    stage: Stage, world: World
) -> None:
    for seed in range(40):
        chance = random.Random(seed)  # noqa: S311
        world.reset()
        speakers = [session(world), session(world)]
        running = [speak(world, speaker) for speaker, _ in speakers]
        while running:
            world.step(chance.choice(running))
            running = [each for each in running if not each.over]
        slots = [claim_of(stage, session_id)["slot"] for _, session_id in speakers]
        assert slots[0] != slots[1]
        assert queued_sequences(stage) == {slots[0]: [0], slots[1]: [0]}


def test_with_no_free_slot_the_refusal_says_when_to_try_again(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    others = [broadcasting(stage)[0] for _ in range(SLOTS)]
    for other in others:
        stage.send_audio(other, 0, AUDIO)
    queued_sequences(stage)
    speaker, session_id = broadcasting(stage)
    capsys.readouterr()
    stage.send_audio(speaker, 0, AUDIO, requestId="r1")
    (frame,) = stage.sockets.frames_of(speaker, "error")
    assert (frame["code"], frame["requestId"]) == ("SERVICE_UNAVAILABLE", "r1")
    assert frame["details"] == {"retryAfterSeconds": RETRY_AFTER_SECONDS}
    assert queued_sequences(stage) == {}
    assert len(stage.processor_starts) == SLOTS
    assert "audioClaim" not in stage.session(session_id)
    assert "AudioSlotsExhausted" in capsys.readouterr().out


SHARE_IS_HELD = {"limit": "audioSlotsPerUser", "retryAfterSeconds": RETRY_AFTER_SECONDS}


def test_a_user_gets_so_many_slots_and_the_audio_of_further_sessions_is_refused(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    stage.environment["AUDIO_SLOTS_PER_USER"] = "2"
    speakers = [broadcasting(stage, "user-1") for _ in range(3)]
    for sequence in range(2):
        for speaker, _ in speakers:
            stage.send_audio(speaker, sequence, AUDIO)
    third, session_id = speakers[2]
    errors = stage.sockets.frames_of(third, "error")
    assert [(each["code"], each["details"]) for each in errors] == [
        ("RATE_LIMITED", SHARE_IS_HELD)
    ] * 2
    assert sorted(queued_sequences(stage).values()) == [[0, 1], [0, 1]]
    assert "audioClaim" not in stage.session(session_id)
    assert len(slot_holders(stage)) == len(stage.processor_starts) == 2
    assert capsys.readouterr().out.count('"RateLimited":[1.0]') == 2
    other, _ = broadcasting(stage, "user-2")
    stage.send_audio(other, 0, AUDIO)
    assert stage.sockets.frames_of(other, "error") == []


def test_a_slot_that_is_released_is_the_users_to_use_again(stage: Stage) -> None:
    stage.environment["AUDIO_SLOTS_PER_USER"] = "1"
    (first, first_id), (second, _) = (broadcasting(stage, "user-1") for _ in range(2))
    stage.send_audio(first, 0, AUDIO)
    processor(stage).release(next_caption=0, reached=None)
    stage.send_audio(second, 0, AUDIO)
    assert len(stage.sockets.frames_of(second, "error")) == 1, "a moment later, see CLOCK_MARGIN_MS"
    lapse(stage, first_id, by_ms=CLOCK_MARGIN_MS)
    stage.send_audio(second, 1, AUDIO)
    assert len(stage.processor_starts) == 2
    stage.send_audio(first, 1, AUDIO)
    assert stage.sockets.frames_of(first, "error")[0]["details"] == SHARE_IS_HELD


def test_a_processor_that_died_holds_its_users_share_until_its_lease_is_over(
    stage: Stage, world: World
) -> None:
    stage.environment["AUDIO_SLOTS_PER_USER"] = "1"
    (first, _), (second, _) = session(world), session(world)
    world.finish(speak(world, first))
    world.advance(STARTING_SECONDS * 1000 + CLOCK_MARGIN_MS - 1)
    world.finish(speak(world, second))
    assert len(stage.processor_starts) == 1
    world.advance(1)
    world.finish(speak(world, second, 1))
    assert len(stage.processor_starts) == 2


def test_a_processor_that_begins_too_late_leaves_the_share_to_who_has_it_by_then(
    stage: Stage, world: World
) -> None:
    stage.environment["AUDIO_SLOTS_PER_USER"] = "1"
    (first, _), (second, _) = session(world), session(world)
    world.finish(speak(world, first))
    world.advance(STARTING_SECONDS * 1000 + CLOCK_MARGIN_MS)
    world.finish(speak(world, second))
    assert lease_of(stage, stage.processor_starts[0]).take() is None
    assert lease_of(stage, stage.processor_starts[1]).take() is not None


def test_however_the_sessions_of_a_user_interleave_no_more_of_them_than_allowed_are_transcribed(
    stage: Stage, world: World
) -> None:
    stage.environment["AUDIO_SLOTS_PER_USER"] = "2"
    both_refused = 0
    for seed in range(60):
        chance = random.Random(seed)  # noqa: S311
        world.reset()
        speakers = [session(world)[0] for _ in range(3)]
        running = [speak(world, speaker) for speaker in speakers]
        while running:
            world.step(chance.choice(running))
            running = [each for each in running if not each.over]
            assert len(stage.processor_starts) <= 2
        both_refused += len(stage.processor_starts) < 2
        for speaker in speakers:
            world.finish(speak(world, speaker, 1))
        transcribed = {start["sessionId"] for start in stage.processor_starts}
        assert len(transcribed) == len(stage.processor_starts) == 2
        assert len(slot_holders(stage)) == 2
        codes = Counter(frame["code"] for _, frame in stage.sockets.posts if "code" in frame)
        assert codes.keys() == {"RATE_LIMITED"}
    assert both_refused < 60, "as a rule somebody gets the slot at once"


def test_a_claim_that_cannot_be_compared_with_the_users_others_is_released(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    """DynamoDB may leave keys of a batch unread."""
    clients = intercepted(stage)
    reads: list[Call] = []

    def leave_unread(call: Call) -> Any:
        reads.append(call)
        response = call.carry_out()
        if len(reads) == 2:
            keys = call.request["RequestItems"]["audio-slots"]["Keys"][:1]
            response["UnprocessedKeys"] = {"audio-slots": {"Keys": keys}}
        return response

    speaker, session_id = broadcasting(stage)
    with clients.intercept("batch_get_item", leave_unread):
        stage.send_audio(speaker, 0, AUDIO)
    assert [frame["code"] for frame in stage.sockets.frames_of(speaker, "error")] == [
        "SERVICE_UNAVAILABLE"
    ]
    assert slot_holders(stage) == {}
    assert "audioClaim" not in stage.session(session_id)
    stage.send_audio(speaker, 1, AUDIO)
    assert len(stage.processor_starts) == 1


def test_the_last_slot_serves_all_first_chunks_of_its_session(stage: Stage, world: World) -> None:
    """A chunk that finds no slot free looks whether its session has just got one."""
    for _ in range(SLOTS - 1):
        other, _ = session(world)
        world.finish(speak(world, other))
    speaker, _ = session(world)
    late = speak(world, speaker, 1)
    while late.call is not None and late.call.operation != "BatchGetItem":
        world.step(late)
    world.finish(speak(world, speaker, 0))
    world.finish(late)
    assert stage.sockets.frames_of(speaker.connection_id, "error") == []
    assert queued_sequences(stage)[SLOTS - 1] == [0, 1]


def test_a_claim_is_taken_over_when_its_processor_has_not_begun_in_time(stage: Stage) -> None:
    speaker, session_id = broadcasting(stage)
    stage.send_audio(speaker, 0, AUDIO)
    first = lapse(stage, session_id)
    stage.send_audio(speaker, 1, AUDIO)
    second = claim_of(stage, session_id)
    assert second["claimId"] != first["claimId"]
    assert second["slot"] == first["slot"], "what waits there is the session's"
    assert queued_sequences(stage) == {first["slot"]: [0, 1]}
    assert lease_of(stage, stage.processor_starts[0]).take() is None
    processor(stage)
    assert slot_holders(stage) == {second["slot"]: second["claimId"]}


def test_the_captions_of_a_session_of_release_0_1_0_go_on_from_their_number(stage: Stage) -> None:
    """There they began at 0, which its rows leave out."""
    speaker, session_id = broadcasting(stage)
    stage.send_audio(speaker, 0, AUDIO)
    claim = claim_of(stage, session_id)
    del claim["nextCaption"]
    stage.change("sessions", {"sessionId": session_id}, audioClaim={**claim, "leaseUntil": 0})
    stage.change("audio-slots", {"slot": claim["slot"]}, leaseUntil=0)
    stage.send_audio(speaker, 1, AUDIO)
    after = claim_of(stage, session_id)
    assert after["claimId"] != claim["claimId"]
    assert "nextCaption" not in after


def test_a_claim_is_not_taken_over_a_moment_too_early(stage: Stage, world: World) -> None:
    speaker, _ = session(world)
    world.finish(speak(world, speaker))
    world.advance(STARTING_SECONDS * 1000 - 1)
    world.finish(speak(world, speaker, 1))
    assert len(stage.processor_starts) == 1
    world.advance(1)
    world.finish(speak(world, speaker, 2))
    assert len(stage.processor_starts) == 2


def test_the_successor_of_one_that_has_left_gets_its_slot_and_its_place_at_once(
    stage: Stage,
) -> None:
    speaker, session_id = broadcasting(stage)
    stage.send_audio(speaker, 0, AUDIO)
    slot = claim_of(stage, session_id)["slot"]
    processor(stage).release(next_caption=12, reached=REACHED)
    stage.send_audio(speaker, 7, AUDIO)
    claim = claim_of(stage, session_id)
    assert (claim["slot"], claim["nextCaption"]) == (slot, 12)
    assert claim["reached"]["nextSequence"] == 7
    assert "processorId" not in claim
    assert len(stage.processor_starts) == 2
    processor(stage)


def test_the_successor_of_one_that_has_died_gets_its_slot_and_unused_captions(
    stage: Stage,
) -> None:
    speaker, session_id = broadcasting(stage)
    stage.send_audio(speaker, 0, AUDIO)
    dead = processor(stage)
    dead.renew(next_caption=112)
    slot = lapse(stage, session_id)["slot"]
    stage.send_audio(speaker, 1, AUDIO)
    claim = claim_of(stage, session_id)
    assert (claim["slot"], claim["nextCaption"]) == (slot, 112)
    assert "reached" not in claim


def test_another_session_takes_an_abandoned_slot_after_the_margin_and_the_first_one_moves(
    stage: Stage,
) -> None:
    first, first_id = broadcasting(stage)
    stage.send_audio(first, 0, AUDIO)
    abandoned = lapse(stage, first_id, by_ms=1000)["slot"]
    others = [broadcasting(stage) for _ in range(SLOTS)]
    for other, _ in others:
        stage.send_audio(other, 0, AUDIO)
    slots = {claim_of(stage, other_id)["slot"]: other_id for _, other_id in others}
    assert abandoned in slots
    stage.send_audio(first, 1, AUDIO)
    assert [frame["code"] for frame in stage.sockets.frames_of(first, "error")] == [
        "SERVICE_UNAVAILABLE"
    ]
    assert lease_of(stage, stage.processor_starts[0]).take() is None
    holder = claim_of(stage, slots[abandoned])["claimId"]
    assert slot_holders(stage)[abandoned] == holder, "the late processor takes nothing away"


def test_a_slot_that_was_configured_away_is_left(
    stage: Stage,
) -> None:
    speaker, session_id = broadcasting(stage)
    stage.send_audio(speaker, 0, AUDIO)
    claim = lapse(stage, session_id) | {"slot": SLOTS}
    stage.change("sessions", {"sessionId": session_id}, audioClaim=claim)
    stage.send_audio(speaker, 1, AUDIO)
    assert claim_of(stage, session_id)["slot"] < SLOTS


# ---- a processor that cannot be started


class Unstartable:
    """Lambda, of which `act` gets the processor's event, and then its invocation fails."""

    def __init__(self, failure: Exception, act: Callable[[dict[str, Any]], object]) -> None:
        self._failure = failure
        self._act = act

    def invoke(self, *, FunctionName: str, InvocationType: str, Payload: bytes) -> None:
        self._act(json.loads(Payload))
        raise self._failure


@contextlib.contextmanager
def unstartable(
    stage: Stage,
    failure: Exception,
    act: Callable[[dict[str, Any]], object] = lambda task: None,
) -> Iterator[None]:
    """No processor can be started meanwhile."""
    assert isinstance(stage.clients, StageClients)
    works = stage.clients.recording_lambda
    stage.clients.recording_lambda = Unstartable(failure, act)
    yield
    stage.clients.recording_lambda = works


@pytest.mark.parametrize(
    ("failure", "code"),
    [
        (
            ClientError({"Error": {"Code": "TooManyRequestsException"}}, "Invoke"),
            "SERVICE_UNAVAILABLE",
        ),
        (ReadTimeoutError(endpoint_url="https://lambda"), "SERVICE_UNAVAILABLE"),
        (ClientError({"Error": {"Code": "AccessDeniedException"}}, "Invoke"), "INTERNAL_ERROR"),
    ],
)
def test_when_no_processor_starts_both_are_given_back_and_the_next_chunk_tries_again(
    stage: Stage, failure: Exception, code: str
) -> None:
    speaker, session_id = broadcasting(stage)
    with unstartable(stage, failure):
        stage.send_audio(speaker, 0, AUDIO)
    (frame,) = stage.sockets.frames_of(speaker, "error")
    assert frame["code"] == code
    assert queued_sequences(stage) == {}
    assert claim_of(stage, session_id)["leaseUntil"] == 0
    assert slot_holders(stage) == {}
    stage.send_audio(speaker, 1, AUDIO)
    assert len(stage.processor_starts) == 1
    assert [*queued_sequences(stage).values()] == [[1]]


def test_a_processor_that_has_begun_though_its_start_was_not_answered_keeps_what_it_took(
    stage: Stage, standing_clock: StandingClock
) -> None:
    leases: list[Lease] = []

    def begin(task: dict[str, Any]) -> None:
        leases.append(lease_of(stage, task))
        assert leases[0].take() is not None

    speaker, session_id = broadcasting(stage)
    with unstartable(stage, ReadTimeoutError(endpoint_url="https://lambda"), begin):
        stage.send_audio(speaker, 0, AUDIO)
    claim = claim_of(stage, session_id)
    assert stage.sockets.frames_of(speaker, "error") == []
    assert queued_sequences(stage) == {claim["slot"]: [0]}
    assert slot_holders(stage) == {claim["slot"]: claim["claimId"]}
    standing_clock.now += LEASE_SECONDS / 2
    assert leases[0].renew(next_caption=0) is not None


def test_one_that_begins_after_its_claim_was_withdrawn_takes_nothing(stage: Stage) -> None:
    speaker, _ = broadcasting(stage)
    tasks: list[dict[str, Any]] = []
    with unstartable(stage, ReadTimeoutError(endpoint_url="https://lambda"), tasks.append):
        stage.send_audio(speaker, 0, AUDIO)
    assert lease_of(stage, tasks[0]).take() is None
    assert slot_holders(stage) == {}


# ---- what happens between the read and the claim


def test_a_chunk_overtaken_by_an_end_claims_nothing(stage: Stage, world: World) -> None:
    speaker, session_id = session(world)
    chunk = speak(world, speaker)
    while chunk.call is not None and chunk.call.operation != "BatchGetItem":
        world.step(chunk)
    world.finish(world.send(speaker, "endSession"))
    world.finish(chunk)
    (frame,) = stage.sockets.frames_of(speaker.connection_id, "error")
    assert frame["code"] == "SESSION_ENDED"
    assert stage.processor_starts == []
    assert queued_sequences(stage) == {}
    assert "audioClaim" not in stage.session(session_id)
    held = stage.dynamodb.scan(TableName="audio-slots")["Items"]
    assert all(int(row["leaseUntil"]["N"]) <= world.clock.now_ms for row in held)
