"""Transcribe and Translate fail: what listeners and the speaker notice of it."""

import pytest

from local.cloud import LocalCloud
from local.speech.faults import StreamFault, TranslationFault
from tests.local.audio.rooms import open_room
from tests.local.audio.spoken import sentence, speak_in_turn, wait_for_words

WORDS = list(range(11, 31))
WORDS_TIMEOUT_SECONDS = 60
RETRIES = 3


@pytest.mark.parametrize(
    "fault",
    [
        StreamFault(times=RETRIES, handshake_status=503),
        StreamFault(times=RETRIES, exception="InternalFailureException", after_seconds=0.5),
        StreamFault(times=RETRIES, is_cut=True, after_seconds=0.5),
    ],
    ids=["refused", "exception", "cut"],
)
def test_streams_that_fail_cost_no_word(cloud: LocalCloud, fault: StreamFault) -> None:
    cloud.speech.order(fault)
    speaker, listener, _ = open_room(cloud)
    speak_in_turn(cloud, speaker, sentence(WORDS))

    assert wait_for_words(listener, WORDS, WORDS_TIMEOUT_SECONDS) == WORDS
    assert not speaker.received("transcriptionError")


def test_the_speaker_is_notified_when_transcribe_keeps_failing(cloud: LocalCloud) -> None:
    cloud.speech.order(StreamFault(times=RETRIES + 1, handshake_status=503))
    speaker, listener, _ = open_room(cloud)
    speaker.speak(sentence(WORDS))

    error = speaker.expect("transcriptionError", timeout_seconds=WORDS_TIMEOUT_SECONDS)
    assert (error["isPermanent"], error["retryAfterSeconds"]) == (False, 30)
    assert not listener.captions()


def test_the_speaker_is_notified_at_once_of_a_permanent_failure(cloud: LocalCloud) -> None:
    cloud.speech.order(StreamFault(exception="AccessDeniedException"))
    speaker, _, _ = open_room(cloud)
    speaker.speak(sentence(WORDS))

    error = speaker.expect("transcriptionError", timeout_seconds=WORDS_TIMEOUT_SECONDS)
    assert error["isPermanent"]


def test_without_a_translation_the_listener_reads_the_original(
    cloud: LocalCloud,
) -> None:
    cloud.speech.order(TranslationFault(times=2, error="InternalServerException", status=500))
    speaker, listener, _ = open_room(cloud, "es")
    speak_in_turn(cloud, speaker, sentence(WORDS))

    caption = listener.expect("caption", timeout_seconds=WORDS_TIMEOUT_SECONDS)
    assert not caption["translated"]
    assert caption["text"] == caption["originalText"] == " ".join(map(str, WORDS))
