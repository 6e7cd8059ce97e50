"""Audio that was sent before a speaker's socket was replaced, and is handled after it."""

from __future__ import annotations

import random
from typing import Any

import msgspec
import pytest

from live_sessions.sessions.rows import (
    CLOCK_MARGIN_MS,
    LATE_AUDIO_MS,
    MOST_REPLACED_SOCKETS,
    Session,
    SpeakerSocket,
)
from live_sessions.wire.frames import BroadcastState
from tests.handlers.audio.chunk_maker import AUDIO, broadcasting
from tests.handlers.audio.clock import StandingClock
from tests.handlers.conftest import Stage
from tests.handlers.faults.audio_scenarios import speak
from tests.handlers.faults.setting import connected, session
from tests.handlers.properties.interleaving import Operation
from tests.handlers.properties.world import World

# ---- whose audio it is

REPLACED_AT = 20_000


def replaced(connection_id: str, at_ms: int = REPLACED_AT, epoch: int = 0) -> SpeakerSocket:
    return SpeakerSocket(
        connection_id=connection_id, stream_epoch=epoch, sample_rate_hertz=16_000, replaced_at=at_ms
    )


def session_on(connection_id: str, *sockets: SpeakerSocket, **fields: Any) -> Session:
    """A session that other sockets were the speaker's of before."""
    return Session(
        session_id="golden-river-482",
        speaker_connection_id=connection_id,
        source_language="en",
        sample_rate_hertz=48_000,
        created_at=0,
        expires_at=8 * 3600,
        broadcast_state=BroadcastState(last_state_change=0),
        listener_count=0,
        listeners_by_language={},
        membership_version=0,
        membership_changed_at=0,
        stream_epoch=len(sockets),
        replaced_sockets=sockets,
        **fields,
    )


def test_the_current_socket_is_the_speaker_s_at_any_time() -> None:
    current = session_on("new", replaced("old"))
    for at_ms in (0, REPLACED_AT, 10 * REPLACED_AT):
        assert current.socket_of("new", at_ms) == SpeakerSocket(
            connection_id="new", stream_epoch=1, sample_rate_hertz=48_000
        )


@pytest.mark.parametrize(
    ("after_ms", "is_theirs"),
    [
        (-60_000, True),
        (0, True),
        (CLOCK_MARGIN_MS - 1, True),
        (CLOCK_MARGIN_MS, False),
        (60_000, False),
    ],
)
def test_a_replaced_socket_was_the_speaker_s_until_a_moment_after_it_was_replaced(
    after_ms: int, is_theirs: bool
) -> None:
    old = replaced("old")
    found = session_on("new", old).socket_of("old", REPLACED_AT + after_ms)
    assert found == (old if is_theirs else None)


def test_a_socket_that_never_was_the_speaker_s_is_not() -> None:
    assert session_on("new", replaced("old")).socket_of("stranger", 0) is None


def test_of_two_replaced_sockets_each_is_judged_by_its_own_time() -> None:
    first, second = replaced("first", 10_000), replaced("second", 20_000, epoch=1)
    moved = session_on("third", first, second)
    assert moved.socket_of("first", 10_500) == first
    assert moved.socket_of("first", 15_000) is None
    assert moved.socket_of("second", 15_000) == second


@pytest.mark.parametrize(
    ("at_ms", "epoch"), [(9_999, 0), (10_000, 2), (15_000, 2), (20_000, 2), (30_000, 2)]
)
def test_a_socket_that_the_session_came_back_to_has_the_epoch_of_its_time(
    at_ms: int, epoch: int
) -> None:
    """Times on one socket are from one clock: no margin."""
    found = session_on("a", replaced("a", 10_000), replaced("b", 20_000, epoch=1)).socket_of(
        "a", at_ms
    )
    assert found is not None
    assert found.stream_epoch == epoch


@pytest.mark.parametrize(
    ("audible_since", "at_ms", "epoch"),
    [
        (0, 19_000, 5),  # no silence
        (10_000, 9_000, 4),  # before a silence that ended before the refresh
        (10_000, 10_000, 5),  # after it
        (30_000, 19_000, 5),  # before a silence that the new socket ended
    ],
)
def test_the_epoch_of_a_replaced_socket_is_the_one_at_the_chunk_s_arrival(
    audible_since: int, at_ms: int, epoch: int
) -> None:
    old = replaced("old", epoch=5)
    moved = session_on("new", old, audible_since=audible_since, silent_since=audible_since)
    assert moved.audio_epoch(old, at_ms) == epoch


