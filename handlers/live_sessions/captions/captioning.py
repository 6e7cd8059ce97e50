"""One transcript becomes captions: each listener reads it in the language it has chosen.

The languages go on beside each other. What a caption may take, so that the next one is not late: a
translation 2.5 seconds, a partial one's 1, then the language is sent the original; posts 2 seconds
from then, whoever hangs; removals of those who are gone are begun within half a second more.
"""

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from live_sessions.captions.transcript import Transcript
from live_sessions.captions.translator import Translation, Translator
from live_sessions.departures import Departures
from live_sessions.posts.deliveries import CONCURRENT_POSTS, DeliveryReport
from live_sessions.posts.sockets import Sockets
from live_sessions.protocol import Caption
from live_sessions.sessions import now_ms
from live_sessions.tables.connection_table import ConnectionTable
from live_sessions.tables.session_table import SessionTable
from live_sessions.telemetry import count, logger

PAGE_SIZE = 500
CONCURRENT_TRANSLATIONS = 20
ATTEMPTS = 2
"""Of a translation; a partial one, which another will soon replace, has one."""

TRANSLATION_LIMIT_SECONDS = 2.5
PARTIAL_TRANSLATION_LIMIT_SECONDS = 1.0
POSTING_SECONDS = 1.2
"""No post is begun later after its text was there."""

POST_TIMEOUT_SECONDS = 0.8
REMOVING_SECONDS = 0.5
LEAST_CONCURRENT_POSTS = 4
"""Of a language, however few its listeners are among all."""


@dataclass(frozen=True)
class Told:
    """What became of one language's caption; `failure` is why it had to be the original."""

    report: DeliveryReport
    failure: str


@dataclass(frozen=True)
class Captioning:
    sessions: SessionTable
    connections: ConnectionTable
    translator: Translator
    sockets: Sockets
    departures: Departures

    def caption(self, transcript: Transcript) -> None:
        """Post the transcript to the listeners of its session, if that is live.

        Raises botocore's errors when session or listeners cannot be read; then nothing was posted.
        """
        at_ms = now_ms()
        if not transcript.text.strip():
            return
        session = self.sessions.get(transcript.session_id)
        if session is None or not session.is_live(at_ms):
            logger.info("The session is not live", extra={"session": transcript.session_id})
            return
        listeners = self._listeners_by_language(transcript.session_id, at_ms)
        told = self._tell_all(transcript, listeners) if listeners else {}
        gone = [connection_id for each in told.values() for connection_id in each.report.gone]
        removed = self.departures.remove(
            gone, transcript.session_id, until_seconds=time.monotonic() + REMOVING_SECONDS
        )
        _record(transcript, told, removals_failed=len(gone) - removed)

    def _listeners_by_language(self, session_id: str, at_ms: int) -> dict[str, list[str]]:
        listeners: dict[str, list[str]] = {}
        for page in self.connections.listener_pages(session_id, page_size=PAGE_SIZE):
            for listener in page:
                if listener.ttl > at_ms / 1000:
                    listeners.setdefault(listener.target_language, []).append(
                        listener.connection_id
                    )
        return listeners

    def _tell_all(
        self, transcript: Transcript, listeners: Mapping[str, Sequence[str]]
    ) -> dict[str, Told]:
        limit_seconds = (
            PARTIAL_TRANSLATION_LIMIT_SECONDS
            if transcript.is_partial
            else TRANSLATION_LIMIT_SECONDS
        )
        until_seconds = time.monotonic() + limit_seconds
        everybody = sum(map(len, listeners.values()))
        translating = ThreadPoolExecutor(min(len(listeners), CONCURRENT_TRANSLATIONS))

        def tell(language: str) -> Told:
            connection_ids = listeners[language]
            translation = _settled(translations.get(language), until_seconds)
            share = CONCURRENT_POSTS * len(connection_ids) // everybody
            report = self.sockets.post_all(
                dict.fromkeys(connection_ids, _frame(transcript, language, translation)),
                until_seconds=time.monotonic() + POSTING_SECONDS,
                concurrent=max(share, LEAST_CONCURRENT_POSTS),
            )
            return Told(report, translation.failure)

        try:
            translations = {
                language: translating.submit(
                    self.translator.translate,
                    transcript.text,
                    transcript.source_language,
                    language,
                    attempts=1 if transcript.is_partial else ATTEMPTS,
                )
                for language in listeners
                if language != transcript.source_language
            }
            with ThreadPoolExecutor(len(listeners)) as telling:
                return dict(zip(listeners, telling.map(tell, listeners), strict=True))
        finally:
            # A translation that comes too late is kept for the next time.
            translating.shutdown(wait=False, cancel_futures=True)


def _settled(translating: Future[Translation] | None, until_seconds: float) -> Translation:
    """The translation, if it comes in time; the source language needs none."""
    if translating is None:
        return Translation(None)
    try:
        return translating.result(max(0, until_seconds - time.monotonic()))
    except TimeoutError:
        return Translation(None, "too late")


def _frame(transcript: Transcript, language: str, translation: Translation) -> bytes:
    original = transcript.text
    return Caption(
        timestamp=now_ms(),
        session_id=transcript.session_id,
        sequence=transcript.sequence,
        source_language=transcript.source_language,
        target_language=language,
        text=original if translation.text is None else translation.text,
        original_text=original,
        is_partial=transcript.is_partial,
        spoken_at=transcript.spoken_at,
        translated=translation.text is not None,
    ).encode()


def _record(transcript: Transcript, told: Mapping[str, Told], *, removals_failed: int) -> None:
    reports = [each.report for each in told.values()]
    posted = sum(len(report.delivered) for report in reports)
    gone = sum(len(report.gone) for report in reports)
    untried = sum(len(report.untried) for report in reports)
    failures = Counter(
        f"{language}: {each.failure}" for language, each in told.items() if each.failure
    )
    failed = sum((report.failures for report in reports), Counter[str]())
    count(
        CaptionsPosted=posted,
        TranslationsFailed=failures.total(),
        ConnectionsGone=gone,
        PostsRetried=sum(report.retried for report in reports),
        PostsFailed=failed.total(),
        ListenersUntried=untried,
        RemovalsFailed=removals_failed,
    )
    logger.info(
        "captioned",
        extra={
            "session": transcript.session_id,
            "caption": transcript.sequence,
            "partial": transcript.is_partial,
            "languages": len(told),
            "posted": posted,
            "gone": gone,
            "failed": dict(failed),
            "untried": untried,
            "untranslated": list(failures),
        },
    )
