"""Amazon Translate on loopback, as far as TranslateText: JSON 1.1 over HTTP, and its errors."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from botocore.config import Config
from botocore.session import Session

from tests.handlers.loopback import HangUp, Received, serving, status

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

    `delay_seconds` is by target language, `hanging` ones are answered when `let_go` is set.
    """

    answers: dict[str, Answer] = field(default_factory=dict)
    delay_seconds: dict[str, float] = field(default_factory=dict)
    hanging: set[str] = field(default_factory=set)
    let_go: threading.Event = field(default_factory=threading.Event)
    requests: list[dict[str, str]] = field(default_factory=list)
    url: str = ""

    def answer(self, request: Received) -> bytes:
        assert request.headers["x-amz-target"] == "AWSShineFrontendService_20170701.TranslateText"
        asked: dict[str, str] = json.loads(request.body)
        target = asked["TargetLanguageCode"]
        self.requests.append(asked)
        time.sleep(self.delay_seconds.get(target, 0))
        if target in self.hanging:
            self.let_go.wait(30)
        own = self.answers.get(target, lambda asked: translated(f"[{target}] {asked['Text']}"))
        return own(asked)

    def asked(self, target: str) -> list[str]:
        return [each["Text"] for each in self.requests if each["TargetLanguageCode"] == target]

    def client(self, *, timeout_seconds: float = 1.5) -> Any:
        """A client as aws/clients.py builds it, but for its address."""
        return Session().create_client(
            "translate",
            region_name="eu-central-1",
            endpoint_url=self.url,
            aws_access_key_id="testing",
            aws_secret_access_key="testing",
            config=Config(
                connect_timeout=1,
                read_timeout=timeout_seconds,
                retries={"mode": "standard", "total_max_attempts": 1},
                max_pool_connections=20,
            ),
        )


@contextlib.contextmanager
def translate_service() -> Iterator[TranslateService]:
    service = TranslateService()
    with serving(service.answer) as server:
        service.url = server.url
        yield service
        service.let_go.set()
