"""Session ids, and the shards that they are spread over."""

import re
from collections import Counter

from live_sessions.sessions.rows import shard_of
from live_sessions.sessions.session_ids import (
    ADJECTIVES,
    NOUNS,
    POSSIBLE_SESSION_IDS,
    random_session_id,
)


def test_session_ids_are_two_words_and_two_groups_of_three_digits() -> None:
    pattern = r"[a-z]+-[a-z]+-[1-9]\d{2}-[1-9]\d{2}"
    assert all(re.fullmatch(pattern, random_session_id()) for _ in range(1000))


def test_there_are_at_least_2_to_the_32_session_ids() -> None:
    assert POSSIBLE_SESSION_IDS >= 2**32


def test_the_two_groups_of_digits_are_drawn_apart() -> None:
    groups = [random_session_id().split("-")[2:] for _ in range(1000)]
    assert any(first != second for first, second in groups)


def test_no_word_is_listed_twice_so_that_every_id_is_equally_likely() -> None:
    assert len(set(ADJECTIVES)) == len(ADJECTIVES) >= 80
    assert len(set(NOUNS)) == len(NOUNS) >= 120


def test_sessions_spread_evenly_over_the_shards() -> None:
    counts = Counter(shard_of(f"{a}-{n}-417", 16) for a in ADJECTIVES for n in NOUNS)
    assert len(counts) == 16
    assert max(counts.values()) < 1.2 * min(counts.values())
