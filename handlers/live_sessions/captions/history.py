"""The captions table: the final captions of a session, kept for listeners who missed them, and for
the session's transcript if it has one.

A caption is written before it is posted, so that a listener finds in the table what was not posted
to them. A write that takes too long or fails never delays or costs a caption: it is repeated after
the posts.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, Future, wait
from dataclasses import dataclass, field
from itertools import takewhile
from threading import Event, Lock
from typing import TYPE_CHECKING, Any

import msgspec
from botocore.exceptions import BotoCoreError, ClientError

from contract import metrics
from contract.tables import caption_partition
from live_sessions.aws.dynamodb import plain, typed
from live_sessions.aws.retries import backoff_seconds
from live_sessions.aws.runtime import Clock, emit, logger
from live_sessions.sessions.rows import Session

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

BATCH_LIMIT_ITEMS = 25
"""https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html"""

CONCURRENT_BATCHES = 4
"""As many as the captions of one transcript in all languages need."""

GATHERING_SECONDS = 0.002
"""Translations that are ready at about the same time are to go into one batch."""

TIMEOUT_SECONDS = 0.5
WAIT_SECONDS = 0.2
ATTEMPTS = 3
DELETE_ATTEMPTS = 6

PAGE_SIZE = 100

NO_SEQUENCE = -1
"""Before every caption: sequences start at 1, or at 0 in sessions of release 0.1.0."""

TRANSCRIPT_PATIENCE_SECONDS = 2 * 24 * 3600
"""How long after a session's latest end its captions wait to be written as a transcript."""


