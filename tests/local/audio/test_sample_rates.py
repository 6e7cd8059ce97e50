"""A microphone is heard at the sample rate that its speaker names, and never in silence."""

from array import array

import pytest

from client.recordings import SAMPLE_RATE_HZ
from local.cloud import LocalCloud
from tests.local.audio.spoken import sentence, wait_for_words

WORDS = list(range(11, 31))
WORDS_TIMEOUT_SECONDS = 60


def at_rate(samples: bytes, rate: int) -> bytes:
    """The same sound at another sample rate."""
    heard = array("h", samples)
    count = len(heard) * rate // SAMPLE_RATE_HZ
    return array("h", (heard[at * SAMPLE_RATE_HZ // rate] for at in range(count))).tobytes()


@pytest.mark.parametrize("rate", [8_000, 48_000])
def test_speech_at_the_rate_of_the_session_becomes_captions(cloud: LocalCloud, rate: int) -> None:
    speaker, listener = cloud.speaker(), cloud.listener()
    session_id = speaker.create_session("en", sampleRateHertz=rate)
    listener.ask("joinSession", sessionId=session_id, targetLanguage="en")
    speaker.speak(at_rate(sentence(WORDS), rate), sample_rate_hertz=rate)
    assert wait_for_words(listener, WORDS, WORDS_TIMEOUT_SECONDS) == WORDS
    assert not speaker.received("error")


def test_a_microphone_at_another_rate_is_reported_and_a_refresh_puts_it_right(
    cloud: LocalCloud,
) -> None:
    speaker, listener = cloud.speaker(), cloud.listener()
    session_id = speaker.create_session("en")
    listener.ask("joinSession", sessionId=session_id, targetLanguage="en")
    sequence = speaker.speak(bytes(96_000 * 6), sample_rate_hertz=48_000)
    error = speaker.expect("error")
    assert error["code"] == "INVALID_AUDIO"
    assert error["details"]["expectedBytesPerSecond"] == 32_000
    assert error["details"]["receivedBytesPerSecond"] > 40_000

    refreshed = speaker.ask("refreshConnection", sessionId=session_id, sampleRateHertz=48_000)
    assert refreshed.type in {"connectionRefreshComplete", "stateRestored"}
    speaker.speak(
        at_rate(sentence(WORDS), 48_000), first_sequence=sequence, sample_rate_hertz=48_000
    )
    assert wait_for_words(listener, WORDS, WORDS_TIMEOUT_SECONDS) == WORDS
