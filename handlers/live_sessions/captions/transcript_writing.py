"""The captions of a session that has ended become its transcript, and then they are deleted.

A task that is delivered twice, or goes on after a failure, changes nothing that is complete: some
of the captions may be deleted already.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from contract import metrics
from contract.languages import TARGET_LANGUAGES
from live_sessions.aws.runtime import Clock, emit, logger
from live_sessions.captions.history import BATCH_LIMIT_ITEMS, CaptionRow, CaptionTable, batched
from live_sessions.captions.transcript_files import transcript_of
from live_sessions.captions.transcript_store import TranscriptFolder, TranscriptStore
from live_sessions.sessions.follow_ups import TranscriptTask
from live_sessions.sessions.rows import SESSION_RETENTION_SECONDS


@dataclass(frozen=True)
class TranscriptWriting:
    """Handles records of the queue of transcripts."""

    table: CaptionTable
    store: TranscriptStore
    clock: Clock

    def __call__(self, event: Mapping[str, Any], context: object) -> None:
        """Write each record's transcript; raises what fails, so that SQS delivers it again."""
        for record in event["Records"]:
            self.write(msgspec.json.decode(record["body"], type=TranscriptTask))

    def write(self, task: TranscriptTask) -> None:
        """Write the transcript, unless it is complete, and delete the captions."""
        folder = TranscriptFolder(
            user_id=task.user_id, session_id=task.session_id, created_at=task.created_at
        )
        languages = 0
        if not self.store.is_complete(folder, task.source_language):
            languages = self._write_files(task, folder)
        deleted = self._delete_captions(task)
        logger.info(
            "transcript",
            extra={"session": task.session_id, "languages": languages, "deleted": deleted},
        )

    def _write_files(self, task: TranscriptTask, folder: TranscriptFolder) -> int:
        """One language after the other, the source last; returns how many were written."""
        source = {row.sequence: row for row in self._rows(task, task.source_language)}
        languages = 0
        for language in sorted(TARGET_LANGUAGES - {task.source_language}):
            rows = list(self._rows(task, language))
            if rows:
                languages += self._write_language(task, folder, language, source, rows)
        if source:
            languages += self._write_language(task, folder, task.source_language, source, [])
        if languages:
            emit({metrics.TRANSCRIPTS_WRITTEN: 1})
        return languages

    def _write_language(
        self,
        task: TranscriptTask,
        folder: TranscriptFolder,
        language: str,
        source: dict[int, CaptionRow],
        rows: list[CaptionRow],
    ) -> bool:
        """Add to the source the originals of captions that could not be written in it; returns
        whether any file was written.
        """
        for row in rows:
            if row.sequence not in source:
                source[row.sequence] = msgspec.structs.replace(
                    row, text=row.original, original_text=None, translated=False
                )
        transcript = transcript_of(
            session_id=task.session_id,
            created_at=task.created_at,
            source_language=task.source_language,
            language=language,
            source=source,
            rows=rows,
        )
        return self.store.write(folder, transcript)

    def _delete_captions(self, task: TranscriptTask) -> int:
        deleted = 0
        for language in sorted(TARGET_LANGUAGES):
            for batch in batched(list(self._rows(task, language)), BATCH_LIMIT_ITEMS):
                self.table.delete(batch, self.clock)
                deleted += len(batch)
        return deleted

    def _rows(self, task: TranscriptTask, language: str) -> Iterator[CaptionRow]:
        """The session's own: no other session has its id as long as its row is there."""
        return self.table.of_session(
            task.session_id,
            language,
            from_ms=task.created_at,
            until_ms=task.ended_at + SESSION_RETENTION_SECONDS * 1000,
        )