class CaptionRow(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A final caption in one language; `original_text` is None if `text` is the original.

    `spoken_at` and `written_at` are epoch milliseconds, `ttl` epoch seconds.
    """

    session_language: str
    sequence: int
    text: str
    original_text: str | None = None
    translated: bool
    spoken_at: int
    written_at: int
    ttl: int

    @property
    def original(self) -> str:
        """The text in the source language."""
        return self.text if self.original_text is None else self.original_text


class CaptionsLeft(Exception):
    """DynamoDB left deletions unprocessed again and again."""


class CaptionTable:
    """Reads and writes of caption rows; its methods raise botocore's errors."""

    def __init__(self, client: "DynamoDBClient", table_name: str) -> None:
        self._client = client
        self._table = table_name

    def write(self, rows: Sequence[CaptionRow]) -> list[CaptionRow]:
        """Write at most BATCH_LIMIT_ITEMS rows; returns those that DynamoDB left unprocessed."""
        puts: list[Any] = [
            {"PutRequest": {"Item": typed(msgspec.to_builtins(row))}} for row in rows
        ]
        response = self._client.batch_write_item(RequestItems={self._table: puts})
        left = response.get("UnprocessedItems", {}).get(self._table, [])
        items = [each["PutRequest"]["Item"] for each in left if "PutRequest" in each]
        return [msgspec.convert(plain(item), CaptionRow) for item in items]

    def newest_first(
        self, session_id: str, language: str, *, after: int, since_ms: int
    ) -> Iterator[CaptionRow]:
        """The captions with a sequence above `after` that were written since then.

        By consistent reads. TTL deletes late, so that older rows may still be there.
        """
        newest_first = self._queried(
            KeyConditionExpression="sessionLanguage = :partition AND #sequence > :after",
            ExpressionAttributeNames={"#sequence": "sequence"},
            ExpressionAttributeValues=typed(
                {":partition": caption_partition(session_id, language), ":after": after}
            ),
            ScanIndexForward=False,
            PaginationConfig={"PageSize": PAGE_SIZE},
        )
        return takewhile(lambda row: row.written_at >= since_ms, newest_first)

    def of_session(
        self, session_id: str, language: str, *, from_ms: int, until_ms: int
    ) -> Iterator[CaptionRow]:
        """All captions that were written in that time, in the order of their sequences.

        By consistent reads. An id that another session had may have that session's rows, too.
        """
        rows = self._queried(
            KeyConditionExpression="sessionLanguage = :partition",
            ExpressionAttributeValues=typed(
                {":partition": caption_partition(session_id, language)}
            ),
        )
        return (row for row in rows if from_ms <= row.written_at < until_ms)

    def _queried(self, **query: Any) -> Iterator[CaptionRow]:
        pages = self._client.get_paginator("query").paginate(
            TableName=self._table, ConsistentRead=True, **query
        )
        for page in pages:
            for item in page.get("Items", []):
                yield msgspec.convert(plain(item), CaptionRow)

    def delete(self, rows: Sequence[CaptionRow], clock: Clock) -> None:
        """Delete at most BATCH_LIMIT_ITEMS rows; raises CaptionsLeft if some are still there."""
        left: list[Any] = [
            {
                "DeleteRequest": {
                    "Key": typed(
                        {"sessionLanguage": row.session_language, "sequence": row.sequence}
                    )
                }
            }
            for row in rows
        ]
        for attempt in range(1, DELETE_ATTEMPTS + 1):
            response = self._client.batch_write_item(RequestItems={self._table: left})
            left = list(response.get("UnprocessedItems", {}).get(self._table, []))
            if not left:
                return
            clock.sleep(backoff_seconds(attempt))
        raise CaptionsLeft(f"{len(left)} of {len(rows)} captions were not deleted")


@dataclass(frozen=True)
class _Writing:
    row: CaptionRow
    is_settled: Event = field(default_factory=Event)


def batched(rows: Sequence[CaptionRow], size: int) -> Iterator[Sequence[CaptionRow]]:
    """The rows in batches of that size; Python 3.11 has no itertools.batched."""
    for start in range(0, len(rows), size):
        yield rows[start : start + size]


class CaptionWriter:
    """Writes the captions of one final transcript, those that are ready together in one batch.

    Thread-safe. `executor` runs the batches; `wait_seconds` is how long a caption waits for its
    write.
    """

    def __init__(
        self,
        table: CaptionTable,
        executor: Executor,
        clock: Clock,
        *,
        wait_seconds: float = WAIT_SECONDS,
    ) -> None:
        self._table = table
        self._executor = executor
        self._clock = clock
        self._wait_seconds = wait_seconds
        self._lock = Lock()
        self._ready: list[_Writing] = []
        self._batches: list[Future[None]] = []
        self._running = 0
        self._kept = 0
        self._not_written: list[CaptionRow] = []

    def keep(self, row: CaptionRow) -> None:
        """Write a caption, and return when that is done, has failed or takes too long."""
        writing = _Writing(row)
        with self._lock:
            self._ready.append(writing)
            is_batch_needed = self._running == 0 or len(self._ready) >= BATCH_LIMIT_ITEMS
            self._running += is_batch_needed
        if is_batch_needed:
            self._batches.append(self._executor.submit(self._write_ready))
        writing.is_settled.wait(self._wait_seconds)

    def finish(self) -> None:
        """Repeat what was not written, and count it all; for after the posts."""
        wait(self._batches)
        with self._lock:
            left, kept = self._not_written, self._kept
        late = len(left)
        for attempt in range(1, ATTEMPTS):
            if not left:
                break
            self._clock.sleep(backoff_seconds(attempt))
            batches = batched(left, BATCH_LIMIT_ITEMS)
            left = [row for batch in batches for row in self._not_written_of(batch)]
        late -= len(left)
        emit(
            {
                metrics.CAPTIONS_KEPT: kept + late,
                metrics.CAPTIONS_KEPT_LATE: late,
                metrics.CAPTIONS_NOT_KEPT: len(left),
            }
        )

    def _write_ready(self) -> None:
        while True:
            self._clock.sleep(GATHERING_SECONDS)
            with self._lock:
                batch, self._ready = (
                    self._ready[:BATCH_LIMIT_ITEMS],
                    self._ready[BATCH_LIMIT_ITEMS:],
                )
                if not batch:
                    self._running -= 1
                    return
            left = self._not_written_of([each.row for each in batch])
            with self._lock:
                self._not_written += left
                self._kept += len(batch) - len(left)
            for each in batch:
                each.is_settled.set()

    def _not_written_of(self, rows: Sequence[CaptionRow]) -> list[CaptionRow]:
        try:
            return self._table.write(rows)
        except (ClientError, BotoCoreError) as failure:
            # The error's message might repeat what was sent.
            logger.warning("Captions were not kept", extra={"failure": type(failure).__name__})
            return list(rows)


@dataclass(frozen=True, kw_only=True)
class History:
    """The final captions of the last `minutes`; none with 0.

    Where the stack `keeps_transcripts`, those of a session that has one stay until it is written.
    """

    table: CaptionTable
    minutes: int
    clock: Clock
    keeps_transcripts: bool

    @property
    def is_shown(self) -> bool:
        """Whether listeners are shown captions; else the connection function may not read any."""
        return self.minutes > 0

    def keeps(self, session: Session) -> bool:
        """Whether captions of the session are kept, for its listeners or for its transcript."""
        return self.is_shown or self.is_for_transcript(session)

    def is_for_transcript(self, session: Session) -> bool:
        """Whether captions of the session are kept for its transcript."""
        return self.keeps_transcripts and session.keep_transcript

    def row(
        self,
        session: Session,
        *,
        language: str,
        sequence: int,
        original_text: str,
        translation: str | None,
        spoken_at: int,
    ) -> CaptionRow:
        """The row of a caption that is written now; `translation` is None if there is none."""
        now_ms = self.clock.now_ms()
        ttl = now_ms // 1000 + self.minutes * 60
        if self.is_for_transcript(session):
            ttl = session.expires_at + TRANSCRIPT_PATIENCE_SECONDS
        return CaptionRow(
            session_language=caption_partition(session.session_id, language),
            sequence=sequence,
            text=original_text if translation is None else translation,
            original_text=None if translation is None else original_text,
            translated=translation is not None,
            spoken_at=spoken_at,
            written_at=now_ms,
            ttl=ttl,
        )

    def writer(self, executor: Executor) -> CaptionWriter:
        """Writes the captions of one transcript."""
        return CaptionWriter(self.table, executor, self.clock)

    def newest_first(self, session: Session, language: str, *, after: int) -> Iterator[CaptionRow]:
        """The captions of a live session with a sequence above `after`.

        An id that an earlier session had may still have that session's rows: they are left out.
        """
        since_ms = max(self.clock.now_ms() - self.minutes * 60_000, session.created_at)
        return self.table.newest_first(session.session_id, language, after=after, since_ms=since_ms)
