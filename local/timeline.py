"""Prints the events of a session, one line each, as they happen."""

import os
import sys
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from client.sockets import Client, Frame


class Timeline:
    """Prints lines of seconds since the start, name and event: sent →, received ←, other ·."""

    def __init__(self) -> None:
        self._start = time.monotonic()
        self._lock = threading.Lock()
        self._colour = sys.stdout.isatty() and "NO_COLOR" not in os.environ

    def heading(self, text: str) -> None:
        self.line(f"\n{self.painted(text, '1')}")

    def sent(self, who: str, what: str) -> None:
        self._event(who, "→", what)

    def received(self, client: Client, frame: Frame) -> None:
        self._event(client.name, "←", summary(frame))

    def happened(self, who: str, what: str) -> None:
        self._event(who, "·", what)

    def line(self, text: str) -> None:
        with self._lock:
            print(text, flush=True)

    def painted(self, text: str, code: str) -> str:
        return f"\033[{code}m{text}\033[0m" if self._colour else text

    def _event(self, who: str, arrow: str, what: str) -> None:
        self.line(f"{time.monotonic() - self._start:7.2f} s  {who:<8} {arrow} {what}")


def summary(frame: Frame) -> str:
    """Return a frame in one line: its type and its main fields."""
    return f"{frame.type:<16} {SUMMARIES.get(frame.type, _all_fields)(frame)}".rstrip()


def distribution(languages: Mapping[str, int]) -> str:
    """Return `es 2, fr 1` for `{"es": 2, "fr": 1}`."""
    return ", ".join(f"{language} {count}" for language, count in sorted(languages.items()))


def _listeners(count: int) -> str:
    return f"{count} listener{'' if count == 1 else 's'}"


def _in_brackets(text: str) -> str:
    return f" ({text})" if text else ""


def _all_fields(frame: Frame) -> str:
    hidden = ("type", "timestamp", "requestId", "connectionId", "broadcastState")
    return "  ".join(f"{name}={value}" for name, value in frame.body.items() if name not in hidden)


def _broadcast_state(frame: Frame) -> str:
    state: Mapping[str, Any] = frame["broadcastState"]
    silenced = [word for word, key in (("paused", "isPaused"), ("muted", "isMuted")) if state[key]]
    heard = " and ".join(silenced) or "on"
    return f"broadcast {heard}, volume {state['volume']:g}, version {state['version']}"


def _caption(frame: Frame) -> str:
    unfinished = " …" if frame["isPartial"] else ""
    untranslated = frame["targetLanguage"] != frame["sourceLanguage"] and not frame["translated"]
    return (
        f"{frame['targetLanguage']} {frame['sequence']}: {frame['text']}{unfinished}"
        f"{' (not translated)' if untranslated else ''}"
    )


SUMMARIES: Mapping[str, Callable[[Frame], str]] = {
    "sessionCreated": lambda frame: f"{frame['sessionId']}, from {frame['sourceLocale']}",
    "sessionJoined": lambda frame: (
        f"{frame['sessionId']}, {frame['sourceLanguage']} to {frame['targetLanguage']}"
    ),
    "sessionEnded": lambda frame: f"{frame['sessionId']}, {frame['reason']}",
    "languageChanged": lambda frame: f"to {frame['targetLanguage']}",
    "connectionRefreshComplete": lambda frame: frame["sessionId"],
    "stateRestored": _broadcast_state,
    "broadcastPaused": _broadcast_state,
    "broadcastMuted": _broadcast_state,
    "broadcastUnmuted": _broadcast_state,
    "volumeChanged": _broadcast_state,
    "speakerStateChanged": _broadcast_state,
    "broadcastResumed": lambda frame: f"after {frame['pausedSeconds']:.1f} s",
    "sessionStatus": lambda frame: (
        f"{frame['updateReason']}: {_listeners(frame['listenerCount'])}"
        f"{_in_brackets(distribution(frame['languageDistribution']))}"
    ),
    "caption": _caption,
    "transcript": lambda frame: f"{frame['sessionId']}, {frame['language']} {frame['format']}",
    "error": lambda frame: f"{frame['code']}: {frame['message']}",
}
