"""A transcript becomes captions: translated once for each language, and posted to its listeners.

The languages are independent of each other. Limits keep one caption from delaying the next: a
language whose translation is late gets the original text, and then its posts and the removal of
gone listeners end within limits, whichever listener hangs.
"""

from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
from botocore.exceptions import ClientError

from contract import metrics
from contract.languages import LANGUAGES
from live_sessions.aws.retries import is_outage, repeated
from live_sessions.aws.runtime import Clock, emit, logger
from live_sessions.captions.transcripts import Transcript, read_transcript
from live_sessions.listeners.fan_out import Departures
from live_sessions.sessions.connections import ConnectionTable
from live_sessions.sessions.rows import SessionTable
from live_sessions.wire.frames import Caption
from live_sessions.wire.sockets import CONCURRENT_POSTS, DeliveryReport, Sockets

if TYPE_CHECKING:
    from mypy_boto3_translate import TranslateClient

CACHE_LIMIT_ENTRIES = 2000
CACHE_LIMIT_BYTES = 2_000_000

PART_LIMIT_BYTES = 10_000
"""https://docs.aws.amazon.com/translate/latest/APIReference/API_TranslateText.html"""

SENTENCE_ENDS = (". ", "? ", "! ", "。", "？", "！", "। ", "؟ ")

UNSUPPORTED_PAIR = "UnsupportedLanguagePairException"

PAGE_SIZE = 500
CONCURRENT_TRANSLATIONS = 20
TRANSLATION_ATTEMPTS = 2
"""A partial transcript has one, because another one will soon replace it."""

POST_TIMEOUT_SECONDS = 0.8
LEAST_CONCURRENT_POSTS = 4
"""For each language, even if few of the listeners read it."""


def parts_of(text: str, limit_bytes: int = PART_LIMIT_BYTES) -> Iterator[str]:
    """The text in parts of at most `limit_bytes` in UTF-8.

    They are cut after a sentence if possible, else after a word, else anywhere.
    """
    while len(text.encode()) > limit_bytes:
        longest = text.encode()[:limit_bytes].decode(errors="ignore")
        cut = _last_end(longest, SENTENCE_ENDS) or _last_end(longest, (" ",)) or len(longest)
        yield text[:cut]
        text = text[cut:]
    if text:
        yield text


def _last_end(text: str, ends: tuple[str, ...]) -> int:
    """The position after the last of `ends`; 0 if there is none."""
    return max(text.rfind(end) + len(end) if end in text else 0 for end in ends)


class TranslationKey(NamedTuple):
    """A text and two languages by their codes on the wire."""

    source: str
    target: str
    text: str


class TranslationCache:
    """The translations used last, as many as fit into the limits. Thread-safe."""

    def __init__(
        self, *, limit_entries: int = CACHE_LIMIT_ENTRIES, limit_bytes: int = CACHE_LIMIT_BYTES
    ) -> None:
        self._limit_entries = limit_entries
        self._limit_bytes = limit_bytes
        self._translations: OrderedDict[TranslationKey, str] = OrderedDict()
        self._bytes = 0
        self._lock = Lock()

    def get(self, key: TranslationKey) -> str | None:
        """The translation, if it was kept; it then counts as the one used last."""
        with self._lock:
            if key in self._translations:
                self._translations.move_to_end(key)
            return self._translations.get(key)

    def keep(self, key: TranslationKey, translation: str) -> None:
        """Keep a translation, unless it alone is over the limit; drop others to make room."""
        if _size(key, translation) > self._limit_bytes:
            return
        with self._lock:
            self._drop(key)
            self._translations[key] = translation
            self._bytes += _size(key, translation)
            while self._bytes > self._limit_bytes or len(self._translations) > self._limit_entries:
                self._drop(next(iter(self._translations)))

    def _drop(self, key: TranslationKey) -> None:
        translation = self._translations.pop(key, None)
        if translation is not None:
            self._bytes -= _size(key, translation)


def _size(key: TranslationKey, translation: str) -> int:
    return len(key.text.encode()) + len(translation.encode())


@dataclass(frozen=True)
class Translation:
    """`text` is None if there is none; `failure` has the reason, which never quotes a text."""

    text: str | None
    failure: str = ""


