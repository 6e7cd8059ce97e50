"""Translations that were made before, as many as fit."""

from collections import OrderedDict
from threading import Lock
from typing import NamedTuple

LIMIT_ENTRIES = 2000
LIMIT_BYTES = 2_000_000


class TranslationKey(NamedTuple):
    source: str
    target: str
    text: str


class TranslationCache:
    """The least recently used goes first. Safe to use from many threads."""

    def __init__(
        self, *, limit_entries: int = LIMIT_ENTRIES, limit_bytes: int = LIMIT_BYTES
    ) -> None:
        self._limit_entries = limit_entries
        self._limit_bytes = limit_bytes
        self._translations: OrderedDict[TranslationKey, str] = OrderedDict()
        self._bytes = 0
        self._lock = Lock()

    def get(self, key: TranslationKey) -> str | None:
        with self._lock:
            if key in self._translations:
                self._translations.move_to_end(key)
            return self._translations.get(key)

    def keep(self, key: TranslationKey, translation: str) -> None:
        """One that is larger than all the room there is, is not kept."""
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
