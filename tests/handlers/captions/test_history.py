"""Captions are written before they are posted; a write that is late or fails costs no caption."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import replace
from typing import Any, cast

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from contract import metrics
from live_sessions.aws.runtime import Clock
from live_sessions.captions.history import (
    ATTEMPTS,
    BATCH_LIMIT_ITEMS,
    CONCURRENT_BATCHES,
    CaptionRow,
    CaptionTable,
    CaptionWriter,
    History,
)
from tests.handlers.captions.audience import Audience, gathered
from tests.handlers.conftest import Stage
from tests.patience import OUT_OF_REACH_SECONDS, PATIENCE_SECONDS

Write = Callable[[Sequence[CaptionRow]], list[CaptionRow]]


class Table:
    """The table as a writer sees it: `answers` are given in turn, and then all is written."""

    def __init__(self, *answers: Write) -> None:
        self.batches: list[list[CaptionRow]] = []
        self.written: list[CaptionRow] = []
        self._answers = list(answers)
        self._lock = threading.Lock()

    def write(self, rows: Sequence[CaptionRow]) -> list[CaptionRow]:
        with self._lock:
            self.batches.append(list(rows))
            answer = self._answers.pop(0) if self._answers else None
        left = answer(rows) if answer else []
        with self._lock:
            self.written += [row for row in rows if row not in left]
        return left


def throttled(rows: Sequence[CaptionRow]) -> list[CaptionRow]:
    raise ClientError({"Error": {"Code": "ThrottlingException"}}, "BatchWriteItem")


def timed_out(rows: Sequence[CaptionRow]) -> list[CaptionRow]:
    raise ReadTimeoutError(endpoint_url="https://dynamodb")


def unprocessed(rows: Sequence[CaptionRow]) -> list[CaptionRow]:
    return list(rows[1:])


def row(language: str = "es", sequence: int = 1) -> CaptionRow:
    return CaptionRow(
        session_language=f"golden-eagle-1#{language}",
        sequence=sequence,
        text="Hola.",
        original_text="Hello.",
        translated=True,
        spoken_at=1,
        written_at=2,
        ttl=3,
    )


class SteppingClock:
    """A monotonic clock that sleeping moves."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def as_clock(self) -> Clock:
        def sleep(seconds: float) -> None:
            self.seconds += seconds

        return Clock(monotonic=lambda: self.seconds, sleep=sleep)


@pytest.fixture
def executor() -> Iterator[Executor]:
    with ThreadPoolExecutor(CONCURRENT_BATCHES) as executor:
        yield executor


def writer_of(table: Table, executor: Executor, **seconds: float) -> CaptionWriter:
    return CaptionWriter(
        cast(CaptionTable, table),
        executor,
        SteppingClock().as_clock(),
        **{"wait_seconds": OUT_OF_REACH_SECONDS, **seconds},
    )


def emitted(capsys: pytest.CaptureFixture[str], metric: metrics.Metric) -> int:
    out = capsys.readouterr().out
    return out.count(f'"{metric.name}"')


def test_a_caption_is_written_when_keep_returns(executor: Executor) -> None:
    table = Table()
    writer = writer_of(table, executor)
    writer.keep(row())
    assert table.written == [row()]
    writer.finish()
    assert table.batches == [[row()]]


def test_captions_that_are_ready_during_a_write_go_into_one_batch(executor: Executor) -> None:
    first_is_written, others_are_ready = threading.Event(), threading.Event()

    def first(rows: Sequence[CaptionRow]) -> list[CaptionRow]:
        first_is_written.set()
        assert others_are_ready.wait(PATIENCE_SECONDS)
        return []

    table = Table(first)
    writer = writer_of(table, executor, wait_seconds=0)
    writer.keep(row("en"))
    assert first_is_written.wait(PATIENCE_SECONDS)
    languages = ["de", "es", "fr"]
    for language in languages:
        writer.keep(row(language))
    others_are_ready.set()
    writer = cast(Any, writer)
    for batch in writer._batches:
        batch.result(PATIENCE_SECONDS)
    assert table.batches == [[row("en")], [row(language) for language in languages]]
    writer.finish()


