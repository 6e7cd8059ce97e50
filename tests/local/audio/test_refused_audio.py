"""sendAudio over sockets: what is refused is posted, and nothing else comes back."""

import base64
import json

import pytest

from client.people import Speaker
from local.cloud import LocalCloud

AUDIO = bytes(3200)


def encoded(size: int) -> str:
    return base64.b64encode(bytes(size)).decode()


REFUSALS = {
    "no base64": ({"audioData": "???", "sequence": 0}, "INVALID_AUDIO"),
    "too short": ({"audioData": encoded(98), "sequence": 0}, "INVALID_AUDIO"),
    "half a sample": ({"audioData": encoded(101), "sequence": 0}, "INVALID_AUDIO"),
    "too long": ({"audioData": encoded(24_002), "sequence": 0}, "AUDIO_TOO_LARGE"),
    "no audio": ({"sequence": 0}, "INVALID_PARAMETER"),
    "no sequence": ({"audioData": encoded(3200)}, "INVALID_PARAMETER"),
    "a sequence below 0": ({"audioData": encoded(3200), "sequence": -1}, "INVALID_PARAMETER"),
    "a broken sequence": ({"audioData": encoded(3200), "sequence": 1.5}, "INVALID_PARAMETER"),
}


@pytest.fixture
def speaker(cloud: LocalCloud) -> Speaker:
    speaker = cloud.speaker()
    speaker.create_session("en")
    return speaker


@pytest.mark.parametrize("kind", REFUSALS)
def test_bad_audio_is_refused_and_the_socket_stays_open(speaker: Speaker, kind: str) -> None:
    fields, code = REFUSALS[kind]
    assert speaker.ask("sendAudio", **fields)["code"] == code
    assert speaker.ask("heartbeat").type == "heartbeatAck"


def test_a_message_of_several_frames_that_is_too_long_is_refused_by_its_size(
    speaker: Speaker,
) -> None:
    message = json.dumps({"action": "sendAudio", "audioData": encoded(30_000), "sequence": 0})
    speaker.send_text([message[:20_000], message[20_000:]])
    assert speaker.expect("error")["code"] == "AUDIO_TOO_LARGE"


def test_the_longest_chunk_is_accepted_without_a_word(speaker: Speaker) -> None:
    speaker.ask("muteBroadcast")
    speaker.send("sendAudio", audioData=encoded(24_000), sequence=0)
    assert speaker.ask("heartbeat").type == "heartbeatAck"
    assert not speaker.received("error")


def test_audio_outside_of_a_session_is_refused(cloud: LocalCloud) -> None:
    outsider = cloud.speaker()
    assert outsider.answer_to(outsider.send_audio(AUDIO, 0))["code"] == "CONNECTION_NOT_FOUND"
