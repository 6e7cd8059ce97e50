"""What was heard, as numbered transcripts."""

from __future__ import annotations

import json

import pytest

from live_sessions.audio.listening import Heard
from live_sessions.audio.narration import Narration
from live_sessions.audio.speaker_notices import SpeakerNotices
from live_sessions.captions.transcript import Transcript
from live_sessions.posts.deliveries import Delivery
from tests.handlers.audio.recogniser import PASSING, PERMANENT

SPOKEN_AT = 1_800_000_000_000


class Posts:
    def __init__(self) -> None:
        self.sent: list[tuple[str, bytes]] = []

    def post(self, connection_id: str, data: bytes) -> Delivery:
        self.sent.append((connection_id, data))
        return Delivery.DELIVERED


def narrated(*heard: tuple[str, bool], with_partials: bool) -> tuple[Narration, list[Transcript]]:
    transcripts: list[Transcript] = []
    notices = SpeakerNotices(Posts(), "session", 50, "speaker=")  # pyright: ignore[reportArgumentType]
    narration = Narration(
        "session",
        "en",
        next_caption=7,
        with_partials=with_partials,
        pass_on=transcripts.append,
        notices=notices,
    )
    for text, is_partial in heard:
        narration.hear(Heard(text, is_partial, SPOKEN_AT))
    return narration, transcripts


def test_partial_results_share_the_number_of_the_final_one_they_grow_into() -> None:
    narration, transcripts = narrated(
        ("a", True), ("a b", True), ("a b", False), ("c", True), ("c d", False), with_partials=True
    )
    assert [(each.sequence, each.text, each.is_partial) for each in transcripts] == [
        (7, "a", True),
        (7, "a b", True),
        (7, "a b", False),
        (8, "c", True),
        (8, "c d", False),
    ]
    assert narration.next_caption == 9


def test_without_partial_captions_only_final_results_go_on() -> None:
    narration, transcripts = narrated(("a", True), ("a", False), ("b", True), with_partials=False)
    assert [(each.sequence, each.text) for each in transcripts] == [(7, "a")]
    assert narration.next_caption == 8


def test_a_transcript_says_whose_it_is_in_which_language_and_when_it_was_spoken() -> None:
    _, (transcript,) = narrated(("a", False), with_partials=False)
    assert transcript == Transcript(
        session_id="session",
        sequence=7,
        source_language="en",
        text="a",
        is_partial=False,
        spoken_at=SPOKEN_AT,
    )


@pytest.mark.parametrize(("failure", "is_permanent"), [(PASSING, False), (PERMANENT, True)])
def test_a_failure_is_told_to_the_speaker_by_kind(failure: Exception, is_permanent: bool) -> None:
    posts = Posts()
    notices = SpeakerNotices(posts, "session", 50, "speaker=")  # pyright: ignore[reportArgumentType]
    narration, _ = narrated(with_partials=False)
    narration._notices = notices
    narration.learn_of(failure, 30)  # pyright: ignore[reportArgumentType]
    ((receiver, data),) = posts.sent
    frame = json.loads(data)
    assert (receiver, frame["type"], frame["sessionId"]) == (
        "speaker=",
        "transcriptionError",
        "session",
    )
    assert (frame["isPermanent"], frame["retryAfterSeconds"]) == (is_permanent, 30)
