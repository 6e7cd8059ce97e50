"""The processor's function with real tables and queues: takings, hand-overs, deaths."""

from __future__ import annotations

import base64
import copy
from typing import Any

import pytest

from live_sessions.audio.processing import IDLE_SECONDS
from live_sessions.audio.slots import LEASE_SECONDS
from live_sessions.sessions.rows import LAST_WORDS_SECONDS
from tests.handlers.audio.broadcast import Broadcast
from tests.handlers.audio.recogniser import PERMANENT, Plan, pause, word
from tests.handlers.conftest import OpenSockets, Stage

CHUNK_SECONDS = 0.5


def speech(words: int, of: int = 4, first: int = 1) -> list[bytes]:
    """Words, each `of` of them with two chunks of pause after them."""
    audio: list[bytes] = []
    for number in range(first, first + words):
        audio.append(word(number, CHUNK_SECONDS))
        if number % of == 0:
            audio += [pause(CHUNK_SECONDS)] * 2
    return audio


pytestmark = pytest.mark.usefixtures("no_thread_is_left")


@pytest.fixture
def broadcast(stage: Stage) -> Broadcast:
    return Broadcast(stage)


def test_a_speech_becomes_captions_once_each_and_in_order(broadcast: Broadcast) -> None:
    broadcast.says(speech(40), chunk_seconds=CHUNK_SECONDS)
    broadcast.run()
    assert broadcast.words() == list(range(1, 41))
    assert [each.sequence for each in broadcast.finals()] == list(range(1, 11))
    assert {each.session_id for each in broadcast.sent} == {broadcast.session_id}
    assert broadcast.opened == [("en-US", None)]
    assert len(broadcast.runs) == 1
    assert broadcast.left_in_queues() == 0


def test_after_a_minute_without_audio_the_slot_is_free(broadcast: Broadcast) -> None:
    broadcast.says(speech(8), chunk_seconds=CHUNK_SECONDS)
    broadcast.run(stops_after=float("inf"))
    assert IDLE_SECONDS - 1 <= broadcast.seconds <= IDLE_SECONDS + 3
    claim = broadcast.claim()
    assert claim["leaseUntil"] == 0
    assert claim["nextCaption"] == 3
    assert claim["reached"]["nextSequence"] == 12
    assert broadcast.slot(claim["slot"])["leaseUntil"] <= broadcast.clock.now_ms


def test_twenty_hand_overs_lose_no_word_and_double_none(broadcast: Broadcast) -> None:
    broadcast.limit_seconds = 4.5
    words = 100
    broadcast.says(speech(words), chunk_seconds=CHUNK_SECONDS)
    broadcast.run()
    assert len(broadcast.runs) > 20
    assert broadcast.words() == list(range(1, words + 1))
    numbers = [each.sequence for each in broadcast.finals()]
    assert numbers == list(range(1, len(numbers) + 1)), "in order, none skipped, none used twice"
    assert broadcast.left_in_queues() == 0


def test_twenty_hard_cuts_lose_no_word_and_double_none(broadcast: Broadcast) -> None:
    broadcast.limit_seconds = 4.5
    words = 150
    broadcast.says(
        [word(number, CHUNK_SECONDS) for number in range(1, words + 1)],
        chunk_seconds=CHUNK_SECONDS,
    )
    broadcast.run()
    assert len(broadcast.runs) > 20
    assert broadcast.words() == list(range(1, words + 1))


def test_chunks_that_come_again_after_a_hand_over_are_not_heard_again(
    broadcast: Broadcast,
) -> None:
    broadcast.limit_seconds = 6
    broadcast.queues.repeats = 6
    broadcast.says(speech(40), chunk_seconds=CHUNK_SECONDS)
    broadcast.run()
    assert len(broadcast.runs) > 4
    assert broadcast.words() == list(range(1, 41))


