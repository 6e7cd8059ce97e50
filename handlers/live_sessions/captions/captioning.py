"""A transcript becomes captions: translated once for each language, and posted to its listeners.

The languages are independent of each other. Limits keep one caption from delaying the next: a
language whose translation is late gets the original text, and then its posts and the removal of
gone listeners end within limits, whichever listener hangs.

A final caption is kept before it is posted, so that a listener finds in the history what was not
posted to them. One that comes after its session's end is kept for the session's transcript, if it
is soon enough, and not posted.

Up to `DIRECT_LISTENERS` are posted to from here. A larger audience is handed out by pages, which
other functions post at once; the caption is done when they are.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import reduce
from itertools import chain, islice
from operator import add
from threading import Lock
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
from botocore.exceptions import ClientError

from contract import metrics
from contract.languages import LANGUAGES
from live_sessions.aws.retries import is_outage, repeated
from live_sessions.aws.runtime import Clock, emit, logger
from live_sessions.captions.history import CONCURRENT_BATCHES, CaptionWriter, History
from live_sessions.captions.pages import (
    CONCURRENT_PAGES,
    CaptionPages,
    CaptionPosts,
    PostCounts,
    concurrent_posts,
    listeners_in,
)
from live_sessions.captions.transcripts import Transcript, read_transcript
from live_sessions.sessions.connections import ConnectionTable, Listener
from live_sessions.sessions.follow_ups import CaptionPage
from live_sessions.sessions.rows import Session, SessionTable
from live_sessions.wire.frames import Caption
from live_sessions.wire.sockets import CONCURRENT_POSTS, Delivery, DeliveryReport

if TYPE_CHECKING:
    from mypy_boto3_translate import TranslateClient

CACHE_LIMIT_ENTRIES = 2000
CACHE_LIMIT_BYTES = 2_000_000

PART_LIMIT_BYTES = 10_000
"""https://docs.aws.amazon.com/translate/latest/APIReference/API_TranslateText.html"""

SENTENCE_ENDS = (". ", "? ", "! ", "。", "？", "！", "। ", "؟ ")

UNSUPPORTED_PAIR = "UnsupportedLanguagePairException"

DIRECT_LISTENERS = 500
"""What this function posts to within a caption's limits with time to spare; also a page of a crowd
(benchmarks/crowd.py).
"""

