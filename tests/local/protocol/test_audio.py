"""sendAudio: what is refused is posted, what is taken has no reply, what is said is captioned."""

import base64
import hashlib
import json
from typing import Any

import pytest

from client.sockets import Client
from local.cloud import LocalCloud
from tests.local.audio.spoken import sentence
from tests.local.protocol.people import connection_id_of, eventually, joined, refusal, session_of
from tests.local.speech.sounds import silence

CHUNK = base64.b64encode(silence(100)).decode()
NO_AUDIO = "???"
MOST_CHARACTERS = 32_000
CAPTION_TIMEOUT_SECONDS = 60


def chunk_of(size: int) -> str:
    return base64.b64encode(bytes(size)).decode()


def refused(client: Client, message: dict[str, Any]) -> dict[str, Any]:
    """The refusal of a message, which goes out in frames that API Gateway takes."""
    text = json.dumps({"action": "sendAudio", **message})
    client.send_text([text[:MOST_CHARACTERS], text[MOST_CHARACTERS:]])
    return dict(client.expect("error").body)


def test_a_chunk_that_is_taken_has_no_reply(cloud: LocalCloud) -> None:
    session = session_of(cloud)
    session.speaker.ask("muteBroadcast")
    before = session.speaker.received()
    sizes = (100, 3_200, 24_000)
    for sequence, size in enumerate(sizes):
        session.speaker.send("sendAudio", audioData=chunk_of(size), sequence=sequence)
    connection = hashlib.sha256(connection_id_of(session.speaker).encode()).hexdigest()[:12]

    def answers() -> list[object]:
        lines = [line.fields for line in cloud.function_log("audio_ingest")]
        return [line.get("answer") for line in lines if line.get("connection") == connection]

    eventually(lambda: len(answers()) == len(sizes), "every chunk is handled")
    assert session.speaker.ask("heartbeat").type == "heartbeatAck"
    assert answers() == [None] * len(sizes)
    assert len(session.speaker.received()) == len(before) + 1


# Each fails two checks that follow one another; the first one answers.
TWO_FAULTS = {
    "size, then requestId": (
        {"requestId": 5, "audioData": chunk_of(30_000), "sequence": 0},
        "AUDIO_TOO_LARGE",
    ),
    "requestId, then parameters": ({"requestId": 5, "audioData": CHUNK}, "INVALID_PARAMETER"),
    "parameters, then audio": ({"audioData": NO_AUDIO}, "INVALID_PARAMETER"),
    "audio's size, then its form": (
        {"audioData": chunk_of(24_001), "sequence": 0},
        "AUDIO_TOO_LARGE",
    ),
    "audio, then membership": ({"audioData": NO_AUDIO, "sequence": 0}, "INVALID_AUDIO"),
}


@pytest.mark.parametrize("faults", TWO_FAULTS)
def test_the_first_failing_check_is_posted(cloud: LocalCloud, faults: str) -> None:
    message, code = TWO_FAULTS[faults]
    assert refused(cloud.speaker(), message)["code"] == code


def test_a_listener_is_refused_before_its_audio_is_read(cloud: LocalCloud) -> None:
    session = session_of(cloud, "es")
    reply = session.listener.ask("sendAudio", audioData=NO_AUDIO)
    assert refusal(reply) == "UNAUTHORIZED_ACTION"


@pytest.mark.parametrize(
    ("audio", "code"),
    [(NO_AUDIO, "INVALID_AUDIO"), (chunk_of(24_002), "AUDIO_TOO_LARGE")],
)
def test_a_refusal_has_the_requestid_and_leaves_the_session_as_it_was(
    cloud: LocalCloud, audio: str, code: str
) -> None:
    session = session_of(cloud)
    state = session.speaker.ask_status()["broadcastState"]
    reply = session.speaker.ask("sendAudio", audioData=audio, sequence=0)
    assert refusal(reply) == code
    assert session.speaker.ask_status()["broadcastState"] == state


def test_what_is_said_is_read_by_each_listener_in_its_language(cloud: LocalCloud) -> None:
    speaker = cloud.speaker()
    session_id = speaker.create_session("de_CH")
    [created] = speaker.received("sessionCreated")
    assert (created["sourceLanguage"], created["sourceLocale"]) == ("de", "de-CH")
    german, spanish = (joined(cloud, session_id, tag) for tag in ("DE-at", "es-ES"))
    assert speaker.ask_status()["languageDistribution"] == {"de": 1, "es": 1}
    speaker.speak(sentence([7, 8, 9]))
    original = german.expect("caption", CAPTION_TIMEOUT_SECONDS)
    translated = spanish.expect("caption", CAPTION_TIMEOUT_SECONDS)
    speaker.ask("endSession")

    assert original["text"] == "7 8 9"
    assert original["sequence"] == translated["sequence"]
    assert original["originalText"] == translated["originalText"] == original["text"]
    assert [original["translated"], translated["translated"]] == [False, True]
    assert [original["targetLanguage"], translated["targetLanguage"]] == ["de", "es"]
    for caption in (original, translated):
        assert (caption["sessionId"], caption["sourceLanguage"]) == (session_id, "de")
        assert not caption["isPartial"]
        assert "requestId" not in caption.body
    assert not speaker.received("caption")