def test_a_processor_that_is_killed_has_a_successor_and_little_is_lost(
    broadcast: Broadcast,
) -> None:
    words = 80
    broadcast.kill_after(20)
    broadcast.says(speech(words), chunk_seconds=CHUNK_SECONDS)
    broadcast.run()
    assert len(broadcast.runs) == 2
    (killed_at,), (resumed_at, _) = broadcast.queues.killed_at, broadcast.runs[1]
    assert resumed_at - (killed_at - broadcast.began_at) <= LEASE_SECONDS + CHUNK_SECONDS
    lost = sorted(set(range(1, words + 1)) - set(broadcast.words()))
    assert len(lost) <= 4, "the words of one phrase, at most"
    assert broadcast.words() == [each for each in range(1, words + 1) if each not in lost]
    numbers = [each.sequence for each in broadcast.finals()]
    assert numbers == sorted(set(numbers)), "no caption's number is used again"


def test_one_that_is_killed_at_once_leaves_its_captions_numbers_used(
    broadcast: Broadcast,
) -> None:
    """Before the first renewal by the clock: captions may have gone out by then."""
    broadcast.limit_seconds = 900
    broadcast.kill_after(2.5)
    broadcast.says(speech(20, of=1), chunk_seconds=CHUNK_SECONDS)
    broadcast.run()
    assert len(broadcast.runs) == 2
    numbers = [each.sequence for each in broadcast.finals()]
    assert numbers == sorted(set(numbers))
    assert numbers[0] == 1
    assert 0 < sum(number < 100 for number in numbers) < 10


def test_killed_after_a_hand_over_it_does_not_go_back(broadcast: Broadcast) -> None:
    broadcast.limit_seconds = 12
    broadcast.kill_after(10)
    broadcast.says(speech(60), chunk_seconds=CHUNK_SECONDS)
    broadcast.run()
    assert broadcast.queues.killed_at
    said = broadcast.words()
    assert said == sorted(set(said))
    assert 60 - len(said) <= 4


def test_of_two_events_for_one_claim_one_works(broadcast: Broadcast, stage: Stage) -> None:
    broadcast.says(speech(24), chunk_seconds=CHUNK_SECONDS)
    rows: list[Any] = []

    def deliver_again() -> None:
        slot = broadcast.claim()["slot"]
        rows.append((broadcast.claim(), broadcast.slot(slot)))
        broadcast.invoke(copy.deepcopy(broadcast.events[0]))
        rows.append((broadcast.claim(), broadcast.slot(slot)))

    broadcast.at(5, deliver_again)
    broadcast.run()
    assert rows[0] == rows[1], "the second one touches nothing"
    assert broadcast.words() == list(range(1, 25))
    assert len(broadcast.recogniser.streams) == 1


def test_an_event_whose_claim_is_gone_starts_nothing(broadcast: Broadcast, stage: Stage) -> None:
    broadcast.send(word(1, CHUNK_SECONDS))
    (event,) = stage.processor_starts
    stage.processor_starts.clear()
    broadcast.clock.now += LEASE_SECONDS + 5
    broadcast.says(speech(8), at_seconds=broadcast.seconds + 1, chunk_seconds=CHUNK_SECONDS)
    broadcast.run()
    opened = broadcast.recogniser.attempts
    broadcast.invoke(event)
    assert broadcast.recogniser.attempts == opened


def test_one_whose_lease_is_taken_stops_and_leaves_the_rows_to_the_other(
    broadcast: Broadcast, stage: Stage
) -> None:
    broadcast.says(speech(40), chunk_seconds=CHUNK_SECONDS)
    taken: list[tuple[float, int]] = []

    def take_over() -> None:
        claim = broadcast.claim()
        another = {**claim, "claimId": "another", "processorId": "another"}
        stage.change("sessions", {"sessionId": broadcast.session_id}, audioClaim=another)
        stage.change("audio-slots", {"slot": claim["slot"]}, claimId="another")
        taken.append((broadcast.seconds, len(broadcast.sent)))

    broadcast.at(10, take_over)
    broadcast.at(10 + 5, lambda: None)
    broadcast.run(until_seconds=14)
    ((taken_at, _),) = taken
    ended_at = broadcast.runs[0][1]
    assert ended_at - taken_at <= 4.5, "at the next renewal"
    assert broadcast.claim()["claimId"] == "another"
    assert broadcast.claim()["processorId"] == "another"
    assert broadcast.slot(broadcast.claim()["slot"])["claimId"] == "another"
    assert broadcast.claim()["leaseUntil"] > 0


