"""Who joins late or loses their socket reads what was said meanwhile, each caption once."""

import time
from collections.abc import Sequence

from client.people import Listener
from client.sockets import Frame
from local.cloud import LocalCloud
from tests.local.audio.rooms import open_room
from tests.local.audio.spoken import sentence, speak_in_turn, wait_for_words

SENTENCES = [[1, 2], [3, 4], [5, 6], [7, 8]]
TIMEOUT_SECONDS = 90


def history(listener: Listener, since: int | None = None) -> list[Frame]:
    """The captions of all replies."""
    replies = listener.missed_captions(since, limit=2 if since is not None else 20)
    assert [reply.type for reply in replies] == ["captionHistory"] * len(replies)
    return [caption for reply in replies for caption in reply["captions"]]


def words(captions: Sequence[Frame]) -> list[int]:
    return [int(word) for caption in captions for word in caption["originalText"].split()]


def wait_for_history(listener: Listener, expected: list[int]) -> list[Frame]:
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while words(captions := history(listener)) != expected and time.monotonic() < deadline:
        time.sleep(0.2)
    return captions


def test_who_joins_late_reads_the_last_sentences_in_their_language(cloud: LocalCloud) -> None:
    speaker, present, session_id = open_room(cloud)
    speak_in_turn(cloud, speaker, b"".join(map(sentence, SENTENCES)))
    spoken = [word for each in SENTENCES for word in each]
    assert wait_for_words(present, spoken, TIMEOUT_SECONDS) == spoken

    late = cloud.listener()
    late.ask("joinSession", sessionId=session_id, targetLanguage="en")
    captions = wait_for_history(late, spoken)
    assert words(captions) == spoken
    sequences = [caption["sequence"] for caption in captions]
    assert sequences == sorted(set(sequences))
    assert sequences[0] == 1
    assert all(caption["targetLanguage"] == "en" for caption in captions)


def test_who_lost_their_socket_during_the_speech_ends_with_every_sequence_once(
    cloud: LocalCloud,
) -> None:
    speaker, present, session_id = open_room(cloud)
    unlucky = cloud.listener()
    joined = unlucky.ask("joinSession", sessionId=session_id, targetLanguage="en")
    next_sequence = speak_in_turn(cloud, speaker, sentence(SENTENCES[0]))
    assert wait_for_words(unlucky, SENTENCES[0], TIMEOUT_SECONDS) == SENTENCES[0]
    before = {caption["sequence"] for caption in unlucky.captions()}

    unlucky.drop()
    for each in SENTENCES[1:3]:
        next_sequence = speak_in_turn(cloud, speaker, sentence(each), next_sequence)
    missed = [word for each in SENTENCES[:3] for word in each]
    assert wait_for_words(present, missed, TIMEOUT_SECONDS) == missed

    back = cloud.listener()
    refreshed = back.refresh(session_id, joined["connectionId"], "en")
    if refreshed.type == "error":
        # Its row was removed, because a post found the socket gone.
        assert refreshed["code"] == "CONNECTION_NOT_FOUND"
        back.ask("joinSession", sessionId=session_id, targetLanguage="en")
    speak_in_turn(cloud, speaker, sentence(SENTENCES[3]), next_sequence)
    spoken = [word for each in SENTENCES for word in each]
    assert wait_for_words(back, spoken[-1:], TIMEOUT_SECONDS)[-1:] == spoken[-1:]

    asked = [caption["sequence"] for caption in history(back, max(before))]
    live = [caption["sequence"] for caption in back.captions()]
    assert asked == sorted(set(asked))
    assert live == sorted(set(live))
    everything = {caption["sequence"] for caption in present.captions()}
    assert before | set(asked) | set(live) == everything
    assert not before & set(asked)
