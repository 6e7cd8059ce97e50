"""A processor from its first chunk to its orderly or sudden end."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from live_sessions.audio.chunks import (
    CLOSED_AFTER_SECONDS,
    WARNED_AFTER_SECONDS,
    ChunkOrder,
)
from live_sessions.audio.processing import (
    IDLE_SECONDS,
    LAST_CHUNKS_SECONDS,
    LEAST_AUDIO_SECONDS,
    RESERVE_SECONDS,
    RESERVED_CAPTIONS,
    RESERVES_FOR_PAUSE,
)
from live_sessions.audio.slots import LEASE_SECONDS, RENEWED_EVERY_SECONDS, LeaseLost
from live_sessions.audio.transcription import ENDED_AFTER_SECONDS
from live_sessions.captions.transcripts import Transcript
from live_sessions.sessions.rows import LAST_WORDS_SECONDS, StreamPosition
from tests.handlers.audio.recogniser import PERMANENT, TRANSIENT, Plan, chunk, pause, word
from tests.handlers.audio.scene import CHUNK_SECONDS, Scene
from tests.patience import PATIENCE_SECONDS

pytestmark = pytest.mark.usefixtures("no_thread_is_left")


def words(first: int, last: int) -> list[bytes]:
    return [word(number) for number in range(first, last + 1)]


def phrases(first: int, last: int, of: int = 6) -> list[bytes]:
    """Words, each `of` of them with a pause after them in which a stream may be cut."""
    audio: list[bytes] = []
    for number in range(first, last + 1):
        audio.append(word(number))
        if (number - first) % of == of - 1:
            audio += [pause()] * 4
    return audio


def ending_of(caplog: pytest.LogCaptureFixture) -> str:
    (record,) = [vars(each) for each in caplog.records if each.getMessage() == "processed"]
    return record["ending"]


# ---- the speech


def test_words_become_captions_once_each_and_in_order() -> None:
    scene = Scene()
    scene.says(phrases(1, 60))
    assert scene.work()
    assert scene.words() == list(range(1, 61))
    assert [each.sequence for each in scene.sent] == list(range(10))


def test_a_caption_has_the_time_at_which_it_was_spoken() -> None:
    scene = Scene()
    scene.says([pause(), *words(1, 2), pause()])
    scene.work()
    (caption,) = scene.sent
    assert caption.spoken_at == round((scene.began_at + 0.1) * 1000)


def test_chunks_that_come_twice_or_in_another_order_are_heard_as_they_were_spoken() -> None:
    scene = Scene()
    audio = [*words(1, 6), pause()]
    for sequence, at in ((0, 0.1), (2, 0.2), (1, 0.5), (2, 0.6), (5, 0.7), (4, 0.8), (3, 1.5)):
        scene.comes(at, chunk(sequence, audio[sequence]))
    scene.comes(2, chunk(6, audio[6]), chunk(0, audio[0]))
    scene.work()
    assert scene.words() == [1, 2, 3, 4, 5, 6]


def test_a_lost_chunk_stalls_the_speech_for_two_seconds() -> None:
    scene = Scene()
    scene.comes(0.1, chunk(0, word(1)))
    scene.comes(0.2, chunk(2, word(3)), chunk(3, pause()))
    scene.work()
    assert scene.words() == [1, 3]
    assert 2.2 <= scene.sent_at[-1] <= 2.8


def test_chunks_of_another_session_are_dropped(capsys: pytest.CaptureFixture[str]) -> None:
    scene = Scene()
    foreign: Any = {"session_id": "another", "connection_id": "stranger="}
    scene.comes(0.05, chunk(0, word(666), **foreign))
    scene.says([*words(1, 2), pause()])
    scene.comes(0.25, chunk(1, word(667), **foreign), chunk(2, word(668), **foreign))
    scene.comes(50, chunk(3, word(669), **foreign))
    scene.work()
    assert scene.words() == [1, 2]
    assert scene.seconds < IDLE_SECONDS + 3, (
        "chunks of another session do not keep the processor running"
    )
    printed = capsys.readouterr().out.replace(" ", "")
    assert printed.count('"ChunksOfOthers"') > 0


def test_a_backlog_is_processed_faster_than_it_was_spoken() -> None:
    scene = Scene(chunks_per_second=1000)
    audio = phrases(1, 300)
    spoken = [chunk(sequence, each, 100 * sequence) for sequence, each in enumerate(audio)]
    scene.comes(1, *spoken)
    scene.work()
    assert scene.words() == list(range(1, 301))
    assert scene.sent_at[-1] < 3


def test_a_queue_that_gives_few_chunks_at_once_does_not_put_the_captions_behind() -> None:
    """SQS gives what the servers have that it asked: often one, though more are there."""
    scene = Scene()
    scene.queue.most = 1
    spoken_at = scene.says(phrases(1, 120))
    scene.work()
    assert scene.words() == list(range(1, 121))
    assert scene.sent_at[-1] - spoken_at < 2


def test_partial_captions_go_out_only_where_they_are_wanted() -> None:
    for with_partials in (False, True):
        scene = Scene(with_partials=with_partials, next_caption=5)
        scene.says([*words(1, 2), pause(), *words(3, 3), pause()])
        scene.work()
        partial = [each for each in scene.sent if each.is_partial]
        assert bool(partial) is with_partials
        assert {each.sequence for each in partial} <= {5, 6}
        finals = [each for each in scene.sent if not each.is_partial]
        assert [(each.sequence, each.text) for each in finals] == [(5, "1 2"), (6, "3")]


# ---- failures of Transcribe


def test_a_stream_that_fails_costs_nothing() -> None:
    scene = Scene(Plan(sending=8), Plan(receiving=3), Plan(at_opening=True))
    scene.says(phrases(1, 120))
    scene.work()
    assert scene.words() == list(range(1, 121))
    assert scene.socket.frames() == []


def test_the_speaker_is_notified_of_a_failure_that_lasts() -> None:
    scene = Scene(*[Plan(TRANSIENT, at_opening=True)] * 4)
    scene.says(phrases(1, 300))
    scene.work()
    (frame,) = scene.socket.frames()
    assert (frame["type"], frame["isPermanent"], frame["retryAfterSeconds"]) == (
        "transcriptionError",
        False,
        30,
    )
    assert scene.words()[-1] == 300
    assert scene.words() == list(range(scene.words()[0], 301)), "after the rest no word is lost"


def test_a_permanent_failure_is_reported_as_one() -> None:
    scene = Scene(Plan(PERMANENT, receiving=1))
    scene.says(words(1, 3))
    scene.work()
    (frame,) = scene.socket.frames()
    assert frame["isPermanent"] is True
    assert scene.socket.posts[0][0] == "speaker="


def test_slow_openings_do_not_cost_the_lease() -> None:
    scene = Scene(*[Plan(at_opening=True)] * 8)

    def open_slowly() -> None:
        scene.clock.now += 5

    scene.recogniser.before_opening = open_slowly
    scene.says(words(1, 600))
    assert scene.work()
    assert scene.lease.longest_hold() < LEASE_SECONDS


# ---- endings


def test_a_processor_without_audio_ends_after_a_minute_and_its_stream_before(
    caplog: pytest.LogCaptureFixture,
) -> None:
    scene = Scene()
    ended_at: list[float] = []
    scene.says([*words(1, 3)])

    def settle() -> None:
        scene.settle()
        if not ended_at and scene.recogniser.streams and scene.recogniser.streams[0].is_ended:
            ended_at.append(scene.seconds)

    scene.clock.settle = settle
    assert scene.work()
    assert ENDED_AFTER_SECONDS <= ended_at[0] <= ENDED_AFTER_SECONDS + 2
    assert IDLE_SECONDS <= scene.seconds <= IDLE_SECONDS + 3
    assert scene.words() == [1, 2, 3]
    assert ending_of(caplog) == "idle"
    assert scene.lease.released == (
        1,
        StreamPosition(connection_id="speaker=", stream_epoch=0, next_sequence=3),
    )
    assert scene.recogniser.attempts == 1


def test_a_speech_with_long_pauses_stays_with_its_processor() -> None:
    scene = Scene()
    for turn in range(4):
        first = turn * 60
        scene.says(words(first + 1, first + 60), at_seconds=turn * 30, first=first)
    assert scene.work()
    assert scene.words() == list(range(1, 241))
    assert scene.recogniser.attempts == 4
    assert 120 <= scene.seconds <= 128, "six seconds at 60 and at 90 are enough until 120"


def test_a_few_chunks_now_and_then_do_not_keep_the_slot(caplog: pytest.LogCaptureFixture) -> None:
    scene = Scene()
    for second in range(300):
        scene.comes(
            second, chunk(second, word(second + 1), round((scene.began_at + second) * 1000))
        )
    assert scene.work()
    assert IDLE_SECONDS <= scene.seconds <= IDLE_SECONDS + 3
    assert ending_of(caplog) == "idle"
    assert scene.lease.released is not None


def test_refused_chunks_do_not_keep_the_slot() -> None:
    scene = Scene()
    for second in range(300):
        scene.comes(second, chunk(5_000 + second * 5_000, word(1, seconds=1)))
    assert scene.work()
    assert scene.seconds <= IDLE_SECONDS + 3


def test_an_open_microphone_in_a_silent_room_keeps_the_slot() -> None:
    scene = Scene()
    scene.says([pause()] * 2_000)
    assert scene.work()
    assert scene.seconds >= 200 + IDLE_SECONDS - LEAST_AUDIO_SECONDS


def test_whoever_begins_to_speak_as_the_minute_ends_is_not_cut_off() -> None:
    scene = Scene()
    scene.says(words(1, 20))
    ends_at = scene.says(words(21, 320), at_seconds=IDLE_SECONDS - 1.5, first=20)
    assert scene.work()
    assert scene.seconds > ends_at
    assert scene.words() == list(range(1, 321))


def test_the_sessions_end_is_noticed_within_a_renewal(caplog: pytest.LogCaptureFixture) -> None:
    scene = Scene()
    scene.says(phrases(1, 300))
    scene.lease.ends_at = scene.began_at + 20
    assert scene.work()
    assert 20 <= scene.seconds <= 20 + RENEWED_EVERY_SECONDS + 2
    assert ending_of(caplog) == "session ended"
    assert scene.lease.released is not None
    assert all(stream.is_closed for stream in scene.recogniser.streams)


# ---- the last words


def ended_after_speech(*plans: Plan) -> Scene:
    """A session that ends right after the last word, which no pause follows."""
    scene = Scene(*plans)
    scene.lease.ends_at = scene.began_at + scene.says([*phrases(1, 120), *words(121, 124)])
    scene.lease.keeps_transcript = True
    return scene


def test_what_was_said_just_before_the_end_is_transcribed_for_the_transcript(
    caplog: pytest.LogCaptureFixture,
) -> None:
    scene = ended_after_speech()
    assert scene.work()
    assert scene.words() == list(range(1, 125))
    assert scene.seconds <= scene.lease.ends_at - scene.began_at + RENEWED_EVERY_SECONDS + 2
    assert ending_of(caplog) == "session ended"
    assert scene.lease.released is not None


def test_a_chunk_that_was_accepted_before_the_end_and_comes_after_it_is_heard() -> None:
    scene = ended_after_speech()
    ended_after = scene.lease.ends_at - scene.began_at
    last = len(phrases(1, 120)) + 4
    scene.comes(ended_after + LAST_CHUNKS_SECONDS / 2, chunk(last, word(125)))
    scene.work()
    assert scene.words() == list(range(1, 126))


@pytest.mark.parametrize("keeps_transcript", [False, True])
def test_without_a_transcript_nothing_is_transcribed_after_the_end(keeps_transcript: bool) -> None:
    scene = Scene()
    # Without a pause no word is final before the end is noticed.
    scene.says(words(1, 200))
    scene.lease.ends_at = scene.began_at + 10
    scene.lease.keeps_transcript = keeps_transcript
    scene.work()
    assert bool(scene.sent) is keeps_transcript


def test_the_last_words_of_a_stream_that_fails_are_transcribed_by_the_next() -> None:
    scene = ended_after_speech(Plan(at_the_end=True))
    scene.work()
    assert scene.words() == list(range(1, 125))


def test_last_words_that_do_not_come_are_not_waited_for_longer_than_they_can_be_kept() -> None:
    scene = ended_after_speech(*[Plan(never_ends=True)] * 4)
    assert scene.work()
    assert scene.seconds <= scene.lease.ends_at - scene.began_at + LAST_WORDS_SECONDS


def test_a_processor_that_starts_long_after_the_end_takes_nothing() -> None:
    scene = ended_after_speech()
    scene.lease.ends_at = scene.began_at - LAST_WORDS_SECONDS
    scene.work()
    assert scene.sent == []
    assert scene.queue.takes == []


def test_after_the_end_the_speaker_is_sent_nothing() -> None:
    for plan in (Plan(PERMANENT, at_opening=True), Plan()):
        scene = Scene(plan, chunks_per_second=1)
        scene.comes(0, *(chunk(number, word(number + 1)) for number in range(20)))
        scene.comes(0, chunk(9_999, word(1)))
        scene.lease.ends_at = scene.began_at
        scene.lease.keeps_transcript = True
        scene.work()
        assert scene.queue.takes
        assert (scene.socket.posts, scene.socket.closed) == ([], [])


# ---- hand-over


def test_near_its_time_limit_it_ends_in_a_pause(caplog: pytest.LogCaptureFixture) -> None:
    scene = Scene(limit_seconds=100)
    audio = phrases(1, 600)
    scene.says(audio)
    assert scene.work()
    assert ending_of(caplog) == "handed over"
    assert 100 - RESERVE_SECONDS * RESERVES_FOR_PAUSE <= scene.seconds <= 100 - RESERVE_SECONDS
    next_caption, reached = scene.lease.released or (0, None)
    assert reached is not None
    assert audio[reached.next_sequence - 1] == pause()
    said = [each for each in audio[: reached.next_sequence] if any(each)]
    assert scene.words() == list(range(1, len(said) + 1)), "all that was taken was said"
    assert next_caption == scene.sent[-1].sequence + 1


def test_speech_without_pauses_is_cut_and_no_chunk_is_lost() -> None:
    scene = Scene(limit_seconds=100)
    scene.says(words(1, 2000))
    assert scene.work()
    assert 100 - RESERVE_SECONDS <= scene.seconds <= 100 - RESERVE_SECONDS / 2
    _, reached = scene.lease.released or (0, None)
    assert reached is not None
    assert scene.words() == list(range(1, reached.next_sequence + 1))


def test_chunks_that_wait_for_a_lost_one_are_said_before_the_hand_over() -> None:
    scene = Scene(limit_seconds=100)
    scene.says(words(1, 2000))
    scene.queue.drop(690)
    assert scene.work()
    _, reached = scene.lease.released or (0, None)
    assert reached is not None
    assert reached.next_sequence > 695
    said = [number for number in range(1, reached.next_sequence + 1) if number != 691]
    assert scene.words() == said


@pytest.mark.parametrize("audio", [words(1, 1000), phrases(1, 1000)], ids=["speech", "pauses"])
@pytest.mark.parametrize("overtaken", range(5))
def test_a_chunk_that_is_overtaken_at_the_hand_over_is_waited_for(
    audio: list[bytes], overtaken: int
) -> None:
    """Every fifth chunk comes with the third after it."""
    scene = Scene(limit_seconds=100)
    for sequence, each in enumerate(audio):
        late = 3 if sequence % 5 == overtaken else 0
        at = (sequence + late + 1) * CHUNK_SECONDS
        scene.comes(at, chunk(sequence, each, round((scene.began_at + at) * 1000)))
    assert scene.work()
    assert 100 - RESERVE_SECONDS * RESERVES_FOR_PAUSE <= scene.seconds <= 100 - RESERVE_SECONDS / 2
    _, reached = scene.lease.released or (0, None)
    assert reached is not None
    said = [each for each in audio[: reached.next_sequence] if any(each)]
    assert scene.words() == list(range(1, len(said) + 1))


def test_the_last_captions_are_sent_before_the_lease_is_released() -> None:
    scene = Scene(limit_seconds=60)
    scene.says(words(1, 1000))
    is_released_when_sent: list[bool] = []

    def send_slowly(transcript: Transcript) -> None:
        scene.clock.now += 3
        is_released_when_sent.append(scene.lease.released is not None)

    scene.pipeline = send_slowly
    assert scene.work()
    assert is_released_when_sent == [False] * len(scene.sent)
    assert scene.sent


@pytest.mark.parametrize("limit_seconds", [3, 6, 15, 60])
def test_a_short_time_limit_leaves_time_for_the_captions(
    limit_seconds: float,
) -> None:
    scene = Scene(limit_seconds=limit_seconds)
    scene.says(words(1, 1000))
    assert scene.work()
    assert scene.seconds < limit_seconds
    _, reached = scene.lease.released or (0, None)
    assert reached is not None
    assert scene.words() == list(range(1, reached.next_sequence + 1))


def test_the_lease_is_kept_through_a_slow_end() -> None:
    """Else a successor would begin while the last captions are still on their way."""
    scene = Scene(Plan(never_ends=True), limit_seconds=60)
    scene.says(words(1, 1000))
    assert scene.work()
    assert scene.lease.longest_hold() < LEASE_SECONDS
    _, reached = scene.lease.released or (0, None)
    assert reached is not None
    assert scene.words() == list(range(1, reached.next_sequence + 1))


def test_a_pipeline_that_hangs_ends_with_the_processors_time(
    capsys: pytest.CaptureFixture[str],
) -> None:
    scene = Scene(limit_seconds=100, closing_seconds=0)
    let_go = threading.Event()
    scene.is_pipeline_stuck = True
    scene.pipeline = lambda _: let_go.wait(PATIENCE_SECONDS)
    scene.says(phrases(1, 1000))
    assert scene.work()
    assert scene.seconds < 100
    assert scene.lease.longest_hold() < LEASE_SECONDS
    assert scene.lease.released is not None
    let_go.set()
    assert "TranscriptsFailed" in capsys.readouterr().out


def test_a_successor_goes_on_where_the_one_before_it_ended() -> None:
    first = Scene(limit_seconds=60)
    audio = phrases(1, 400)
    first.says(audio)
    first.work()
    next_caption, reached = first.lease.released or (0, None)
    assert reached is not None
    order = ChunkOrder(reached.connection_id, reached.stream_epoch, reached.next_sequence)
    second = Scene(next_caption=next_caption, order=order)
    repeated = max(0, reached.next_sequence - 5)
    second.says(audio[repeated:], first=repeated)
    second.work()
    assert first.words() + second.words() == list(range(1, 401))
    captions = [each.sequence for each in first.sent + second.sent]
    assert captions == list(range(len(captions)))


# ---- the lease


def test_no_chunk_is_taken_before_the_captions_numbers_are_kept_from_a_successor() -> None:
    scene = Scene(next_caption=7)
    scene.lease.trouble = lambda: scene.seconds < 2
    scene.says(words(1, 3))
    assert scene.work()
    answered = next(at for at, _ in scene.lease.renewals if at >= scene.began_at + 2)
    assert scene.queue.takes[0] >= answered
    assert scene.lease.renewals[0][1] == 7 + RESERVED_CAPTIONS
    assert scene.words() == [1, 2, 3]


def test_the_numbers_kept_from_a_successor_are_always_ahead_of_those_in_use() -> None:
    scene = Scene()
    kept: list[int] = []
    scene.pipeline = lambda _: kept.append(scene.lease.renewals[-1][1])
    scene.says(phrases(1, 600, of=1))
    scene.work()
    assert len(scene.sent) == 600
    assert all(each.sequence < limit for each, limit in zip(scene.sent, kept, strict=True))


def test_an_outage_of_dynamodb_that_is_shorter_than_the_lease_is_survived() -> None:
    scene = Scene()
    scene.lease.trouble = lambda: 20 <= scene.seconds < 26
    scene.says(phrases(1, 300))
    assert scene.work()
    assert scene.words() == list(range(1, 301))


def test_a_longer_outage_ends_the_work_no_later_than_the_lease() -> None:
    scene = Scene()

    def trouble() -> bool:
        is_out = scene.seconds >= 20
        scene.clock.now += 4 if is_out else 0
        return is_out

    scene.lease.trouble = trouble
    scene.says(phrases(1, 600))
    assert not scene.work()
    over_at = max(at for at, _ in scene.lease.renewals if at < scene.began_at + 20) + LEASE_SECONDS
    assert scene.queue.takes[-1] < over_at
    assert scene.lease.released is None


def test_a_lost_lease_ends_everything_at_once() -> None:
    scene = Scene(with_partials=True)
    lost_at: list[float] = []

    def trouble() -> bool:
        if scene.seconds >= 20:
            lost_at.append(scene.clock.now)
            raise LeaseLost
        return False

    scene.lease.trouble = trouble
    scene.says(words(1, 600))
    assert not scene.work()
    assert scene.queue.takes[-1] <= lost_at[0]
    assert scene.lease.released is None
    assert scene.recogniser.streams[0].is_closed
    sent = len(scene.sent)
    scene.transcripts.add(scene.sent[0])
    assert len(scene.sent) == sent
    assert scene.words() == [], "its last words are not said any more"


def test_a_lease_that_is_lost_in_the_end_releases_nothing() -> None:
    scene = Scene(Plan(never_ends=True), limit_seconds=100)

    def trouble() -> bool:
        if scene.seconds >= 72:
            raise LeaseLost
        return False

    scene.lease.trouble = trouble
    scene.says(words(1, 1000))
    assert not scene.work()
    assert scene.lease.released is None


def test_it_is_renewed_every_three_seconds() -> None:
    scene = Scene()
    scene.says(phrases(1, 300))
    scene.work()
    assert scene.lease.longest_hold() <= RENEWED_EVERY_SECONDS + 1.5
    assert len(scene.lease.renewals) <= scene.seconds / RENEWED_EVERY_SECONDS + 2


# ---- the queue, and what befalls the processor


def test_an_outage_of_the_queue_costs_time_alone() -> None:
    scene = Scene()
    scene.queue.is_out = lambda: 5 <= scene.seconds < 25
    scene.says(phrases(1, 300))
    assert scene.work()
    assert scene.words() == list(range(1, 301))
    assert len([at for at in scene.queue.takes if 5 <= at - scene.began_at < 25]) <= 20 * 5 + 1


def test_what_fails_unforeseen_leaves_neither_stream_nor_thread_and_releases_nothing() -> None:
    scene = Scene()

    def killed() -> bool:
        if scene.seconds >= 10:
            raise RuntimeError("killed")
        return False

    scene.queue.is_out = killed
    scene.says(phrases(1, 300))
    with pytest.raises(RuntimeError, match="killed"):
        scene.work()
    assert scene.lease.released is None
    assert all(stream.is_closed for stream in scene.recogniser.streams)
    assert scene.words() == list(range(1, len(scene.words()) + 1))


# ---- the rate


def send_at_rate(scene: Scene, seconds: int, per_second: int) -> None:
    sequence = 0
    for second in range(seconds):
        for number in range(per_second):
            at = second + number / per_second
            arrived_at = round((scene.began_at + at) * 1000)
            scene.comes(at + 0.01, chunk(sequence, word(sequence % 30_000 + 1, 0.01), arrived_at))
            sequence += 1


def test_chunks_over_the_rate_are_dropped_without_holding_up_the_others(
    capsys: pytest.CaptureFixture[str],
) -> None:
    scene = Scene(chunks_per_second=20)
    send_at_rate(scene, 4, 30)
    scene.comes(5, chunk(120, pause(), round((scene.began_at + 5) * 1000)))
    scene.work()
    admitted = [second * 30 + number + 1 for second in range(4) for number in range(20)]
    assert scene.words() == admitted
    assert scene.sent_at[0] < 6.5
    assert scene.socket.frames() == []
    assert "ChunksLost" not in capsys.readouterr().out


def test_too_many_chunks_are_warned_of_after_five_seconds_and_closed_after_thirty() -> None:
    scene = Scene(chunks_per_second=10)
    send_at_rate(scene, 35, 15)
    scene.work()
    (warning,) = scene.socket.frames()
    assert (warning["type"], warning["chunksPerSecond"], warning["closesAfterSeconds"]) == (
        "rateLimitWarning",
        10,
        CLOSED_AFTER_SECONDS - WARNED_AFTER_SECONDS,
    )
    assert scene.socket.closed == ["speaker="]
    warned_at, closed_at = (at - scene.began_at for at in scene.socket.times)
    assert WARNED_AFTER_SECONDS - 1 < warned_at < WARNED_AFTER_SECONDS + 1
    assert CLOSED_AFTER_SECONDS - 1 < closed_at < CLOSED_AFTER_SECONDS + 1


def test_a_late_chunk_of_an_old_socket_does_not_take_the_notices_with_it() -> None:
    scene = Scene(Plan(PERMANENT, receiving=1))
    scene.comes(0.1, chunk(0, word(1), connection_id="new=", stream_epoch=1))
    scene.comes(0.1, chunk(9, word(2), connection_id="old=", stream_epoch=0))
    scene.work()
    assert [receiver for receiver, _ in scene.socket.posts] == ["new="]


def test_chunks_that_could_not_be_deleted_do_not_count_against_the_speaker() -> None:
    """They come again each second until they are a minute old."""
    scene = Scene(chunks_per_second=12)
    scene.says(phrases(1, 240))
    for at, _, each in list(scene.queue.coming):
        for again in range(1, 11):
            scene.comes(at - scene.began_at + again, each)
    assert scene.work()
    assert scene.words() == list(range(1, 241))
    assert (scene.socket.posts, scene.socket.closed) == ([], [])


# ---- audio that is not what it says


def invalid_audio(scene: Scene) -> list[dict[str, Any]]:
    return [frame for frame in scene.socket.frames() if frame.get("code") == "INVALID_AUDIO"]


def test_a_microphone_at_another_rate_is_reported_with_the_figures_every_ten_seconds() -> None:
    scene = Scene()
    for number in range(250):
        arrives = scene.began_at + number / 10
        three_times = word(number + 1, 0.3)
        scene.queue.add(arrives, chunk(number, three_times, round(arrives * 1000)))
    scene.work()
    first, second, third = invalid_audio(scene)
    assert first["type"] == "error"
    assert first["details"]["expectedBytesPerSecond"] == 32_000
    assert first["details"]["receivedBytesPerSecond"] == pytest.approx(96_000, rel=0.05)
    assert "sampleRateHertz" in first["message"]
    times = [at for at, frame in zip(scene.socket.times, scene.socket.frames(), strict=True)]
    assert times[1] - times[0] >= 10
    assert times[2] - times[1] >= 10
    assert (second["details"], third["details"]) != ({}, {})


def test_what_is_too_much_is_dropped_and_the_rest_is_heard() -> None:
    scene = Scene(chunks_per_second=1000)
    scene.comes(0, *[chunk(number, word(number + 1), 0) for number in range(60)])
    scene.work()
    assert scene.words() == list(range(1, 51))
    assert len(invalid_audio(scene)) == 1


def test_a_number_far_ahead_is_reported_and_neither_stalls_nor_counts_as_lost(
    capsys: pytest.CaptureFixture[str],
) -> None:
    scene = Scene()
    scene.says(phrases(1, 12))
    scene.comes(0.55, chunk(5_000, word(99), round((scene.began_at + 0.55) * 1000)))
    scene.work()
    assert scene.words() == list(range(1, 13))
    (error,) = invalid_audio(scene)
    assert error["details"] == {"sequence": 5_000, "lastSequence": 4}
    assert "ChunksLost" not in capsys.readouterr().out


def test_each_sample_rate_has_a_stream_of_its_own_and_no_word_is_lost() -> None:
    scene = Scene()
    at = scene.says(words(1, 6))
    fast = [word(number, 0.3) for number in range(7, 13)]
    for number, each in enumerate(fast, 6):
        at += 0.1
        arrives = scene.began_at + at
        scene.queue.add(
            arrives,
            chunk(number, each, round(arrives * 1000), stream_epoch=1, sample_rate_hertz=48_000),
        )
    scene.work()
    assert scene.words() == list(range(1, 13))
    assert [each.sample_rate_hertz for each in scene.recogniser.streams] == [16_000, 48_000]
