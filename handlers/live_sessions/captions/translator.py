"""Translations by Amazon Translate: one call for each text and pair of languages."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from live_sessions.aws.backoff import repeated
from live_sessions.aws.outages import is_outage
from live_sessions.captions.text_parts import parts_of
from live_sessions.captions.translation_cache import TranslationCache, TranslationKey
from live_sessions.languages import LANGUAGES

if TYPE_CHECKING:
    from mypy_boto3_translate import TranslateClient

UNSUPPORTED_PAIR = "UnsupportedLanguagePairException"


@dataclass(frozen=True)
class Translation:
    """`text` is None where there is none, for the reason `failure`, which never holds text."""

    text: str | None
    failure: str = ""


@dataclass(frozen=True)
class Translator:
    """Keeps in the container what was translated, and the pairs that Translate does not know."""

    client: "Callable[[], TranslateClient]"
    cache: TranslationCache = field(default_factory=TranslationCache)
    unsupported: set[tuple[str, str]] = field(default_factory=set[tuple[str, str]])

    def translate(self, text: str, source: str, target: str, *, attempts: int) -> Translation:
        """From one of the wire's languages to another; never raises.

        A variant, such as pt-PT of pt, is translated to like any other language. A text over
        Translate's limit is sent in parts, of which none may fail.
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
            # Whatever it is, the original goes out.
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
        if source is None or target is None:
            return ""
        translated = ""
        for part in parts_of(key.text):
            answer = repeated(
                lambda part=part: self.client().translate_text(
                    Text=part, SourceLanguageCode=source, TargetLanguageCode=target
                ),
                attempts=attempts,
                is_passing=is_outage,
            )
            translated_part = answer["TranslatedText"].strip()
            if not translated_part:
                return ""
            translated += translated_part + (" " if part[-1].isspace() else "")
        return translated.strip()


def _reason(failure: Exception) -> str:
    """The error's code or kind: its text might repeat what was sent or answered."""
    if isinstance(failure, ClientError):
        return failure.response.get("Error", {}).get("Code", "")
    return type(failure).__name__
