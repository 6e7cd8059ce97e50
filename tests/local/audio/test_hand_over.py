"""A session outlives its processors: no word is lost at a seam, and none said twice."""

import os
import time

import pytest

from local.cloud import LocalCloud
from tests.local.audio.processors import endings, kill_processes, nearly_over
from tests.local.audio.rooms import open_room
from tests.local.audio.spoken import (
    numbers,
    sentence,
    speak_in_turn,
    wait_for_words,
    words_heard,
)
from tests.patience import PATIENCE_SECONDS

WORKING_SECONDS = 3
HAND_OVERS = int(os.environ.get("HAND_OVERS", "4"))
"""HAND_OVERS=20 pytest tests/local/audio/test_hand_over.py: the long run."""

WORDS_A_SENTENCE = 11


@pytest.mark.timeout(180 + 30 * HAND_OVERS)
def test_no_word_is_lost_or_doubled_where_one_processor_takes_over_from_another(
    cloud: LocalCloud,
) -> None:
    speaker, listener, session_id = open_room(cloud)
    said = sequence = 0

    def say_a_sentence() -> None:
        nonlocal said, sequence
        words = range(said + 1, said + 1 + WORDS_A_SENTENCE)
        sequence = speak_in_turn(cloud, speaker, sentence(words), sequence)
        said += WORDS_A_SENTENCE

    with nearly_over(cloud, WORKING_SECONDS):
        while endings(cloud, session_id).count("handed over") < HAND_OVERS:
            say_a_sentence()
    # What came during the last hand-over waits in the queue: the next chunk starts the successor.
    expected = said
    while max(heard := words_heard(listener)) < expected:
        say_a_sentence()

    assert heard == list(range(1, len(heard) + 1))
    sequences = [caption["sequence"] for caption in listener.captions()]
    assert sequences == list(range(1, len(sequences) + 1))
    assert not speaker.received("error")


@pytest.mark.timeout(240)
def test_captions_go_on_after_a_processor_was_killed_in_mid_speech(
    cloud: LocalCloud,
) -> None:
    speaker, listener, _ = open_room(cloud)
    before = list(range(1, 12))
    sequence = speak_in_turn(cloud, speaker, sentence(before))
    assert wait_for_words(listener, before, timeout_seconds=PATIENCE_SECONDS) == before

    cut_short = list(range(101, 108))
    sequence = speak_in_turn(cloud, speaker, numbers(cut_short), sequence)
    assert kill_processes(cloud)
    killed_at = time.monotonic()
    spoken = list(before)
    while not any(caption.received_at > killed_at for caption in listener.captions()):
        assert time.monotonic() - killed_at < PATIENCE_SECONDS
        words = list(range(len(spoken) + 1000, len(spoken) + 1000 + WORDS_A_SENTENCE))
        sequence = speak_in_turn(cloud, speaker, sentence(words), sequence)
        spoken += words
    resumed_at = next(c.received_at for c in listener.captions() if c.received_at > killed_at)
    heard = wait_for_words(listener, spoken, timeout_seconds=PATIENCE_SECONDS)

    said_after = spoken[len(before) :]
    lost = [word for word in said_after if word not in heard]
    lost_before = [word for word in cut_short if word not in heard]
    print(
        f"captions resumed after {resumed_at - killed_at:.1f} s; lost: {len(lost_before)} of the "
        f"{len(cut_short)} words said just before, {len(lost)} of {len(said_after)} said since"
    )
    assert heard == sorted(set(heard)), "a word came twice or out of order"
    assert lost == said_after[: len(lost)], "what was said later was lost"
    assert len(lost) <= WORDS_A_SENTENCE