CONCURRENT_TRANSLATIONS = 20
TRANSLATION_ATTEMPTS = 2
"""A partial transcript has one, because another one will soon replace it."""

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
    a gone listener starts later than this after the posts. `crowd_posting` is the limit of a page's
    posts: the next caption waits for them, and a partial one is not worth as much.
    """

    translation: float = 2.5
    partial_translation: float = 1.0
    posting: float = 1.2
    crowd_posting: float = 5.0
    partial_crowd_posting: float = 1.2
    removing: float = 0.5


LIMITS = CaptionLimits()


ByLanguage = Mapping[str, Sequence[str]]
"""Connection ids by the language that they read."""


@dataclass(frozen=True)
class CaptionReport:
    """What happened to a caption; `failures` is why languages had the original text."""

    counts: PostCounts
    languages: int
    failures: Mapping[str, str]


@dataclass(frozen=True)
class Captioning:
    """The function's handler: keeps and posts the captions of one transcript."""

    sessions: SessionTable
    connections: ConnectionTable
    history: History
    translator: Translator
    posts: CaptionPosts
    pages: CaptionPages
    clock: Clock
    threads: Callable[[int], Executor] = ThreadPoolExecutor
    limits: CaptionLimits = LIMITS
    direct_listeners: int = DIRECT_LISTENERS

    def __call__(self, event: Mapping[str, Any], context: object) -> None:
        """Caption the transcript that is the event.

        Raises msgspec.ValidationError for another event, and botocore's errors if the session or
        its listeners cannot be read. Then nothing was posted, or to a crowd only in part.
        """
        self.caption(read_transcript(event))

    def caption(self, transcript: Transcript) -> PostCounts:
        """Post the transcript to the listeners of its session, if that is live; count the posts.

        Just after the session's end it is only kept, if the session keeps a transcript.

        Raises botocore's errors if the session or its listeners cannot be read; then nothing was
        posted, or to a crowd only in part.
        """
        at_ms = self.clock.now_ms()
        if not transcript.text.strip():
            return PostCounts()
        session = self.sessions.get(transcript.session_id)
        if session is None or not session.is_live(at_ms):
            if session is not None and session.takes_last_words(at_ms):
                self._keep_last_words(session, transcript)
            else:
                logger.info("The session is not live", extra={"session": transcript.session_id})
            return PostCounts()
        pages = self.connections.listener_pages(
            transcript.session_id, page_size=self.direct_listeners
        )
        # A full page may be followed by one without listeners.
        first_pages = [page for page in islice(pages, 2) if page]
        with ExitStack() as stack:
            translations = stack.enter_context(_Translations(self, transcript, session))
            if session.receive_captions and session.speaker_lost_at is None:
                to_speaker = stack.enter_context(self.threads(1))
                to_speaker.submit(self._post_to_speaker, session, transcript, translations)
            if len(first_pages) > 1:
                every_page = (_by_language(page, at_ms) for page in chain(first_pages, pages))
                # The count may be off by a few listeners.
                concurrent = concurrent_posts(-(-session.listener_count // self.direct_listeners))
                counts = self._post_to_crowd(transcript, every_page, translations, concurrent)
            else:
                listeners = _by_language(chain(*first_pages), at_ms)
                counts = self._post_to_all(transcript, listeners, translations)
        report = CaptionReport(counts, len(translations.languages), translations.failures)
        _record(transcript, report)
        return counts

    def _keep_last_words(self, session: Session, transcript: Transcript) -> None:
        """Keep what was said just before the end for the transcript, and post it to nobody.

        In the languages that had listeners at the end: none is in the index any more.
        """
        if transcript.is_partial or not self.history.is_for_transcript(session):
            return
        read = session.last_listeners_by_language
        languages = {
            transcript.source_language,
            *(language for language, listeners in read.items() if listeners > 0),
        }
        with _Translations(self, transcript, session) as translations:
            translations.start(languages)
            with self.threads(len(languages)) as keeping:
                list(keeping.map(translations.settled, languages))
        logger.info(
            "kept after the end",
            extra={
                "session": session.session_id,
                "caption": transcript.sequence,
                "languages": len(languages),
            },
        )

    def _post_to_speaker(
        self, session: Session, transcript: Transcript, translations: "_Translations"
    ) -> None:
        """Once, and whatever happens to it: a speaker who is gone is found by other means."""
        frame = self._frame(
            transcript,
            transcript.source_language,
            translations.settled(transcript.source_language),
        )
        result = self.posts.sockets.post_once(session.speaker_connection_id, frame)
        if result.delivery is not Delivery.DELIVERED:
            logger.info(
                "A caption did not reach the speaker",
                extra={"session": session.session_id, "delivery": result.delivery},
            )

    def _post_to_all(
        self, transcript: Transcript, listeners: ByLanguage, translations: "_Translations"
    ) -> PostCounts:
        """Post to every listener from here, each language as soon as it is translated."""
        if not listeners:
            return PostCounts()
        translations.start(listeners)
        listener_count = listeners_in(listeners)

        def post(language: str) -> DeliveryReport:
            connection_ids = listeners[language]
            frame = self._frame(transcript, language, translations.settled(language))
            share = CONCURRENT_POSTS * len(connection_ids) // listener_count
            return self.posts.sockets.post_all(
                dict.fromkeys(connection_ids, frame),
                until_seconds=self.clock.monotonic() + self.limits.posting,
                concurrent=max(share, LEAST_CONCURRENT_POSTS),
            )

        with self.threads(len(listeners)) as posting:
            reports = list(posting.map(post, listeners))
        gone = [connection_id for each in reports for connection_id in each.gone]
        return reduce(
            add,
            map(PostCounts.of, reports),
            self.posts.removal(gone, transcript.session_id, self.limits.removing),
        )

    def _post_to_crowd(
        self,
        transcript: Transcript,
        pages: Iterable[ByLanguage],
        translations: "_Translations",
        concurrent: int,
    ) -> PostCounts:
        """Hand out each page as soon as it is read, and wait for all of them.

        Pages without a result are posted from here if the caption is final.
        """
        with self.threads(CONCURRENT_PAGES) as waiting:
            posting: list[Future[tuple[CaptionPage, PostCounts | None]]] = []
            for listeners in pages:
                translations.start(listeners)
                posting.append(
                    waiting.submit(self._post_page, transcript, listeners, translations, concurrent)
                )
            results = [each.result() for each in posting]
        counts = reduce(add, (counts for _, counts in results if counts is not None), PostCounts())
        for page in (page for page, counts in results if counts is None):
            if transcript.is_partial:
                counts += PostCounts(untried=listeners_in(page.listeners))
            else:
                until_seconds = self.clock.monotonic() + page.posting_seconds
                here = msgspec.structs.replace(page, concurrent_posts=CONCURRENT_POSTS)
                counts += self.posts.post_page(here, until_seconds)
        return counts

    def _post_page(
        self,
        transcript: Transcript,
        listeners: ByLanguage,
        translations: "_Translations",
        concurrent: int,
    ) -> tuple[CaptionPage, PostCounts | None]:
        limits = self.limits
        page = CaptionPage(
            session_id=transcript.session_id,
            frames={
                language: self._frame(transcript, language, translations.settled(language)).decode()
                for language in listeners
            },
            listeners={language: list(readers) for language, readers in listeners.items()},
            concurrent_posts=concurrent,
            posting_seconds=(
                limits.partial_crowd_posting if transcript.is_partial else limits.crowd_posting
            ),
            removing_seconds=limits.removing,
        )
        return page, self.pages.post(page)

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


class _Translations:
    """The translations of one transcript, each started once, at the first page with its readers.

    Those of a final one are kept, and so is the text in the spoken language, whether anybody reads
    it or not. Thread-safe.
    """

    def __init__(self, captioning: Captioning, transcript: Transcript, session: Session) -> None:
        self._transcript = transcript
        self._session = session
        self._translator = captioning.translator
        self._history = captioning.history
        self._clock = captioning.clock
        limits = captioning.limits
        self._limit_seconds = (
            limits.partial_translation if transcript.is_partial else limits.translation
        )
        self._threads = captioning.threads(CONCURRENT_TRANSLATIONS)
        self._until_seconds: float | None = None
        self._translating: dict[str, Future[Translation] | None] = {}
        self._settled: dict[str, Translation] = {}
        self._settling: dict[str, Lock] = {}
        self._batches = captioning.threads(CONCURRENT_BATCHES)
        self._writer: CaptionWriter | None = None

    def __enter__(self) -> "_Translations":
        transcript = self._transcript
        if self._history.keeps(self._session) and not transcript.is_partial:
            self._writer = self._history.writer(self._batches)
            self._keeping_source = self._threads.submit(self.settled, transcript.source_language)
        return self

    def __exit__(self, *_: object) -> None:
        if self._writer is not None:
            self._keeping_source.result()
            self._writer.finish()
        self._batches.shutdown(wait=False)
        # A translation that comes too late is kept in the cache.
        self._threads.shutdown(wait=False, cancel_futures=True)

    @property
    def failures(self) -> Mapping[str, str]:
        """Why languages have the original text, for those that have settled."""
        return {language: each.failure for language, each in self._settled.items() if each.failure}

    @property
    def languages(self) -> Sequence[str]:
        """The languages that were started, the spoken one among them if it is read."""
        return tuple(self._translating)

    def start(self, languages: Iterable[str]) -> None:
        """Start those that have not been started; the first start begins the time limit."""
        if self._until_seconds is None:
            self._until_seconds = self._clock.monotonic() + self._limit_seconds
        transcript = self._transcript
        for language in languages:
            if language in self._translating:
                continue
            self._translating[language] = (
                None
                if language == transcript.source_language
                else self._threads.submit(
                    self._translator.translate,
                    transcript.text,
                    transcript.source_language,
                    language,
                    attempts=1 if transcript.is_partial else TRANSLATION_ATTEMPTS,
                )
            )

    def settled(self, language: str) -> Translation:
        """The translation, if it comes in time; it has been kept or was tried to be."""
        with self._settling.setdefault(language, Lock()):
            if language not in self._settled:
                translation = self._awaited(language)
                self._keep(language, translation)
                self._settled[language] = translation
        return self._settled[language]

    def _awaited(self, language: str) -> Translation:
        """The spoken language needs no translation."""
        translating = self._translating.get(language)
        if translating is None or self._until_seconds is None:
            return Translation(None)
        try:
            return translating.result(max(0, self._until_seconds - self._clock.monotonic()))
        except TimeoutError:
            return Translation(None, "too late")

    def _keep(self, language: str, translation: Translation) -> None:
        if self._writer is None:
            return
        transcript = self._transcript
        row = self._history.row(
            self._session,
            language=language,
            sequence=transcript.sequence,
            original_text=transcript.text,
            translation=translation.text,
            spoken_at=transcript.spoken_at,
        )
        self._writer.keep(row)


def _by_language(listeners: Iterable[Listener], at_ms: int) -> dict[str, list[str]]:
    """The listeners whose sockets may be open."""
    readers: dict[str, list[str]] = {}
    for listener in listeners:
        if listener.ttl > at_ms / 1000:
            readers.setdefault(listener.target_language, []).append(listener.connection_id)
    return readers


def _record(transcript: Transcript, report: CaptionReport) -> None:
    """Untried listeners of a partial caption are not counted: the next one is for them as well."""
    counts = report.counts
    emit(
        {
            metrics.CAPTIONS_POSTED: counts.delivered,
            metrics.TRANSLATIONS_FAILED: len(report.failures),
            metrics.CONNECTIONS_GONE: counts.gone,
            metrics.POSTS_RETRIED: counts.retried,
            metrics.POSTS_FAILED: sum(counts.failures.values()),
            metrics.LISTENERS_UNTRIED: 0 if transcript.is_partial else counts.untried,
            metrics.REMOVALS_FAILED: counts.removals_failed,
        }
    )
    logger.info(
        "captioned",
        extra={
            "session": transcript.session_id,
            "caption": transcript.sequence,
            "partial": transcript.is_partial,
            "languages": report.languages,
            "posted": counts.delivered,
            "gone": counts.gone,
            "failed": counts.failures,
            "untried": counts.untried,
            "untranslated": [
                f"{language}: {failure}" for language, failure in report.failures.items()
            ],
        },
    )
