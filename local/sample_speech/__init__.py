"""A short speech: its sentences, its sound (made by synthesise.sh), and its word errors."""

import re
from collections.abc import Sequence
from pathlib import Path

WAV = Path(__file__).with_name("speech.wav")
SENTENCES = tuple(Path(__file__).with_name("speech.txt").read_text().splitlines())
WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*")


def words_of(text: str) -> list[str]:
    """Return the words in lower case, without punctuation."""
    return WORD.findall(text.lower().replace("’", "'"))


def word_errors(said: str, heard: str) -> int:
    """Return the least number of words lost, added or replaced between the two texts."""
    return _distance(words_of(said), words_of(heard))


def word_error_rate(said: str, heard: str) -> float:
    """Return the word errors per word of `said`, which must not be empty; may exceed 1."""
    return word_errors(said, heard) / len(words_of(said))


def _distance(said: Sequence[str], heard: Sequence[str]) -> int:
    above = list(range(len(heard) + 1))
    for row, word in enumerate(said, 1):
        current = [row]
        for column, other in enumerate(heard, 1):
            replaced = above[column - 1] + (word != other)
            current.append(min(above[column] + 1, current[-1] + 1, replaced))
        above = current
    return above[-1]
