"""A stream's results, and the audio that none of them covers."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import NamedTuple

import pytest

from live_sessions.audio.transcribe import FailureKind, Result, TranscribeFailure
from live_sessions.audio.transcription import REMEMBERED_SECONDS, ActiveStream
from live_sessions.wire.messages import DEFAULT_SAMPLE_RATE_HERTZ
from tests.handlers.audio.recogniser import (
    TRANSIENT,
    Plan,
    Stream,
    chunk,
    pause,
    recognised,
    word,
)
from tests.patience import OUT_OF_REACH_SECONDS, PATIENCE_SECONDS, wait_until

ARRIVED_AT = 1_800_000_000_000


class Heard(NamedTuple):
    """A result that was passed on, and when its first word was spoken."""

    text: str
    is_partial: bool
    spoken_at: int


class Listener:
    """A stream at work; `send` numbers its chunks and has them arrive in real time."""

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self.heard: list[Heard] = []
        self.active = ActiveStream(
            stream, DEFAULT_SAMPLE_RATE_HERTZ, self.hear, closing_seconds=OUT_OF_REACH_SECONDS
        )
        self.sent = 0
        self.arrived_at = ARRIVED_AT

    def hear(self, result: Result, spoken_at: int) -> None:
        self.heard.append(Heard(result.text, result.is_partial, spoken_at))

    def send(self, *audio: bytes) -> None:
        for each in audio:
            self.arrived_at += len(each) // 32
            self.active.send(chunk(self.sent, each, self.arrived_at))
            self.sent += 1

    def finals(self) -> list[str]:
        return [heard.text for heard in self.heard if not heard.is_partial]

    def given_up(self) -> list[int]:
        return [each.sequence for each in self.active.give_up()]


class Scripted(Stream):
    """Says what the test puts into its mouth."""

    def send(self, audio: bytes) -> None:
        self.sent.append(audio)

    def say(self, start: float, end: float, text: str = "words", *, partial: bool = False) -> None:
        self.said.put(recognised(text, start, end, is_partial=partial))
        self.settle()

    def fail_with(self, failure: TranscribeFailure) -> None:
        self.is_over = True
        self.said.put(failure)


@pytest.fixture
def listener() -> Iterator[Listener]:
    listener = Listener(Stream(Plan()))
    yield listener
    listener.active.give_up()


@pytest.fixture
def scripted() -> Iterator[Listener]:
    listener = Listener(Scripted(Plan()))
    yield listener
    listener.active.give_up()


def say(listener: Listener, *arguments: float, **options: bool) -> None:
    assert isinstance(listener.stream, Scripted)
    listener.stream.say(*arguments, **options)  # pyright: ignore[reportArgumentType]


def test_partial_and_final_results_are_heard_in_their_order(listener: Listener) -> None:
    listener.send(word(1), word(2), pause())
    assert [(heard.text, heard.is_partial) for heard in listener.heard] == [
        ("1", True),
        ("1 2", True),
        ("1 2", False),
    ]


def test_nothing_is_heard_in_silence(listener: Listener) -> None:
    listener.send(pause(), pause())
    listener.active.send_silence(0.1)
    assert listener.heard == []


def test_a_result_without_words_is_not_heard(scripted: Listener) -> None:
    scripted.send(word(1))
    say(scripted, 0, 0.1, "  ")  # pyright: ignore[reportArgumentType]
    assert scripted.heard == []


def test_what_is_final_is_not_given_up(listener: Listener) -> None:
    listener.send(word(1), word(2), pause(), word(3))
    assert listener.finals() == ["1 2"]
    assert listener.given_up() == [2, 3]


def test_a_partial_result_settles_nothing(listener: Listener) -> None:
    listener.send(word(1), word(2))
    assert listener.given_up() == [0, 1]


def test_a_result_that_comes_before_its_send_is_over_settles_the_chunk() -> None:
    class Quick(Scripted):
        def send(self, audio: bytes) -> None:
            self.say(0, 0.1)

    quick = Listener(Quick(Plan()))
    quick.send(word(1))
    assert quick.given_up() == []


def test_of_a_chunk_that_is_final_in_part_the_rest_is_given_up(scripted: Listener) -> None:
    first, second = word(1, 0.5), word(2, 0.5)
    scripted.send(first, second)
    say(scripted, 0.1, 0.75)
    (rest,) = scripted.active.give_up()
    assert rest.sequence == 1
    assert rest.audio == second[8000:], "the last quarter of a second"
    assert rest.arrived_at == scripted.arrived_at


def test_the_rest_of_a_chunk_is_cut_once_more_by_the_next_final_result(scripted: Listener) -> None:
    scripted.send(word(1, 0.5))
    say(scripted, 0, 0.125)
    say(scripted, 0.125, 0.25)
    (rest,) = scripted.active.give_up()
    assert len(rest.audio) == 8000


def test_the_chunk_that_could_not_be_sent_is_given_up_with_the_others() -> None:
    listener = Listener(Stream(Plan(sending=1)))
    listener.send(word(1))
    with pytest.raises(TranscribeFailure):
        listener.send(word(2))
    assert listener.given_up() == [0, 1]


def test_a_result_of_a_stream_that_was_given_up_is_not_heard(listener: Listener) -> None:
    listener.send(word(1))
    assert listener.given_up() == [0]
    assert listener.stream.is_closed
    assert listener.finals() == []


def test_what_is_being_heard_is_not_given_up_meanwhile() -> None:
    """Else it would be heard twice, or after what the next stream hears."""
    is_heard, may_go_on = threading.Event(), threading.Event()
    heard: list[str] = []

    def hear(what: Result, _: int) -> None:
        is_heard.set()
        assert may_go_on.wait(PATIENCE_SECONDS)
        heard.append(what.text)

    stream = Scripted(Plan())
    active = ActiveStream(
        stream, DEFAULT_SAMPLE_RATE_HERTZ, hear, closing_seconds=OUT_OF_REACH_SECONDS
    )
    active.send(chunk(0, word(1)))
    stream.said.put(recognised("1", 0, 0.1))
    assert is_heard.wait(PATIENCE_SECONDS)
    at_the_end: list[object] = []

    def give_up() -> None:
        at_the_end.append(active.give_up())
        at_the_end.append(list(heard))

    giving_up = threading.Thread(target=give_up)
    giving_up.start()
    giving_up.join(0.05)
    may_go_on.set()
    giving_up.join(PATIENCE_SECONDS)
    assert at_the_end == [[], ["1"]]


def test_a_minute_of_audio_without_speech_is_remembered(listener: Listener) -> None:
    seconds = round(REMEMBERED_SECONDS) + 20
    listener.send(*[pause(1)] * seconds)
    assert listener.given_up() == list(range(19, seconds))


@pytest.mark.parametrize(
    ("start", "spoken_ms"),
    [(0.0, 0), (0.05, 50), (0.1, 100), (0.15, 150), (0.299, 299)],
)
def test_a_result_was_spoken_when_its_first_word_began(
    scripted: Listener, start: float, spoken_ms: int
) -> None:
    scripted.send(word(1), word(2), word(3))
    say(scripted, start, 0.3)
    assert scripted.heard[0].spoken_at == ARRIVED_AT + spoken_ms


def test_padding_does_not_shift_when_something_was_spoken(scripted: Listener) -> None:
    scripted.send(word(1))
    scripted.active.send_silence(1)
    scripted.arrived_at += 5000
    scripted.send(word(2))
    say(scripted, 1.1, 1.2)
    assert scripted.heard[0].spoken_at == ARRIVED_AT + 5100


def test_a_result_that_begins_in_padding_was_spoken_when_audio_went_on(scripted: Listener) -> None:
    scripted.send(word(1))
    scripted.active.send_silence(1)
    scripted.arrived_at += 5000
    scripted.send(word(2), word(3))
    say(scripted, 0.6, 1.2)
    assert scripted.heard[0].spoken_at == ARRIVED_AT + 5100


@pytest.mark.parametrize("start", [0.1, 0.7 - 1e-12])
def test_a_result_that_begins_in_audio_that_is_final_was_spoken_after_it(
    scripted: Listener, start: float
) -> None:
    """Of two results that meet, both times may be rounded."""
    scripted.send(*[word(number) for number in range(9)])
    say(scripted, 0, 0.7)
    say(scripted, start, 0.8)
    assert [heard.spoken_at for heard in scripted.heard] == [ARRIVED_AT, ARRIVED_AT + 700]


def test_a_result_after_all_known_audio_has_the_time_of_the_latest(scripted: Listener) -> None:
    scripted.send(word(1))
    say(scripted, 7, 8)
    assert scripted.heard[0].spoken_at == scripted.arrived_at


def test_an_ended_stream_is_over_when_its_last_result_has_been_heard(listener: Listener) -> None:
    listener.send(word(1))
    assert not listener.active.is_over
    listener.active.end()
    assert listener.active.is_over
    assert listener.active.failure is None
    assert listener.finals() == ["1"]


def test_a_failure_of_the_results_is_kept(scripted: Listener) -> None:
    assert isinstance(scripted.stream, Scripted)
    scripted.stream.fail_with(TRANSIENT)
    scripted.stream.settle()
    assert scripted.active.failure is TRANSIENT


def test_an_unforeseen_failure_is_taken_to_pass_and_names_nothing(scripted: Listener) -> None:
    class Unforeseen(Exception):
        pass

    def results() -> Iterator[Result]:
        raise Unforeseen("wss://secret")
        yield

    stream = Scripted(Plan())
    stream.results = results
    active = ActiveStream(stream, DEFAULT_SAMPLE_RATE_HERTZ, lambda *_: None)
    wait_until(lambda: active.is_over)
    failure = active.failure
    assert failure is not None
    assert (failure.kind, failure.message) == (FailureKind.TRANSIENT, "Unforeseen")


def test_no_thread_is_left_of_a_stream_that_was_given_up() -> None:
    before = set(threading.enumerate())
    listener = Listener(Stream(Plan()))
    listener.send(word(1))
    listener.active.give_up()
    assert set(threading.enumerate()) <= before