def test_what_a_replaced_socket_sent_in_a_silence_has_no_epoch() -> None:
    old = replaced("old", epoch=5)
    paused = BroadcastState(last_state_change=0, is_paused=True)
    moved = msgspec.structs.replace(
        session_on("new", old, silent_since=15_000), broadcast_state=paused
    )
    assert [moved.audio_epoch(old, at_ms) for at_ms in (14_999, 15_000, 19_000)] == [5, None, None]


# ---- the rows that a refresh writes


def refreshed(stage: Stage, session_id: str, **fields: Any) -> str:
    """The speaker's new socket."""
    new = stage.connect_speaker("user-1")
    frame = stage.send(new, "refreshConnection", sessionId=session_id, **fields)
    assert frame["type"] == "stateRestored", frame
    return new


def test_a_refresh_keeps_the_replaced_socket_with_its_epoch_and_its_rate(stage: Stage) -> None:
    old, session_id = broadcasting(stage, "user-1")
    stage.send(old, "muteBroadcast")
    stage.send(old, "unmuteBroadcast")
    refreshed(stage, session_id, sampleRateHertz=48_000)
    row = stage.session(session_id)
    assert row["replacedSockets"] == [
        {
            "connectionId": old,
            "streamEpoch": 1,
            "sampleRateHertz": 16_000,
            "replacedAt": stage.clock.now_ms(),
        }
    ]
    assert (row["streamEpoch"], row["sampleRateHertz"]) == (2, 48_000)
    connection = stage.connection(old)
    assert connection["movedSessionId"] == session_id
    assert "sessionId" not in connection


def test_a_session_written_by_release_0_1_0_is_taken_over_as_well(stage: Stage) -> None:
    old, session_id = broadcasting(stage, "user-1")
    row = stage.session(session_id)
    del row["streamEpoch"], row["replacedSockets"]
    stage.replace("sessions", row)
    refreshed(stage, session_id)
    after = stage.session(session_id)
    assert after["streamEpoch"] == 1
    assert [each["streamEpoch"] for each in after["replacedSockets"]] == [0]
    stage.send_audio(old, 0, AUDIO)
    assert heard(stage) == [(old, 0, 0)]


def test_no_more_replaced_sockets_are_kept_than_may_still_be_needed(
    stage: Stage, standing_clock: StandingClock
) -> None:
    _, session_id = broadcasting(stage, "user-1")
    sockets = [refreshed(stage, session_id) for _ in range(MOST_REPLACED_SOCKETS + 3)]
    assert len(stage.session(session_id)["replacedSockets"]) == MOST_REPLACED_SOCKETS
    standing_clock.now += (LATE_AUDIO_MS + CLOCK_MARGIN_MS) / 1000
    refreshed(stage, session_id)
    kept = stage.session(session_id)["replacedSockets"]
    assert [each["connectionId"] for each in kept] == [sockets[-1]]


def test_the_epoch_that_is_kept_is_right_though_a_silence_ends_meanwhile(world: World) -> None:
    speaker, session_id = session(world)
    world.finish(world.send(speaker, "muteBroadcast"))
    new = connected(world, "speaker", "user-1")
    refresh = world.send(new, "refreshConnection", sessionId=session_id)
    while str(refresh.call) != "dynamodb UpdateItem sessions":
        world.step(refresh)
    world.finish(world.send(speaker, "unmuteBroadcast"))
    world.finish(refresh)
    row = world.stage.session(session_id)
    assert row["speakerConnectionId"] == new.connection_id
    assert [each["streamEpoch"] for each in row["replacedSockets"]] == [1]
    assert row["streamEpoch"] == 2


# ---- chunks


def heard(stage: Stage) -> list[tuple[str, int, int]]:
    """Of each chunk that was queued, its socket, stream epoch and sequence; taken out."""
    bodies = [body for slot in range(3) for body in stage.queued(f"audio-{slot}")]
    found = [(each["connectionId"], each["streamEpoch"], each["sequence"]) for each in bodies]
    return sorted(found, key=lambda each: each[1:])


def refusals(stage: Stage, connection_id: str) -> list[str]:
    return [frame["code"] for frame in stage.sockets.frames_of(connection_id, "error")]


@pytest.fixture(params=["remembered", "not remembered"])
def speaking(stage: Stage, request: pytest.FixtureRequest) -> tuple[str, str]:
    """A speaker's socket and session; the container that handles their audio may know both."""
    speaker, session_id = broadcasting(stage, "user-1")
    if request.param == "remembered":
        stage.send_audio(speaker, 0, AUDIO)
        assert heard(stage) == [(speaker, 0, 0)]
    return speaker, session_id


