"""Speech for the stand-in that hears numbers, and the words that came back as captions."""

import base64
import json
import time
from array import array
from collections.abc import Iterable

from client.people import CHUNK_MILLISECONDS, Listener, Speaker
from client.recordings import SAMPLE_RATE_HZ, chunks_of, in_real_time
from contract.functions import LIVE
from local.cloud import LocalCloud

WORD_MILLISECONDS = 80
GAP_MILLISECONDS = 20
PAUSE_MILLISECONDS = 400
SPEAKING_MILLISECONDS = WORD_MILLISECONDS + GAP_MILLISECONDS


def numbers(words: Iterable[int]) -> bytes:
    """The words, each a tenth of a second with the gap behind it."""
    return b"".join(_held(word, WORD_MILLISECONDS) + _held(0, GAP_MILLISECONDS) for word in words)


def sentence(words: Iterable[int]) -> bytes:
    """The words and the pause that ends a sentence."""
    return numbers(words) + _held(0, PAUSE_MILLISECONDS)


def speak_in_turn(
    cloud: LocalCloud, speaker: Speaker, samples: bytes, first_sequence: int = 0
) -> int:
    """As `speaker.speak`, but a chunk is sent no sooner than the one before it is in the queue.

    On a busy machine, chunks that are sent by the clock overtake each other by more than the two
    seconds that a processor waits for one.
    """
    chunks = chunks_of(samples, CHUNK_MILLISECONDS)
    for sequence, chunk in enumerate(in_real_time(chunks), first_sequence):
        put_into_queue(cloud, speaker, chunk, sequence)
    return first_sequence + len(chunks)


def put_into_queue(cloud: LocalCloud, speaker: Speaker, chunk: bytes, sequence: int) -> None:
    """Send a chunk and wait until it is in the queue of its slot.

    It goes to the function itself, which then returns; a socket is sent nothing. The speaker is the
    one who created the session.
    """
    [created] = speaker.received("sessionCreated")
    audio = base64.b64encode(chunk).decode()
    event = {
        "requestContext": {
            "eventType": "MESSAGE",
            "routeKey": "sendAudio",
            "connectionId": created["connectionId"],
            "connectedAt": created["timestamp"],
            "identity": {"sourceIp": "127.0.0.1"},
            "authorizer": {"role": "speaker"},
        },
        "body": json.dumps({"action": "sendAudio", "audioData": audio, "sequence": sequence}),
    }
    answer = cloud.client("lambda").invoke(
        FunctionName=f"{cloud.outputs['functionNames']['audio_ingest']}:{LIVE}",
        Payload=json.dumps(event),
    )
    assert "FunctionError" not in answer, answer["Payload"].read()


def words_heard(listener: Listener) -> list[int]:
    """The numbers in the listener's final captions, as they came."""
    return [int(word) for caption in listener.captions() for word in caption["text"].split()]


def wait_for_words(listener: Listener, expected: list[int], timeout_seconds: float) -> list[int]:
    """What was heard once the last expected word is there, or when time is up."""
    deadline = time.monotonic() + timeout_seconds
    while time.monotonic() < deadline:
        heard = words_heard(listener)
        if expected[-1] in heard:
            return heard
        time.sleep(0.1)
    return words_heard(listener)


def _held(value: int, milliseconds: int) -> bytes:
    return array("h", [value]).tobytes() * (SAMPLE_RATE_HZ * milliseconds // 1000)
