"""A session with listeners, and the translation function with Translate on loopback."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, cast

from live_sessions.captions.captioning import Captioning, CaptionLimits
from tests.handlers.conftest import LambdaContext, Stage, StageClients
from tests.handlers.translate_service import TranslateService, translate_service
from tests.patience import OUT_OF_REACH_SECONDS

SPOKEN_AT = 1_792_000_000_000
TEXT = "Good evening, everybody."

UNLIMITED = CaptionLimits(
    translation=OUT_OF_REACH_SECONDS,
    partial_translation=OUT_OF_REACH_SECONDS,
    posting=OUT_OF_REACH_SECONDS,
    crowd_posting=OUT_OF_REACH_SECONDS,
    partial_crowd_posting=OUT_OF_REACH_SECONDS,
    removing=OUT_OF_REACH_SECONDS,
)
"""Of a caption's limits a test meets only those that it sets itself."""


class AudienceClients(StageClients):
    """The stage's, with Translate on loopback."""

    def __init__(self, stage: Stage, service: TranslateService) -> None:
        super().__init__(stage)
        self._translate = service.client()

    def translate(self) -> Any:
        return self._translate


@dataclass
class Audience:
    """`stage` with one session; `say` hands a transcript of it to the function."""

    stage: Stage
    service: TranslateService
    captioning: Captioning
    session_id: str
    sequence: int = 0

    def join(self, language: str, listeners: int = 1) -> list[str]:
        """Listeners' rows as joins would have left them."""
        already = self.stage.session(self.session_id)["listenersByLanguage"]
        first = sum(already.values())
        members = [f"listener/{number}+=" for number in range(first, first + listeners)]
        self.stage.fill(
            "connections",
            (
                {
                    "connectionId": member,
                    "role": "listener",
                    "sessionId": self.session_id,
                    "targetLanguage": language,
                    "membershipId": f"membership of {member}",
                    "connectedAt": self.stage.connected_at,
                    "ttl": self.stage.connected_at // 1000 + 7200,
                }
                for member in members
            ),
        )
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
        self.captioning({**event, **fields}, LambdaContext())

    def captions(self, listener: str) -> list[dict[str, Any]]:
        return self.stage.sockets.frames_of(listener, "caption")

    def texts(self, listener: str) -> list[str]:
        return [caption["text"] for caption in self.captions(listener)]


@contextlib.contextmanager
def gathered(stage: Stage) -> Iterator[Audience]:
    with translate_service() as service:
        stage.clients = AudienceClients(stage, service)
        captioning = cast(Captioning, stage.build("translation"))
        session_id = stage.create_session(stage.connect_speaker())
        yield Audience(stage, service, replace(captioning, limits=UNLIMITED), session_id)