def test_what_was_sent_before_a_refresh_is_heard_though_it_is_handled_after_it(
    stage: Stage, speaking: tuple[str, str], standing_clock: StandingClock
) -> None:
    old, session_id = speaking
    sent_at_ms = standing_clock.now_ms
    standing_clock.now += 0.2
    new = refreshed(stage, session_id)
    standing_clock.now += 5
    stage.send_audio(new, 0, AUDIO)
    stage.send_audio(old, 1, AUDIO, arrived_at_ms=sent_at_ms)
    assert heard(stage) == [(old, 0, 1), (new, 1, 0)]
    assert refusals(stage, old) == []
    assert len(stage.processor_starts) == 1


def test_what_is_sent_after_a_refresh_on_the_old_socket_is_refused(
    stage: Stage, speaking: tuple[str, str], standing_clock: StandingClock
) -> None:
    old, session_id = speaking
    starts = len(stage.processor_starts)
    refreshed(stage, session_id)
    standing_clock.now += CLOCK_MARGIN_MS / 1000
    rows = stage.session(session_id), stage.connection(old)
    stage.send_audio(old, 1, AUDIO)
    assert refusals(stage, old) == ["CONNECTION_NOT_FOUND"]
    assert heard(stage) == []
    assert len(stage.processor_starts) == starts
    assert (stage.session(session_id), stage.connection(old)) == rows


def test_it_is_the_same_while_the_old_socket_s_row_still_names_the_session(
    stage: Stage, speaking: tuple[str, str], standing_clock: StandingClock
) -> None:
    old, session_id = speaking
    row = stage.connection(old)
    sent_at_ms = standing_clock.now_ms
    refreshed(stage, session_id)
    stage.replace("connections", row)
    standing_clock.now += CLOCK_MARGIN_MS / 1000
    stage.send_audio(old, 1, AUDIO, arrived_at_ms=sent_at_ms)
    stage.send_audio(old, 2, AUDIO)
    assert heard(stage) == [(old, 0, 1)]
    assert refusals(stage, old) == ["CONNECTION_NOT_FOUND"]


def test_of_two_refreshes_in_a_row_both_old_sockets_are_heard_with_what_they_sent(
    stage: Stage, standing_clock: StandingClock
) -> None:
    first, session_id = broadcasting(stage, "user-1")
    sent_at_ms = standing_clock.now_ms
    standing_clock.now += 2
    second = refreshed(stage, session_id)
    sent_on_second_at_ms = standing_clock.now_ms + 500
    standing_clock.now += 2
    third = refreshed(stage, session_id)
    standing_clock.now += 2
    stage.send_audio(third, 0, AUDIO)
    stage.send_audio(second, 0, AUDIO, arrived_at_ms=sent_on_second_at_ms)
    stage.send_audio(first, 7, AUDIO, arrived_at_ms=sent_at_ms)
    assert heard(stage) == [(first, 0, 7), (second, 1, 0), (third, 2, 0)]
    assert [refusals(stage, each) for each in (first, second, third)] == [[], [], []]


def test_a_session_that_comes_back_to_a_socket_is_heard_on_it_in_both_its_times(
    stage: Stage, standing_clock: StandingClock
) -> None:
    first, session_id = broadcasting(stage, "user-1")
    sent_at_ms = standing_clock.now_ms
    standing_clock.now += 2
    second = refreshed(stage, session_id)
    standing_clock.now += 2
    assert stage.send(first, "refreshConnection", sessionId=session_id)["type"] == "stateRestored"
    stage.send_audio(first, 9, AUDIO)
    stage.send_audio(first, 8, AUDIO, arrived_at_ms=sent_at_ms)
    stage.send_audio(second, 0, AUDIO, arrived_at_ms=sent_at_ms + 3_000)
    assert heard(stage) == [(first, 0, 8), (second, 1, 0), (first, 2, 9)]
    assert stage.connection(first)["sessionId"] == session_id


def test_what_was_sent_before_a_new_sample_rate_keeps_its_own(
    stage: Stage, speaking: tuple[str, str], standing_clock: StandingClock
) -> None:
    old, session_id = speaking
    sent_at_ms = standing_clock.now_ms
    standing_clock.now += 0.2
    new = refreshed(stage, session_id, sampleRateHertz=8_000)
    longest = bytes(24_000)
    stage.send_audio(old, 1, longest, arrived_at_ms=sent_at_ms)
    stage.send_audio(new, 0, longest)
    (body,) = [body for slot in range(3) for body in stage.queued(f"audio-{slot}")]
    assert (body["sequence"], body["sampleRateHertz"]) == (1, 16_000)
    assert refusals(stage, new) == ["AUDIO_TOO_LARGE"], "a second is shorter there"