def test_the_last_words_before_the_end_become_transcripts_if_the_session_keeps_one(
    broadcast: Broadcast, stage: Stage
) -> None:
    stage.change("sessions", {"sessionId": broadcast.session_id}, keepTranscript=True)
    # After 20 chunks: three phrases, and two words of the fourth.
    broadcast.says(speech(20), chunk_seconds=CHUNK_SECONDS)
    broadcast.at(0.1 + 19.5 * CHUNK_SECONDS, lambda: broadcast.control("endSession"))
    broadcast.run()
    assert broadcast.words() == list(range(1, 15))
    assert broadcast.runs[0][1] <= 10 + LAST_WORDS_SECONDS
    assert broadcast.slot(broadcast.claim()["slot"])["leaseUntil"] <= broadcast.clock.now_ms
    assert len(broadcast.runs) == 1


def test_a_session_that_ends_frees_its_slot_within_a_renewal(broadcast: Broadcast) -> None:
    broadcast.says(speech(20), chunk_seconds=CHUNK_SECONDS)
    broadcast.at(10, lambda: broadcast.control("endSession"))
    broadcast.run()
    assert broadcast.runs[0][1] - 10 <= 4.5
    assert broadcast.slot(broadcast.claim()["slot"])["leaseUntil"] <= broadcast.clock.now_ms
    assert len(broadcast.runs) == 1


@pytest.mark.parametrize(
    ("silence", "sound", "fields"),
    [
        ("pauseBroadcast", "resumeBroadcast", ({}, {})),
        ("muteBroadcast", "unmuteBroadcast", ({}, {})),
        ("setVolume", "setVolume", ({"volumeLevel": 0.0}, {"volumeLevel": 0.8})),
    ],
)
def test_what_is_said_in_a_silence_is_not_heard(
    broadcast: Broadcast, silence: str, sound: str, fields: tuple[dict[str, Any], dict[str, Any]]
) -> None:
    broadcast.says(speech(30, of=2), chunk_seconds=CHUNK_SECONDS)
    broadcast.at(8, lambda: broadcast.control(silence, **fields[0]))
    broadcast.at(16, lambda: broadcast.control(sound, **fields[1]))
    broadcast.run()
    said = broadcast.words()
    assert said == sorted(set(said))
    unsaid = sorted(set(range(1, 31)) - set(said))
    assert unsaid == list(range(unsaid[0], unsaid[-1] + 1)), "one gap"
    assert 7 <= len(unsaid) <= 9, "eight seconds of it"


def test_a_speaker_on_a_new_socket_is_heard_on_without_a_gap(broadcast: Broadcast) -> None:
    broadcast.says(speech(24), chunk_seconds=CHUNK_SECONDS)
    broadcast.at(10.05, broadcast.refresh)
    broadcast.run()
    assert broadcast.words() == list(range(1, 25))
    assert len(broadcast.recogniser.streams) == 1


@pytest.mark.parametrize(
    ("late_seconds", "unheard"),
    [
        (0.48, []),  # before the new socket's first chunk
        (1.6, [14]),
    ],
)
def test_what_the_old_socket_sent_last_is_heard_in_its_place_or_not_at_all(
    broadcast: Broadcast, sockets: OpenSockets, late_seconds: float, unheard: list[int]
) -> None:
    """It was sent before the refresh, and is handled after it."""
    old = broadcast.speaker
    broadcast.says(speech(24), chunk_seconds=CHUNK_SECONDS)
    broadcast.at(9.55, lambda: setattr(broadcast, "handled_after_seconds", late_seconds))
    broadcast.at(9.65, lambda: setattr(broadcast, "handled_after_seconds", 0))
    broadcast.at(10.05, broadcast.refresh)
    broadcast.run()
    assert broadcast.words() == [number for number in range(1, 25) if number not in unheard]
    assert len(broadcast.recogniser.streams) == 1
    assert sockets.frames_of(old, "error") == []


@pytest.mark.parametrize(
    ("partial_captions", "tier", "with_partials"),
    [
        ("never", "premium", False),
        ("premium", "standard", False),
        ("premium", "premium", True),
        ("always", "standard", True),
    ],
)
def test_partial_captions_go_to_whom_configuration_says(
    stage: Stage,
    partial_captions: str,
    tier: str,
    with_partials: bool,
) -> None:
    broadcast = Broadcast(stage, tier=tier, PARTIAL_CAPTIONS=partial_captions)
    broadcast.says(speech(8), chunk_seconds=CHUNK_SECONDS)
    broadcast.run()
    assert broadcast.opened == [("en-US", "medium" if with_partials else None)]
    partial = [each for each in broadcast.sent if each.is_partial]
    assert bool(partial) is with_partials
    assert {each.sequence for each in partial} <= {each.sequence for each in broadcast.finals()}


