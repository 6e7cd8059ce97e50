"""Concurrent sessions: each listener hears only their own speaker."""

import base64
import json
import os
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from client.people import Speaker
from local.cloud import LocalCloud
from tests.local.audio.rooms import open_room
from tests.local.audio.spoken import numbers, put_into_queue, sentence, wait_for_words

SESSIONS = int(os.environ.get("SESSIONS_AT_ONCE", "6"))
"""SESSIONS_AT_ONCE=20 pytest tests/local/audio/test_sessions_apart.py: one for each slot."""

WORDS = 12
INTERVAL_SECONDS = 1.0
"""A local machine runs the functions of all sessions: few chunks a second, and none at once."""

WORDS_TIMEOUT_SECONDS = 90


def test_a_chunk_goes_to_its_speakers_session_whatever_the_message_says(
    cloud: LocalCloud,
) -> None:
    rooms = [open_room(cloud, token=cloud.token_of_another_speaker()) for _ in range(2)]
    request = json.loads(audio_message(sentence([7, 8, 9])))
    rooms[0].speaker.send_text(json.dumps(request | {"sessionId": rooms[1].session_id}))
    rooms[1].speaker.speak(sentence([1, 2, 3]))

    assert wait_for_words(rooms[0].listener, [9], WORDS_TIMEOUT_SECONDS) == [7, 8, 9]
    assert wait_for_words(rooms[1].listener, [3], WORDS_TIMEOUT_SECONDS) == [1, 2, 3]


def test_a_listeners_chunk_is_refused_and_not_captioned(cloud: LocalCloud) -> None:
    speaker, listener, _ = open_room(cloud)
    listener.send_text(audio_message(sentence([7, 8, 9])))
    speaker.speak(sentence([1, 2, 3]))

    assert listener.expect("error")["code"] == "UNAUTHORIZED_ACTION"
    assert wait_for_words(listener, [3], WORDS_TIMEOUT_SECONDS) == [1, 2, 3]


@pytest.mark.timeout(300)
def test_many_sessions_at_once_lose_no_word_and_keep_their_order(
    cloud: LocalCloud,
) -> None:
    rooms = [open_room(cloud) for _ in range(SESSIONS)]
    for speaker, listener, _ in rooms:
        # One after another: two processors are soon busy with twenty functions that start.
        speaker.send_audio(numbers([1]), 0)
        assert wait_for_words(listener, [1], WORDS_TIMEOUT_SECONDS) == [1]
    with ThreadPoolExecutor(SESSIONS) as pool:
        speakers = [room.speaker for room in rooms]
        spoken = list(pool.map(partial(speak, cloud), speakers, range(SESSIONS)))

    for (speaker, listener, _), words in zip(rooms, spoken, strict=True):
        heard = wait_for_words(listener, words, WORDS_TIMEOUT_SECONDS)
        assert not speaker.received("error")
        assert heard == [1, *words]


def speak(cloud: LocalCloud, speaker: Speaker, number: int) -> list[int]:
    """Say words unique to this session, one per interval; each session starts at its own offset."""
    words = list(range((number + 1) * 1000, (number + 1) * 1000 + WORDS))
    begins_at = time.monotonic() + number * INTERVAL_SECONDS / SESSIONS
    for sequence, word in enumerate(words, 1):
        time.sleep(max(0.0, begins_at + sequence * INTERVAL_SECONDS - time.monotonic()))
        put_into_queue(cloud, speaker, numbers([word]), sequence)
    return words


def audio_message(samples: bytes, sequence: int = 0) -> str:
    return json.dumps(
        {
            "action": "sendAudio",
            "audioData": base64.b64encode(samples).decode(),
            "sequence": sequence,
        }
    )