def test_what_was_sent_before_a_pause_is_heard_and_in_it_dropped_over_a_refresh(
    stage: Stage, speaking: tuple[str, str], standing_clock: StandingClock
) -> None:
    old, session_id = speaking
    sent_at_ms = standing_clock.now_ms
    standing_clock.now += 0.2
    stage.send(old, "pauseBroadcast")
    standing_clock.now += 2
    sent_in_the_pause_at_ms = standing_clock.now_ms
    new = refreshed(stage, session_id)
    stage.send_audio(old, 1, AUDIO, arrived_at_ms=sent_at_ms)
    stage.send_audio(old, 2, AUDIO, arrived_at_ms=sent_in_the_pause_at_ms)
    assert heard(stage) == [(old, 0, 1)]
    standing_clock.now += 2
    stage.send(new, "resumeBroadcast")
    stage.send_audio(new, 0, AUDIO)
    stage.send_audio(old, 1, AUDIO, arrived_at_ms=sent_at_ms)
    stage.send_audio(old, 2, AUDIO, arrived_at_ms=sent_in_the_pause_at_ms)
    assert heard(stage) == [(old, 0, 1), (new, 2, 0)]
    assert refusals(stage, old) == []


def test_an_ended_session_takes_nothing_of_a_replaced_socket(
    stage: Stage, speaking: tuple[str, str], standing_clock: StandingClock
) -> None:
    old, session_id = speaking
    sent_at_ms = standing_clock.now_ms
    new = refreshed(stage, session_id)
    stage.send(new, "endSession")
    stage.send_audio(old, 1, AUDIO, arrived_at_ms=sent_at_ms)
    standing_clock.now += CLOCK_MARGIN_MS / 1000
    stage.send_audio(old, 2, AUDIO)
    assert refusals(stage, old) == ["SESSION_ENDED", "CONNECTION_NOT_FOUND"]
    assert heard(stage) == []


def test_another_user_s_socket_is_never_heard_in_the_session(
    stage: Stage, standing_clock: StandingClock
) -> None:
    _, session_id = broadcasting(stage, "user-1")
    sent_at_ms = standing_clock.now_ms
    stranger = stage.connect_speaker("user-2")
    frame = stage.send(stranger, "refreshConnection", sessionId=session_id)
    assert frame["code"] == "UNAUTHORIZED_ACTION"
    refreshed(stage, session_id)
    stage.send_audio(stranger, 0, AUDIO, arrived_at_ms=sent_at_ms)
    assert refusals(stage, stranger) == ["CONNECTION_NOT_FOUND"]
    assert heard(stage) == []


def test_a_replaced_socket_that_has_closed_leaves_no_row(
    stage: Stage, speaking: tuple[str, str], standing_clock: StandingClock
) -> None:
    old, session_id = speaking
    sent_at_ms = standing_clock.now_ms
    refreshed(stage, session_id)
    stage.disconnect(old)
    stage.send_audio(old, 1, AUDIO, arrived_at_ms=sent_at_ms)
    assert stage.connection(old) == {}
    assert "speakerLostAt" not in stage.session(session_id)


def test_a_replaced_socket_can_have_a_session_of_its_own(
    stage: Stage, speaking: tuple[str, str], standing_clock: StandingClock
) -> None:
    old, session_id = speaking
    refreshed(stage, session_id)
    standing_clock.now += 2
    own = stage.create_session(old)
    stage.processor_starts.clear()
    stage.send_audio(old, 1, AUDIO)
    assert [start["sessionId"] for start in stage.processor_starts] == [own]
    assert heard(stage) == [(old, 0, 1)]


def test_however_a_chunk_and_a_refresh_interleave_the_chunk_is_heard_once(world: World) -> None:
    stage = world.stage
    for seed in range(60):
        chance = random.Random(seed)  # noqa: S311
        world.reset()
        speaker, session_id = session(world)
        new = connected(world, "speaker", "user-1")
        running: list[Operation] = [
            world.send(new, "refreshConnection", sessionId=session_id),
            *(speak(world, speaker, sequence) for sequence in range(2)),
        ]
        while running:
            world.step(chance.choice(running))
            running = [each for each in running if not each.over]
        assert heard(stage) == [(speaker.connection_id, 0, 0), (speaker.connection_id, 0, 1)]
        assert refusals(stage, speaker.connection_id) == []
        assert len(stage.processor_starts) == 1
        claim = stage.session(session_id)["audioClaim"]
        assert claim["claimId"] == stage.processor_starts[0]["claimId"]
