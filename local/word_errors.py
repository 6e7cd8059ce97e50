"""How much of what was said came back: errors of words, as speech recognition counts them."""

import re
from collections.abc import Sequence

WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*")


def words_of(text: str) -> list[str]:
    """The words in small letters, without punctuation."""
    return WORD.findall(text.lower().replace("’", "'"))


def word_errors(said: str, heard: str) -> int:
    """The fewest words that were lost, added or replaced between the two texts."""
    return _distance(words_of(said), words_of(heard))


def word_error_rate(said: str, heard: str) -> float:
    """Word errors per word said; above 1 where much was added. `said` has words."""
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