def test_a_batch_has_no_more_items_than_dynamodb_takes(executor: Executor) -> None:
    table = Table()
    writer = writer_of(table, executor)
    rows = [row(f"l{number}") for number in range(80)]
    with ThreadPoolExecutor(80) as threads:
        list(threads.map(writer.keep, rows))
    writer.finish()
    assert max(map(len, table.batches)) <= BATCH_LIMIT_ITEMS
    assert sorted(each.session_language for each in table.written) == sorted(
        each.session_language for each in rows
    )


@pytest.mark.parametrize("answer", [throttled, timed_out, unprocessed])
def test_what_was_not_written_is_written_after_the_posts(
    executor: Executor, capsys: pytest.CaptureFixture[str], answer: Write
) -> None:
    table = Table(answer)
    writer = writer_of(table, executor, wait_seconds=0)
    writer.keep(row("es"))
    writer.keep(row("fr"))
    writer.finish()
    assert set(table.written) == {row("es"), row("fr")}
    assert emitted(capsys, metrics.CAPTIONS_NOT_KEPT) == 0


def test_a_write_that_goes_on_failing_is_given_up_and_counted(
    executor: Executor, capsys: pytest.CaptureFixture[str]
) -> None:
    table = Table(*[throttled] * 100)
    writer = writer_of(table, executor)
    writer.keep(row())
    writer.finish()
    assert table.written == []
    assert len(table.batches) == ATTEMPTS
    assert emitted(capsys, metrics.CAPTIONS_NOT_KEPT) > 0


def test_a_caption_does_not_wait_for_a_write_that_hangs(executor: Executor) -> None:
    may_end = threading.Event()

    def hang(rows: Sequence[CaptionRow]) -> list[CaptionRow]:
        assert may_end.wait(PATIENCE_SECONDS)
        return []

    writer = writer_of(Table(hang), executor, wait_seconds=0.01)
    writer.keep(row())  # It would take PATIENCE_SECONDS, and the write would fail.
    may_end.set()
    writer.finish()


# ---- in the translation function


@pytest.fixture
def audience(stage: Stage) -> Iterator[Audience]:
    with gathered(stage) as audience:
        yield audience


def with_table(audience: Audience, table: object) -> None:
    history = History(
        table=cast(CaptionTable, table),
        minutes=2,
        clock=audience.captioning.clock,
        keeps_transcripts=False,
    )
    audience.captioning = replace(audience.captioning, history=history)


def test_a_caption_is_written_before_it_is_posted(audience: Audience) -> None:
    (listener,) = audience.join("es")
    posted_before: list[int] = []

    def write(rows: Sequence[CaptionRow]) -> list[CaptionRow]:
        languages = {each.session_language.partition("#")[2] for each in rows}
        posted_before.append(len(audience.captions(listener)) if "es" in languages else 0)
        return []

    with_table(audience, Table(write, write))
    audience.say()
    assert len(audience.captions(listener)) == 1
    assert set(posted_before) == {0}


def test_a_table_that_fails_costs_no_caption(
    audience: Audience, capsys: pytest.CaptureFixture[str]
) -> None:
    listeners = [*audience.join("es"), *audience.join("fr"), *audience.join("en")]
    with_table(audience, Table(*[throttled] * 100))
    audience.say("A secret.")
    assert [len(audience.captions(each)) for each in listeners] == [1, 1, 1]
    out = capsys.readouterr().out
    assert f'"{metrics.CAPTIONS_NOT_KEPT.name}"' in out
    assert "secret" not in out


def test_a_final_is_one_row_for_each_language_that_has_listeners_and_one_for_the_source(
    audience: Audience,
) -> None:
    audience.join("es", 5)
    audience.join("fr")
    table = Table()
    with_table(audience, table)
    audience.say()
    languages = sorted(each.session_language.partition("#")[2] for each in table.written)
    assert languages == ["en", "es", "fr"]