def test_stability_that_is_off_is_not_asked_for(stage: Stage) -> None:
    broadcast = Broadcast(stage, PARTIAL_CAPTIONS="always", PARTIAL_RESULTS_STABILITY="off")
    broadcast.says(speech(4), chunk_seconds=CHUNK_SECONDS)
    broadcast.run()
    assert broadcast.opened == [("en-US", None)]


@pytest.mark.parametrize(
    ("language", "locale", "opened"),
    [("en", "en-GB", "en-GB"), ("zh-TW", "zh-HK", "zh-HK"), ("pt", None, "pt-BR")],
    ids=["an accent", "Cantonese", "a row of the release before, without an accent"],
)
def test_transcribe_is_given_the_accent_and_the_transcripts_the_language(
    broadcast: Broadcast, language: str, locale: str | None, opened: str
) -> None:
    row = broadcast.stage.session(broadcast.session_id) | {"sourceLanguage": language}
    given = {} if locale is None else {"sourceLocale": locale}
    broadcast.stage.replace("sessions", row | given)
    broadcast.says(speech(4), chunk_seconds=CHUNK_SECONDS)
    broadcast.run()
    assert broadcast.opened == [(opened, None)]
    assert {each.source_language for each in broadcast.sent} == {language}


def test_a_speaker_who_is_not_transcribed_is_notified_on_their_socket(
    stage: Stage, sockets: OpenSockets
) -> None:
    broadcast = Broadcast(stage, Plan(PERMANENT, receiving=2))
    broadcast.says(speech(20), chunk_seconds=CHUNK_SECONDS)
    broadcast.run()
    (frame,) = sockets.frames_of(broadcast.speaker, "transcriptionError")
    assert frame["sessionId"] == broadcast.session_id
    assert (frame["isPermanent"], frame["retryAfterSeconds"]) == (True, 30)


def test_a_speaker_who_goes_on_sending_too_much_is_warned_and_closed(
    stage: Stage, sockets: OpenSockets
) -> None:
    # The numbers are small for the test to be quick.
    broadcast = Broadcast(stage, AUDIO_CHUNKS_PER_SECOND="1")
    closed: list[float] = []
    plain_answer = sockets.answer

    def answer(method: str, connection_id: str, data: bytes) -> int:
        if method == "DELETE":
            assert connection_id == broadcast.speaker
            closed.append(broadcast.seconds)
        return plain_answer(method, connection_id, data)

    sockets.answer = answer
    broadcast.says([word(1, 0.05)] * 64, chunk_seconds=0.5)
    broadcast.run()
    (warning,) = sockets.frames_of(broadcast.speaker, "rateLimitWarning")
    assert (warning["chunksPerSecond"], warning["closesAfterSeconds"]) == (1, 25)
    assert len(closed) == 1
    assert 28 <= closed[0] <= 32


def test_the_log_holds_nothing_that_was_said_and_no_whole_connection_id(
    stage: Stage,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    plans = (Plan(sending=3), Plan(receiving=4), *[Plan(at_opening=True)] * 4)
    broadcast = Broadcast(stage, *plans)
    broadcast.kill_after(50)

    def fail(_: object) -> None:
        raise RuntimeError("31005 31006")

    broadcast.pipeline.act = fail
    stage.sockets.failing.add(broadcast.speaker)
    audio = speech(90, first=31_001)
    broadcast.says(audio, chunk_seconds=CHUNK_SECONDS)
    broadcast.run()
    logged = capsys.readouterr().out + "\n".join(str(vars(each)) for each in caplog.records)
    assert "A Transcribe stream failed" in logged
    assert "A post failed" in logged
    assert "A transcript was not sent" in logged
    texts = logged.replace('"31005 31006"', "")
    assert broadcast.speaker not in logged
    for secret in ("testing", *(base64.b64encode(each)[:40].decode() for each in audio[:8])):
        assert secret not in texts
    assert "wss:" not in logged
