"""Audio becomes text over as many streams as it takes: every word once, and in order."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from live_sessions.audio.transcribe import TranscribeFailure
from live_sessions.audio.transcription import (
    ENDED_AFTER_SECONDS,
    ENDING_SECONDS,
    PADDED_AFTER_SECONDS,
    PROVEN_SECONDS,
    REST_SECONDS,
    RETRIES,
    Numbering,
    Transcription,
)
from live_sessions.captions.transcripts import Transcript
from tests.handlers.audio.clock import StandingClock
from tests.handlers.audio.recogniser import (
    NO_AUDIO,
    PERMANENT,
    TRANSIENT,
    Plan,
    Recogniser,
    chunk,
    pause,
    word,
)

STEP_SECONDS = 0.1


NUMBERING = Numbering(
    session_id="session", source_language="en", next_caption=7, with_partials=True
)


@dataclass
class Outcome:
    """What a transcription sends and reports."""

    transcripts: list[Transcript] = field(default_factory=list[Transcript])
    failures: list[tuple[TranscribeFailure, int]] = field(
        default_factory=list[tuple[TranscribeFailure, int]]
    )

    def report(self, failure: TranscribeFailure, retry_after_seconds: int) -> None:
        self.failures.append((failure, retry_after_seconds))

    def words(self) -> list[int]:
        """All that is final."""
        return [int(each) for final in self.finals() for each in final.split()]

    def finals(self) -> list[str]:
        return [each.text for each in self.transcripts if not each.is_partial]

    def numbers(self) -> list[tuple[int, str, bool]]:
        return [(each.sequence, each.text, each.is_partial) for each in self.transcripts]


class Speech:
    """A transcription that is fed in the time of the clock."""

    def __init__(
        self, clock: StandingClock, *plans: Plan, numbering: Numbering = NUMBERING
    ) -> None:
        self.clock = clock
        self.outcome = Outcome()
        self.recogniser = Recogniser(deque(plans))
        clock.settle = self.recogniser.settle
        self.transcription = Transcription(
            self.recogniser.open,
            numbering,
            self.outcome.transcripts.append,
            self.outcome.report,
            clock.handlers,
        )
        self.fed = 0
        speeches.append(self)

    def say(self, *audio: bytes) -> None:
        for each in audio:
            self.transcription.feed(chunk(self.fed, each, self.clock.now_ms))
            self.fed += 1
            self.wait(STEP_SECONDS)

    def burst(self, *audio: bytes) -> None:
        """All at once."""
        for each in audio:
            self.transcription.feed(chunk(self.fed, each, self.clock.now_ms))
            self.fed += 1

    def stall(self, seconds: float) -> None:
        """Nothing is called for a while: no silence is sent in place of the audio."""
        self.clock.sleep(seconds)
        self.transcription.tick()

    def phrase(self, first: int, last: int) -> None:
        """Words, and the pause after them."""
        self.say(*[word(number) for number in range(first, last + 1)], pause())

    def wait(self, seconds: float) -> None:
        for _ in range(round(seconds / STEP_SECONDS)):
            self.clock.sleep(STEP_SECONDS)
            self.transcription.tick()

    def finish(self, seconds: float = 20) -> bool:
        for _ in range(round(seconds / STEP_SECONDS)):
            if self.transcription.finish():
                return True
            self.clock.sleep(STEP_SECONDS)
        return False


speeches: list[Speech] = []


@pytest.fixture
def clock() -> Iterator[StandingClock]:
    clock = StandingClock()
    yield clock
    for speech in speeches:
        speech.transcription.close()
    speeches.clear()


FAILURES = {
    "at opening": Plan(at_opening=True),
    "at the first chunk": Plan(sending=0),
    "while sending": Plan(sending=2),
    "while receiving": Plan(receiving=2),
    "between phrases": Plan(receiving=4),
    "in the second phrase": Plan(sending=5),
}


def test_words_come_out_once_each_and_in_order(clock: StandingClock) -> None:
    speech = Speech(clock)
    speech.phrase(1, 3)
    speech.phrase(4, 6)
    assert speech.outcome.finals() == ["1 2 3", "4 5 6"]
    assert speech.recogniser.attempts == 1


@pytest.mark.parametrize("failures", range(1, RETRIES + 1))
@pytest.mark.parametrize("plan", FAILURES.values(), ids=FAILURES)
def test_streams_that_fail_cost_no_word_and_double_none(
    clock: StandingClock, plan: Plan, failures: int
) -> None:
    speech = Speech(clock, *[plan] * failures)
    for first in range(1, 60, 3):
        speech.phrase(first, first + 2)
    speech.wait(8)
    assert speech.outcome.words() == list(range(1, 61))
    assert speech.outcome.failures == []
    assert speech.recogniser.attempts == failures + 1
    assert speech.transcription.lost == 0


def test_failures_of_different_kinds_in_a_row_are_survived(clock: StandingClock) -> None:
    speech = Speech(clock, Plan(sending=1), Plan(at_opening=True), Plan(receiving=1))
    speech.phrase(1, 30)
    speech.wait(8)
    assert speech.outcome.words() == list(range(1, 31))
    assert speech.outcome.failures == []


def test_the_pauses_between_attempts_grow(clock: StandingClock) -> None:
    opened_at: list[float] = []
    speech = Speech(clock, *[Plan(at_opening=True)] * RETRIES)
    speech.recogniser.before_opening = lambda: opened_at.append(clock.now)
    speech.phrase(1, 1)
    speech.wait(8)
    pauses = [later - sooner for sooner, later in itertools.pairwise(opened_at)]
    assert len(pauses) == RETRIES
    for pause_seconds, longest in zip(pauses, (0.8, 1.6, 3.2), strict=True):
        assert longest / 2 <= pause_seconds <= longest + 2 * STEP_SECONDS


@pytest.mark.parametrize("plan", FAILURES.values(), ids=FAILURES)
def test_the_fourth_failure_in_a_row_is_reported_and_followed_by_a_rest(
    clock: StandingClock, plan: Plan
) -> None:
    speech = Speech(clock, *[plan] * (RETRIES + 1))
    speech.say(*[word(number) for number in range(1, 9)])
    speech.wait(8)
    assert [retry_after for _, retry_after in speech.outcome.failures] == [REST_SECONDS]
    assert speech.outcome.failures[0][0].kind == plan.failure.kind
    attempts = speech.recogniser.attempts
    assert attempts == RETRIES + 1
    speech.say(word(50), pause())
    assert speech.recogniser.attempts == attempts, "no attempt is made in the rest"
    assert speech.transcription.lost == 10
    speech.wait(REST_SECONDS)
    speech.phrase(100, 102)
    assert speech.outcome.words() == [100, 101, 102]
    assert len(speech.outcome.failures) == 1


def test_a_final_result_ends_a_row_of_failures(clock: StandingClock) -> None:
    plans = [Plan(receiving=7)] * 12
    speech = Speech(clock, *plans)
    for first in range(1, 12 * 4, 4):
        speech.phrase(first, first + 3)
        speech.wait(8)
    assert speech.outcome.words() == list(range(1, 49))
    assert speech.outcome.failures == []


def test_streams_that_lived_for_long_before_they_failed_are_no_row_of_failures(
    clock: StandingClock,
) -> None:
    speech = Speech(clock)
    for _ in range(8):
        began_at = clock.now
        while clock.now - began_at < PROVEN_SECONDS + 4:
            speech.say(pause())
        speech.recogniser.streams[-1].fail()
    speech.phrase(1, 2)
    speech.wait(3)
    assert speech.recogniser.attempts == 9
    assert speech.outcome.failures == []
    assert speech.outcome.words() == [1, 2]


def test_long_ago_a_stream_lived_for_long_but_the_openings_after_it_are_a_row(
    clock: StandingClock,
) -> None:
    speech = Speech(clock, Plan(), *[Plan(at_opening=True)] * RETRIES)
    speech.say(*[pause()] * round(PROVEN_SECONDS / STEP_SECONDS))
    speech.recogniser.streams[0].fail()
    speech.say(*[pause()] * 100)
    assert len(speech.outcome.failures) == 1
    assert speech.recogniser.attempts == RETRIES + 1


@pytest.mark.parametrize(
    "plan",
    [
        Plan(PERMANENT, at_opening=True),
        Plan(PERMANENT, sending=0),
        Plan(PERMANENT, receiving=1),
        Plan(PERMANENT, at_the_end=True),
    ],
    ids=["at opening", "while sending", "while receiving", "at the end"],
)
def test_a_permanent_failure_is_reported_at_once(clock: StandingClock, plan: Plan) -> None:
    speech = Speech(clock, plan)
    speech.say(word(1))
    if plan.at_the_end:
        speech.wait(ENDED_AFTER_SECONDS + 1)
    else:
        speech.wait(STEP_SECONDS)
    assert speech.outcome.failures == [(PERMANENT, REST_SECONDS)]
    speech.say(*[word(2)] * 20)
    assert speech.recogniser.attempts == 1
    speech.wait(REST_SECONDS)
    speech.phrase(7, 8)
    assert speech.outcome.words()[-2:] == [7, 8]
    assert len(speech.outcome.failures) == 1


def test_a_permanent_failure_that_lasts_is_reported_after_each_rest(clock: StandingClock) -> None:
    speech = Speech(clock, *[Plan(PERMANENT, at_opening=True)] * 3)
    speech.say(*[word(1)] * 1000)
    assert len(speech.outcome.failures) == 3
    assert speech.recogniser.attempts == 4


@pytest.mark.parametrize("failures", [1, 6])
def test_a_stream_that_had_no_audio_for_too_long_is_followed_in_silence(
    clock: StandingClock, failures: int, caplog: pytest.LogCaptureFixture
) -> None:
    speech = Speech(clock, *[Plan(NO_AUDIO, receiving=2)] * failures)
    speech.phrase(1, 4)
    speech.wait(3)
    assert speech.outcome.words() == [1, 2, 3, 4]
    assert speech.outcome.failures == []
    assert caplog.records == []


def test_a_result_of_a_stream_that_was_given_up_is_not_said_twice(clock: StandingClock) -> None:
    """The recogniser says its last words when it is closed."""
    speech = Speech(clock, Plan(sending=3))
    speech.phrase(1, 5)
    speech.wait(3)
    assert speech.recogniser.streams[0].is_closed
    assert speech.outcome.words() == [1, 2, 3, 4, 5]


def test_the_audio_of_a_long_outage_is_forgotten_and_its_chunks_counted(
    clock: StandingClock,
) -> None:
    speech = Speech(clock, Plan(at_opening=True))
    speech.burst(*[word(number, 0.125) for number in range(1, 1001)])
    assert speech.transcription.lost == 520, "a minute is kept"
    speech.transcription.close()
    assert speech.transcription.lost == 1000


def test_a_stream_that_takes_audio_slowly_does_not_hold_up_its_caller(
    clock: StandingClock,
) -> None:
    speech = Speech(clock, Plan(at_opening=True))
    speech.burst(*[word(number) for number in range(1, 40)])
    clock.now += 2

    def send_slowly() -> None:
        clock.now += 0.4

    speech.recogniser.before_sending = send_slowly
    longest = 0.0
    for _ in range(15):
        began_at = clock.now
        speech.transcription.tick()
        longest = max(longest, clock.now - began_at)
    assert longest < 2
    speech.recogniser.before_sending = lambda: None
    speech.say(pause())
    assert speech.outcome.words() == list(range(1, 40))


def test_after_a_second_without_audio_silence_makes_the_last_words_final(
    clock: StandingClock,
) -> None:
    speech = Speech(clock)
    speech.say(word(1), word(2))
    speech.wait(PADDED_AFTER_SECONDS - 3 * STEP_SECONDS)
    assert speech.outcome.finals() == []
    speech.wait(4 * STEP_SECONDS)
    assert speech.outcome.finals() == ["1 2"]
    (stream,) = speech.recogniser.streams
    assert sum(map(len, stream.sent[2:])) == 48_000, "a second and a half, once"
    speech.wait(5)
    assert len(stream.sent) == 5
    assert not stream.is_ended


def test_what_is_heard_again_is_padded_again(clock: StandingClock) -> None:
    speech = Speech(clock, Plan(sending=2))
    speech.say(word(1), word(2))
    speech.wait(PADDED_AFTER_SECONDS + STEP_SECONDS)
    assert speech.recogniser.attempts == 1, "the failure was one of the padding"
    speech.wait(2)
    assert speech.outcome.finals() == ["1 2"]


def test_after_ten_seconds_without_audio_the_stream_ends_and_the_next_chunk_opens_another(
    clock: StandingClock,
) -> None:
    speech = Speech(clock)
    speech.phrase(1, 2)
    speech.wait(ENDED_AFTER_SECONDS - 3 * STEP_SECONDS)
    assert not speech.recogniser.streams[0].is_ended
    speech.wait(5 * STEP_SECONDS)
    assert speech.recogniser.streams[0].is_ended
    assert speech.recogniser.streams[0].is_closed
    speech.wait(100)
    assert speech.recogniser.attempts == 1, "silence opens nothing"
    speech.phrase(3, 4)
    assert speech.recogniser.attempts == 2
    assert speech.outcome.words() == [1, 2, 3, 4]


def test_words_that_fail_in_the_end_of_their_stream_are_heard_again(clock: StandingClock) -> None:
    speech = Speech(clock, Plan(at_the_end=True))
    speech.say(word(1), word(2))
    speech.stall(ENDED_AFTER_SECONDS)
    speech.wait(3)
    assert speech.outcome.finals() == ["1 2"]
    assert speech.recogniser.attempts == 2


def test_audio_waits_for_the_last_results_of_a_stream_that_is_ending(clock: StandingClock) -> None:
    speech = Speech(clock, Plan(never_ends=True))
    speech.say(word(1))
    speech.stall(ENDED_AFTER_SECONDS)
    speech.phrase(2, 3)
    assert speech.recogniser.attempts == 1
    assert speech.outcome.words() == []
    speech.wait(ENDING_SECONDS + 1)
    assert speech.outcome.words() == [1, 2, 3]
    assert speech.recogniser.attempts == 2


def test_audio_that_arrives_while_a_stream_is_ending_is_not_a_failure(
    clock: StandingClock, caplog: pytest.LogCaptureFixture
) -> None:
    speech = Speech(clock, Plan(never_ends=True))
    speech.phrase(1, 2)
    speech.wait(ENDED_AFTER_SECONDS)
    speech.say(word(3))
    speech.recogniser.streams[0].end_at_last()
    speech.say(pause())
    assert speech.outcome.words() == [1, 2, 3]
    assert caplog.records == []


def test_a_finished_transcription_has_all_words_final(clock: StandingClock) -> None:
    speech = Speech(clock)
    speech.say(word(1), word(2))
    assert speech.finish()
    assert speech.outcome.finals() == ["1 2"]
    assert speech.transcription.lost == 0


@pytest.mark.parametrize(
    "plan",
    [Plan(sending=3), Plan(receiving=3), Plan(at_the_end=True), Plan(never_ends=True)],
    ids=["while sending", "while receiving", "at the end", "never ends"],
)
def test_to_finish_survives_a_failure(clock: StandingClock, plan: Plan) -> None:
    speech = Speech(clock, plan)
    speech.say(word(1), word(2))
    speech.transcription.feed(chunk(2, word(3)))
    assert speech.finish()
    assert speech.outcome.words() == [1, 2, 3]


def test_what_is_not_final_when_it_is_closed_is_lost(clock: StandingClock) -> None:
    speech = Speech(clock)
    speech.say(word(1))
    speech.transcription.close()
    assert speech.recogniser.streams[0].is_closed
    assert speech.outcome.words() == []
    assert speech.finish()


def test_every_stream_is_closed_in_the_end(clock: StandingClock) -> None:
    speech = Speech(clock, Plan(sending=1), Plan(receiving=2), Plan(NO_AUDIO, receiving=1))
    speech.phrase(1, 3)
    speech.wait(20)
    speech.transcription.close()
    assert [stream.is_closed for stream in speech.recogniser.streams] == [True] * 4


def test_the_log_has_a_failure_s_kind_and_nothing_that_was_said(
    clock: StandingClock, caplog: pytest.LogCaptureFixture
) -> None:
    speech = Speech(clock, Plan(TRANSIENT, sending=1))
    speech.phrase(31_001, 31_003)
    speech.wait(3)
    assert speech.outcome.words() == [31_001, 31_002, 31_003]
    (failure,) = map(vars, caplog.records)
    assert failure["message"] == "A Transcribe stream failed"
    assert (failure["kind"], failure["reason"], failure["failures"]) == (
        "transient",
        "transient",
        1,
    )
    assert "3100" not in str(failure)


# ---- numbers


def test_partial_results_have_the_number_of_the_final_one_that_replaces_them(
    clock: StandingClock,
) -> None:
    speech = Speech(clock)
    speech.phrase(1, 2)
    speech.phrase(3, 3)
    assert speech.outcome.numbers() == [
        (7, "1", True),
        (7, "1 2", True),
        (7, "1 2", False),
        (8, "3", True),
        (8, "3", False),
    ]
    assert speech.transcription.next_caption == 9


def test_without_partial_captions_only_final_results_are_sent(clock: StandingClock) -> None:
    only_finals = Numbering(
        session_id="session", source_language="en", next_caption=7, with_partials=False
    )
    speech = Speech(clock, numbering=only_finals)
    speech.phrase(1, 2)
    speech.say(word(3))
    assert speech.outcome.numbers() == [(7, "1 2", False)]
    assert speech.transcription.next_caption == 8


def test_a_transcript_has_its_session_language_and_the_time_of_its_first_word(
    clock: StandingClock,
) -> None:
    speech = Speech(clock)
    speech.phrase(5, 5)
    assert speech.outcome.transcripts[-1] == Transcript(
        session_id="session",
        sequence=7,
        source_language="en",
        text="5",
        is_partial=False,
        spoken_at=clock.now_ms - 300,
    )


@pytest.mark.parametrize("failing", [[], [Plan(sending=2)]])
def test_of_chunks_that_arrive_together_none_was_spoken_before_an_earlier_one(
    clock: StandingClock, failing: list[Plan]
) -> None:
    """The second one is longer than the first; another stream may be opened for it."""
    speech = Speech(clock, *failing)
    speech.burst(word(1), pause(), word(2, 0.5), pause())
    speech.wait(10)
    speech.phrase(3, 3)
    first, second, third = (
        each.spoken_at for each in speech.outcome.transcripts if not each.is_partial
    )
    assert first == second
    assert third == clock.now_ms - 300
    numbers = [each.sequence for each in speech.outcome.transcripts]
    spoken_at = [each.spoken_at for each in speech.outcome.transcripts]
    assert (numbers, spoken_at) == (sorted(numbers), sorted(spoken_at))
