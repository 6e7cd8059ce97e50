"""What the speaker's controls, a refresh and the session's end do to speech that is under way."""

import time
from collections.abc import Callable

import pytest

from client.people import Speaker
from live_sessions.sessions.rows import CLOCK_MARGIN_MS
from local.cloud import LocalCloud
from tests.local.audio.processors import wait_for_ending
from tests.local.audio.rooms import open_room
from tests.local.audio.spoken import sentence, speak_in_turn, wait_for_words, words_heard

WORDS_TIMEOUT_SECONDS = 60
UNHEARD = [901, 902, 903]

SILENCINGS: dict[str, tuple[Callable[[Speaker], object], Callable[[Speaker], object]]] = {
    "paused": (Speaker.pause, Speaker.resume),
    "muted": (lambda it: it.ask("muteBroadcast"), lambda it: it.ask("unmuteBroadcast")),
    "volume 0": (lambda it: it.set_volume(0), lambda it: it.set_volume(0.5)),
}


@pytest.mark.parametrize("kind", SILENCINGS)
def test_what_is_said_while_the_broadcast_is_silent_is_not_captioned(
    cloud: LocalCloud, kind: str
) -> None:
    silence, undo = SILENCINGS[kind]
    speaker, listener, _ = open_room(cloud)
    sequence = speak_in_turn(cloud, speaker, sentence([1, 2, 3]))
    silence(speaker)
    sequence = speak_in_turn(cloud, speaker, sentence(UNHEARD), sequence)
    undo(speaker)
    speak_in_turn(cloud, speaker, sentence([4, 5, 6]), sequence)

    heard = wait_for_words(listener, [6], WORDS_TIMEOUT_SECONDS)

    assert heard == [1, 2, 3, 4, 5, 6]
    assert not speaker.received("error")


def test_a_speaker_who_refreshes_in_mid_speech_continues_from_their_new_socket(
    cloud: LocalCloud,
) -> None:
    old, listener, session_id = open_room(cloud)
    sequence = old.speak(sentence([1, 2, 3]))
    new = cloud.speaker()
    new.refresh(session_id)
    # What is sent within the margin for clocks passes for audio from before the refresh.
    time.sleep(CLOCK_MARGIN_MS / 1000)
    refused = old.send_audio(sentence(UNHEARD)[:3200], sequence)
    new.speak(sentence([4, 5, 6]))

    heard = wait_for_words(listener, [6], WORDS_TIMEOUT_SECONDS)

    assert heard == [1, 2, 3, 4, 5, 6]
    assert old.answer_to(refused)["code"] == "CONNECTION_NOT_FOUND"


def test_after_the_sessions_end_audio_is_refused_and_the_slot_is_free(
    cloud: LocalCloud,
) -> None:
    speaker, listener, session_id = open_room(cloud)
    sequence = speaker.speak(sentence([1, 2, 3]))
    wait_for_words(listener, [3], WORDS_TIMEOUT_SECONDS)
    speaker.ask("endSession")
    refused = speaker.send_audio(sentence(UNHEARD)[:3200], sequence)

    assert speaker.answer_to(refused)["code"] == "CONNECTION_NOT_FOUND"
    assert wait_for_ending(cloud, session_id) == ["session ended"]
    assert words_heard(listener) == [1, 2, 3]