@dataclass(frozen=True)
class Translator:
    """Amazon Translate, with the translations and the unsupported pairs that it has seen."""

    client: "TranslateClient"
    clock: Clock
    cache: TranslationCache = field(default_factory=TranslationCache)
    unsupported: set[tuple[str, str]] = field(default_factory=set[tuple[str, str]])

    def translate(self, text: str, source: str, target: str, *, attempts: int) -> Translation:
        """Translate from one of the wire's languages to another; never raises.

        A variant, such as pt-PT of pt, is a language like any other. A text over Translate's limit
        is sent in parts; if one fails, all fail.
        """
        key = TranslationKey(source, target, text)
        known = self.cache.get(key)
        if known is not None:
            return Translation(known)
        if (source, target) in self.unsupported:
            return Translation(None, UNSUPPORTED_PAIR)
        try:
            translated = self._translated(key, attempts)
        except Exception as failure:
            # Whatever the failure is, the listeners get the original text.
            reason = _reason(failure)
            if reason == UNSUPPORTED_PAIR:
                self.unsupported.add((source, target))
            return Translation(None, reason)
        if not translated.strip():
            return Translation(None, "empty")
        self.cache.keep(key, translated)
        return Translation(translated)

    def _translated(self, key: TranslationKey, attempts: int) -> str:
        source, target = LANGUAGES[key.source].translate, LANGUAGES[key.target].translate
        translated = ""
        for part in parts_of(key.text):
            response = repeated(
                lambda part=part: self.client.translate_text(
                    Text=part, SourceLanguageCode=source, TargetLanguageCode=target
                ),
                attempts=attempts,
                is_transient=is_outage,
                clock=self.clock,
            )
            translated_part = response["TranslatedText"].strip()
            if not translated_part:
                return ""
            translated += translated_part + (" " if part[-1].isspace() else "")
        return translated.strip()


def _reason(failure: Exception) -> str:
    """The error's code or type: its message might repeat what was sent or received."""
    if isinstance(failure, ClientError):
        return failure.response.get("Error", {}).get("Code", "")
    return type(failure).__name__


@dataclass(frozen=True, kw_only=True)
class CaptionLimits:
    """The time limits of one caption, in seconds.

    `posting`: no post starts later than this after its text is available. `removing`: no removal of
    a gone listener starts later than this after the posts.
    """

    translation: float = 2.5
    partial_translation: float = 1.0
    posting: float = 1.2
    removing: float = 0.5


LIMITS = CaptionLimits()


@dataclass(frozen=True)
class LanguageReport:
    """What happened to one language's caption; `failure` is why it had the original text."""

    posts: DeliveryReport
    failure: str


