"""The recording that is shipped, spoken in real time, and what listeners read of it."""

import time

import pytest

from client.people import Listener
from client.recordings import read_recording
from local.cloud import LocalCloud
from local.sample_speech import SENTENCES, WAV, word_error_rate, words_of
from local.speech.apertium import Translator

pytest.importorskip("pocketsphinx", reason="it hears English for the local cloud")

CAPTION_TIMEOUT_SECONDS = 60
MOST_WORD_ERRORS = 0.1
# Two chunks a second, so that a busy machine does not fall behind: chunks more than 2 s out of
# order are lost, and with them words.
CHUNK_MILLISECONDS = 500


@pytest.mark.timeout(300)
def test_the_recordings_words_come_back_in_order_to_each_listener_in_its_language(
    speech_cloud: LocalCloud,
) -> None:
    cloud = speech_cloud
    speaker = cloud.speaker()
    session_id = speaker.create_session("en")
    english, spanish, german = cloud.listeners(3)
    for listener, language in ((english, "en"), (spanish, "es"), (german, "de")):
        listener.ask("joinSession", sessionId=session_id, targetLanguage=language)
    speaker.speak(read_recording(WAV), chunk_milliseconds=CHUNK_MILLISECONDS)
    for listener in (english, spanish, german):
        wait_for_the_end(listener)

    read = " ".join(caption["text"] for caption in english.captions())
    errors = word_error_rate(" ".join(SENTENCES), read)
    print(f"word error rate {errors:.3f}")
    assert errors <= MOST_WORD_ERRORS
    for listener, language in ((english, "en"), (spanish, "es"), (german, "de")):
        captions = listener.captions()
        assert {caption["targetLanguage"] for caption in captions} == {language}
        assert [caption["originalText"] for caption in captions] == [
            caption["text"] for caption in english.captions()
        ]
        numbers = [caption["sequence"] for caption in captions]
        assert numbers == sorted(set(numbers))
        assert not listener.captions(with_partials=True)[len(captions) :]
    assert not any(caption["translated"] for caption in english.captions())
    # On a machine that is too busy a translation may come too late: then the original is read.
    translated = [caption for caption in spanish.captions() if caption["translated"]]
    assert translated
    for caption in spanish.captions():
        is_original = caption["text"] == caption["originalText"]
        assert is_original is not caption["translated"], caption.body
    if "eng-spa" in Translator().modes:
        assert not any("[es]" in caption["text"] for caption in spanish.captions())


def wait_for_the_end(listener: Listener) -> None:
    """Wait for the caption with the last word; a stall on the way parts a sentence in two."""
    deadline = time.monotonic() + CAPTION_TIMEOUT_SECONDS
    last_word = words_of(SENTENCES[-1])[-1]
    while last_word not in words_of(
        listener.expect("caption", CAPTION_TIMEOUT_SECONDS)["originalText"]
    ):
        assert time.monotonic() < deadline
