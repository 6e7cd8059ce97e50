"""Amazon Translate on loopback, as far as TranslateText: JSON 1.1 over HTTP, and its errors."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.handlers.loopback import HangUp, Received, serving, status
from tests.handlers.patient_clients import client_at
from tests.patience import OUT_OF_REACH_SECONDS, PATIENCE_SECONDS

INNER_DETAIL = "arn:aws:inner:detail"

Answer = Callable[[dict[str, str]], bytes]


def translated(text: str) -> bytes:
    answer = {"TranslatedText": text, "SourceLanguageCode": "en", "TargetLanguageCode": "es"}
    return status(200, json.dumps(answer).encode())


def refused(code: str, http_status: int = 400) -> bytes:
    error = {"__type": f"com.amazonaws.translate#{code}", "message": INNER_DETAIL}
    return status(http_status, json.dumps(error).encode())


def cut_off() -> bytes:
    raise HangUp(b"HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n{")


@dataclass
class TranslateService:
    """Answers each target language as `answers` says, and else with "[es] original".

    `hanging` ones are answered when `let_go` is set, and refused if it is never set.
    """

    answers: dict[str, Answer] = field(default_factory=dict)
    hanging: set[str] = field(default_factory=set)
    let_go: threading.Event = field(default_factory=threading.Event)
    requests: list[dict[str, str]] = field(default_factory=list)
    url: str = ""

    def answer(self, request: Received) -> bytes:
        assert request.headers["x-amz-target"] == "AWSShineFrontendService_20170701.TranslateText"
        asked: dict[str, str] = json.loads(request.body)
        target = asked["TargetLanguageCode"]
        self.requests.append(asked)
        if target in self.hanging and not self.let_go.wait(PATIENCE_SECONDS):
            return refused("NotLetGo")
        own = self.answers.get(target, lambda asked: translated(f"[{target}] {asked['Text']}"))
        return own(asked)

    def asked(self, target: str) -> list[str]:
        return [each["Text"] for each in self.requests if each["TargetLanguageCode"] == target]

    def client(self, *, read_timeout_seconds: float = OUT_OF_REACH_SECONDS) -> Any:
        return client_at(
            self.url,
            "translate",
            read_timeout_seconds=read_timeout_seconds,
            max_pool_connections=20,
        )


@contextlib.contextmanager
def translate_service() -> Iterator[TranslateService]:
    service = TranslateService()
    with serving(service.answer) as server:
        service.url = server.url
        try:
            yield service
        finally:
            service.let_go.set()