@dataclass(frozen=True)
class Captioning:
    """The function's handler: posts the captions of one transcript."""

    sessions: SessionTable
    connections: ConnectionTable
    translator: Translator
    sockets: Sockets
    departures: Departures
    clock: Clock
    threads: Callable[[int], Executor] = ThreadPoolExecutor
    limits: CaptionLimits = LIMITS

    def __call__(self, event: Mapping[str, Any], context: object) -> None:
        """Caption the transcript that is the event.

        Raises msgspec.ValidationError for another event, and botocore's errors if the session or
        its listeners cannot be read. Then nothing was posted.
        """
        self.caption(read_transcript(event))

    def caption(self, transcript: Transcript) -> None:
        """Post the transcript to the listeners of its session, if that is live.

        Raises botocore's errors if the session or its listeners cannot be read; then nothing was
        posted.
        """
        at_ms = self.clock.now_ms()
        if not transcript.text.strip():
            return
        session = self.sessions.get(transcript.session_id)
        if session is None or not session.is_live(at_ms):
            logger.info("The session is not live", extra={"session": transcript.session_id})
            return
        listeners = self._listeners_by_language(transcript.session_id, at_ms)
        reports = self._post_all(transcript, listeners) if listeners else {}
        gone = [connection_id for each in reports.values() for connection_id in each.posts.gone]
        removed = self._remove(gone, transcript.session_id) if gone else 0
        _record(transcript, reports, removals_failed=len(gone) - removed)

    def _remove(self, gone: Sequence[str], session_id: str) -> int:
        until_seconds = self.clock.monotonic() + self.limits.removing
        return self.departures.remove(gone, session_id, until_seconds=until_seconds)

    def _listeners_by_language(self, session_id: str, at_ms: int) -> dict[str, list[str]]:
        listeners: dict[str, list[str]] = {}
        for page in self.connections.listener_pages(session_id, page_size=PAGE_SIZE):
            for listener in page:
                if listener.ttl > at_ms / 1000:
                    listeners.setdefault(listener.target_language, []).append(
                        listener.connection_id
                    )
        return listeners

    def _post_all(
        self, transcript: Transcript, listeners: Mapping[str, Sequence[str]]
    ) -> dict[str, LanguageReport]:
        limits = self.limits
        until_seconds = self.clock.monotonic() + (
            limits.partial_translation if transcript.is_partial else limits.translation
        )
        listener_count = sum(map(len, listeners.values()))
        translating = self.threads(min(len(listeners), CONCURRENT_TRANSLATIONS))

        def post(language: str) -> LanguageReport:
            connection_ids = listeners[language]
            translation = self._settled(translations.get(language), until_seconds)
            share = CONCURRENT_POSTS * len(connection_ids) // listener_count
            posts = self.sockets.post_all(
                dict.fromkeys(connection_ids, self._frame(transcript, language, translation)),
                until_seconds=self.clock.monotonic() + limits.posting,
                concurrent=max(share, LEAST_CONCURRENT_POSTS),
            )
            return LanguageReport(posts, translation.failure)

        try:
            translations = {
                language: translating.submit(
                    self.translator.translate,
                    transcript.text,
                    transcript.source_language,
                    language,
                    attempts=1 if transcript.is_partial else TRANSLATION_ATTEMPTS,
                )
                for language in listeners
                if language != transcript.source_language
            }
            with self.threads(len(listeners)) as posting:
                return dict(zip(listeners, posting.map(post, listeners), strict=True))
        finally:
            # A translation that comes too late is kept in the cache.
            translating.shutdown(wait=False, cancel_futures=True)

    def _settled(
        self, translating: Future[Translation] | None, until_seconds: float
    ) -> Translation:
        """The translation, if it comes in time; the source language needs none."""
        if translating is None:
            return Translation(None)
        try:
            return translating.result(max(0, until_seconds - self.clock.monotonic()))
        except TimeoutError:
            return Translation(None, "too late")

    def _frame(self, transcript: Transcript, language: str, translation: Translation) -> bytes:
        original = transcript.text
        frame = Caption(
            timestamp=self.clock.now_ms(),
            session_id=transcript.session_id,
            sequence=transcript.sequence,
            source_language=transcript.source_language,
            target_language=language,
            text=original if translation.text is None else translation.text,
            original_text=original,
            is_partial=transcript.is_partial,
            spoken_at=transcript.spoken_at,
            translated=translation.text is not None,
        )
        return msgspec.json.encode(frame)


def _record(
    transcript: Transcript, reports: Mapping[str, LanguageReport], *, removals_failed: int
) -> None:
    posts = [each.posts for each in reports.values()]
    posted = sum(len(report.delivered) for report in posts)
    gone = sum(len(report.gone) for report in posts)
    untried = sum(len(report.untried) for report in posts)
    untranslated = [
        f"{language}: {each.failure}" for language, each in reports.items() if each.failure
    ]
    failed = sum((report.failures for report in posts), Counter[str]())
    emit(
        {
            metrics.CAPTIONS_POSTED: posted,
            metrics.TRANSLATIONS_FAILED: len(untranslated),
            metrics.CONNECTIONS_GONE: gone,
            metrics.POSTS_RETRIED: sum(report.retried for report in posts),
            metrics.POSTS_FAILED: failed.total(),
            metrics.LISTENERS_UNTRIED: untried,
            metrics.REMOVALS_FAILED: removals_failed,
        }
    )
    logger.info(
        "captioned",
        extra={
            "session": transcript.session_id,
            "caption": transcript.sequence,
            "partial": transcript.is_partial,
            "languages": len(reports),
            "posted": posted,
            "gone": gone,
            "failed": dict(failed),
            "untried": untried,
            "untranslated": untranslated,
        },
    )
