"""Session ids, shards and the environment: pure logic."""

import re
from collections import Counter

import pytest

from live_sessions import environment
from live_sessions.environment import DisconnectEnvironment, EnvironmentProblem
from live_sessions.languages import SOURCE_LANGUAGES, TARGET_LANGUAGES
from live_sessions.session_ids import ADJECTIVES, NOUNS, random_session_id
from live_sessions.sessions import shard_of


def test_session_ids_are_two_words_and_three_digits() -> None:
    assert all(re.fullmatch(r"[a-z]+-[a-z]+-\d{3}", random_session_id()) for _ in range(1000))


def test_no_word_stands_twice_so_that_every_id_is_equally_likely() -> None:
    assert len(set(ADJECTIVES)) == len(ADJECTIVES) >= 80
    assert len(set(NOUNS)) == len(NOUNS) >= 120


def test_sessions_spread_evenly_over_the_shards() -> None:
    counts = Counter(shard_of(f"{a}-{n}-417", 16) for a in ADJECTIVES for n in NOUNS)
    assert len(counts) == 16
    assert max(counts.values()) < 1.2 * min(counts.values())


def test_every_language_that_can_be_spoken_can_be_read() -> None:
    assert SOURCE_LANGUAGES <= TARGET_LANGUAGES


def test_an_environment_names_everything_that_is_wrong_at_once() -> None:
    with pytest.raises(EnvironmentProblem) as problem:
        environment.read(
            DisconnectEnvironment,
            {"SESSIONS_TABLE": "s", "CONNECTIONS_TABLE": "", "SPEAKER_GRACE_SECONDS": "ten"},
        )
    for name in (
        "CONNECTIONS_TABLE",
        "FAN_OUT_FUNCTION",
        "SESSION_CHECKS_QUEUE_URL",
        "SPEAKER_GRACE_SECONDS is 'ten'",
    ):
        assert name in str(problem.value)
    assert "SESSIONS_TABLE is" not in str(problem.value)
