"""Failures that a test orders from the stand-ins, and counts of what they have served."""

import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class StreamFault:
    """How streams fail: refused at the handshake, or after some audio by an exception or a cut.

    Without `handshake_status`, `exception` and `is_cut`, streams accept audio and send no results.
    """

    times: int = 1
    handshake_status: int | None = None
    exception: str | None = None
    message: str = "ordered by a test"
    is_cut: bool = False
    after_seconds: float = 0.0

    @property
    def is_mute(self) -> bool:
        return not (self.handshake_status or self.exception or self.is_cut)


@dataclass(frozen=True)
class TranslationFault:
    """How translations fail or are delayed: all, or those into the `target` language."""

    times: int = 1
    target: str | None = None
    error: str | None = None
    status: int = 400
    delay_seconds: float = 0.0


@dataclass
class Served:
    """Counts only, no audio and no text."""

    streams: int = 0
    open_streams: int = 0
    audio_seconds: float = 0.0
    translations: dict[str, int] = field(default_factory=dict)


class Faults:
    """Shared by the threads of both stand-ins."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._streams: list[StreamFault] = []
        self._translations: list[TranslationFault] = []
        self._served = Served()

    def order(self, kind: str, content: Mapping[str, Any]) -> None:
        """Raises TypeError for fields that the fault does not have, KeyError for another kind."""
        makers = {"stream": self._order_streams, "translation": self._order_translations}
        makers[kind](content)

    def cancel(self) -> None:
        with self._lock:
            self._streams.clear()
            self._translations.clear()

    def next_stream(self) -> StreamFault | None:
        with self._lock:
            return self._streams.pop(0) if self._streams else None

    def next_translation(self, target: str) -> TranslationFault | None:
        with self._lock:
            for fault in self._translations:
                if fault.target in (None, target):
                    self._translations.remove(fault)
                    return fault
            return None

    def stream_opened(self) -> None:
        with self._lock:
            self._served.streams += 1
            self._served.open_streams += 1

    def stream_closed(self, audio_seconds: float) -> None:
        with self._lock:
            self._served.open_streams -= 1
            self._served.audio_seconds += audio_seconds

    def translated(self, target: str) -> None:
        with self._lock:
            translations = self._served.translations
            translations[target] = translations.get(target, 0) + 1

    def served(self) -> dict[str, Any]:
        with self._lock:
            return asdict(self._served)

    def _order_streams(self, content: Mapping[str, Any]) -> None:
        fault = StreamFault(**content)
        with self._lock:
            self._streams += [fault] * fault.times

    def _order_translations(self, content: Mapping[str, Any]) -> None:
        fault = TranslationFault(**content)
        with self._lock:
            self._translations += [fault] * fault.times
