"""A session with listeners, and the translation function with Translate on loopback."""

from __future__ import annotations

import contextlib
import dataclasses
import importlib
from collections.abc import Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import pytest

from live_sessions.captions import captioning
from live_sessions.captions.translator import Translator
from tests.handlers.conftest import LambdaContext, Stage
from tests.handlers.translate_service import TranslateService, translate_service
from tests.patience import OUT_OF_REACH_SECONDS

SPOKEN_AT = 1_792_000_000_000
TEXT = "Good evening, everybody."

LIMITS = (
    "TRANSLATION_LIMIT_SECONDS",
    "PARTIAL_TRANSLATION_LIMIT_SECONDS",
    "POSTING_SECONDS",
    "REMOVING_SECONDS",
)
"""Of a caption; all out of reach, but the one that a test is about."""


@dataclass
class Audience:
    """`stage` with one session; `say` hands a transcript of it to the function."""

    stage: Stage
    service: TranslateService
    entry: ModuleType
    session_id: str
    sequence: int = 0

    def join(self, language: str, listeners: int = 1) -> list[str]:
        """Listeners' rows as joins would have left them."""
        already = self.stage.session(self.session_id)["listenersByLanguage"]
        first = sum(already.values())
        members = [f"listener/{number}+=" for number in range(first, first + listeners)]
        for member in members:
            row = {
                "connectionId": member,
                "role": "listener",
                "sessionId": self.session_id,
                "targetLanguage": language,
                "membershipId": f"membership of {member}",
                "connectedAt": self.stage.connected_at,
                "ttl": self.stage.connected_at // 1000 + 7200,
            }
            self.stage.replace("connections", row)
        by_language = {**already, language: already.get(language, 0) + listeners}
        count = sum(by_language.values())
        self.stage.change(
            "sessions",
            {"sessionId": self.session_id},
            listenerCount=count,
            listenersByLanguage=by_language,
            statusBaseline=count,
        )
        self.stage.sockets.open.update(members)
        return members

    def say(self, text: str = TEXT, **fields: Any) -> None:
        self.sequence += 1
        event = {
            "sessionId": self.session_id,
            "sequence": self.sequence,
            "sourceLanguage": "en",
            "text": text,
            "isPartial": False,
            "spokenAt": SPOKEN_AT,
        }
        self.entry.handler({**event, **fields}, LambdaContext())

    def captions(self, listener: str) -> list[dict[str, Any]]:
        return self.stage.sockets.frames_of(listener, "caption")

    def texts(self, listener: str) -> list[str]:
        return [caption["text"] for caption in self.captions(listener)]


@contextlib.contextmanager
def gathered(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Iterator[Audience]:
    entry = importlib.import_module("translation")
    for limit in LIMITS:
        monkeypatch.setattr(captioning, limit, OUT_OF_REACH_SECONDS)
    with translate_service() as service:
        client = service.client()
        monkeypatch.setattr(
            entry,
            "CAPTIONING",
            dataclasses.replace(entry.CAPTIONING, translator=Translator(lambda: client)),
        )
        session_id = stage.create_session(stage.connect_speaker())
        yield Audience(stage, service, entry, session_id)
