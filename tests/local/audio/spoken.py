"""Speech for the stand-in that hears numbers, and the words that came back as captions."""

import time
from array import array
from collections.abc import Iterable

from client.people import Listener
from client.recordings import SAMPLE_RATE_HZ

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
