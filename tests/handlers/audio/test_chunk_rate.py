"""Chunks over the limit are dropped; if they go on, a warning is due once, then a close."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from live_sessions.audio.chunks import COUNTED_SECONDS, ChunkRate, RateVerdict

LIMIT = 5
START_MS = 1_800_000_000_000


def arrivals(chunks_per_second: list[int]) -> list[int]:
    return [
        START_MS + second * 1000 + number * 1000 // chunks
        for second, chunks in enumerate(chunks_per_second)
        for number in range(chunks)
    ]


def verdicts(times: list[int]) -> list[tuple[RateVerdict, int]]:
    """With the seconds after the start in which they were given."""
    rate = ChunkRate(LIMIT)
    found: list[tuple[RateVerdict, int]] = []
    for arrived_at in times:
        if rate.admits(arrived_at, 0):
            continue
        if (verdict := rate.verdict()) is not None:
            found.append((verdict, (arrived_at - START_MS) // 1000))
    return found


def test_as_many_as_the_limit_pass_each_second_and_the_excess_does_not() -> None:
    rate = ChunkRate(LIMIT)
    admitted = [rate.admits(arrived_at, 0) for arrived_at in arrivals([7, 5, 6])]
    assert admitted == [True] * 5 + [False] * 2 + [True] * 5 + [True] * 5 + [False]


def test_a_speaker_within_the_limit_gets_no_verdict() -> None:
    assert verdicts(arrivals([LIMIT] * 100)) == []


def test_the_fifth_second_of_excess_warns_and_the_thirtieth_closes_once_each() -> None:
    assert verdicts(arrivals([LIMIT + 1] * 80)) == [(RateVerdict.WARN, 4), (RateVerdict.CLOSE, 29)]


@pytest.mark.parametrize("pause", [0, 1, LIMIT])
def test_a_second_without_excess_begins_the_count_anew(pause: int) -> None:
    times = arrivals([9, 9, 9, 9, pause, 9, 9, 9, 9, pause, 9, 9, 9, 9, 9])
    assert verdicts(times) == [(RateVerdict.WARN, 14)]


def test_each_row_of_excess_is_warned_of() -> None:
    times = arrivals([9, 9, 9, 9, 9, 9, 0, 9, 9, 9, 9, 9])
    assert verdicts(times) == [(RateVerdict.WARN, 4), (RateVerdict.WARN, 11)]


def test_chunks_at_the_limit_all_pass_though_the_queue_shuffles_them() -> None:
    times = arrivals([LIMIT] * 20)
    for place in range(LIMIT - 1, len(times) - 1, LIMIT):
        times[place], times[place + 1] = times[place + 1], times[place]
    rate = ChunkRate(LIMIT)
    assert all(rate.admits(arrived_at, 0) for arrived_at in times)


def test_a_second_whose_excess_comes_late_joins_the_row_around_it() -> None:
    times = arrivals([9, 9, 9, 9, 9])
    late = [at for at in times if at // 1000 == START_MS // 1000 + 2]
    others = [at for at in times if at not in late]
    assert verdicts(others + late) == [(RateVerdict.WARN, 2)]


@given(st.lists(st.integers(0, 9), min_size=1, max_size=40), st.randoms(use_true_random=False))
def test_in_any_order_each_second_passes_what_it_may_and_each_run_gets_its_verdict(
    chunks_per_second: list[int], chance: random.Random
) -> None:
    times = arrivals(chunks_per_second)
    chance.shuffle(times)
    rate = ChunkRate(LIMIT)
    passed = Counter(at // 1000 - START_MS // 1000 for at in times if rate.admits(at, 0))
    for second, chunks in enumerate(chunks_per_second):
        assert passed[second] == min(chunks, LIMIT)
    warned, closed = _rows_due(chunks_per_second)
    due = Counter(verdict for verdict, _ in verdicts(times))
    # A row that the last chunk joins of two may be closed without a warning.
    assert due[RateVerdict.CLOSE] == closed
    assert due[RateVerdict.WARN] >= warned - closed


def _rows_due(chunks_per_second: list[int]) -> tuple[int, int]:
    """How many rows of excess are long enough to warn of, and to close for."""
    rows = "".join("x" if chunks > LIMIT else " " for chunks in chunks_per_second).split()
    return sum(len(row) >= 5 for row in rows), sum(len(row) >= 30 for row in rows)


def test_a_chunk_that_comes_again_counts_once_and_one_of_the_same_sequence_for_itself() -> None:
    rate = ChunkRate(LIMIT)
    assert all(rate.admits(START_MS, 7) for _ in range(20))
    admitted = [rate.admits(START_MS + number, 7) for number in range(1, LIMIT + 2)]
    assert admitted == [True] * (LIMIT - 1) + [False] * 2


def test_what_it_remembers_is_bounded() -> None:
    """A second that is long over counts from 0 again."""
    rate = ChunkRate(LIMIT)
    for number in range(LIMIT):
        assert rate.admits(START_MS, number)
    assert not rate.admits(START_MS, LIMIT)
    for arrived_at in arrivals([1] * (COUNTED_SECONDS + 1))[1:]:
        assert rate.admits(arrived_at, 0)
    assert rate.admits(START_MS, LIMIT + 1)
