"""Transcripts on their way to the pipeline: in order, none twice, none that holds up the rest."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from live_sessions.aws.runtime import Clock
from live_sessions.captions.transcripts import (
    ATTEMPTS,
    RETRIED_SECONDS,
    Pipeline,
    Transcript,
    TranscriptQueue,
    read_transcript,
)
from tests.handlers.loopback import HangUp, Loopback, Received, serving, status
from tests.handlers.patient_clients import client_at
from tests.patience import OUT_OF_REACH_SECONDS, PATIENCE_SECONDS, wait_until

FUNCTION = "live-sessions-test-translation"
SECRET_TEXT = "what only the listeners may read"


STANDING = Clock(now_ms=lambda: 0, sleep=lambda seconds: None)
"""No attempt is ever too late."""


def transcript(sequence: int, *, is_partial: bool = False) -> Transcript:
    return Transcript(
        session_id="quiet-river-123",
        sequence=sequence,
        source_language="en",
        text=f"{SECRET_TEXT} {sequence}",
        is_partial=is_partial,
        spoken_at=1_800_000_000_000,
    )


def succeeded() -> bytes:
    return status(200, b"null")


def failed() -> bytes:
    head, body = b"HTTP/1.1 200 OK\r\nx-amz-function-error: Unhandled\r\n", SECRET_TEXT.encode()
    return head + f"content-length: {len(body)}\r\n\r\n".encode() + body


def refused(http_status: int, code: str) -> Callable[[], bytes]:
    head = f"HTTP/1.1 {http_status} Status\r\nx-amzn-errortype: {code}\r\ncontent-length: 2\r\n\r\n"
    return lambda: head.encode() + b"{}"


def cut_off() -> bytes:
    raise HangUp(b"HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n{")


def hung_up() -> bytes:
    raise HangUp


@dataclass
class LambdaService:
    """Answers one invocation after the other as `answers` says, then with success."""

    answers: list[Callable[[], bytes]] = field(default_factory=list)
    received: list[dict[str, Any]] = field(default_factory=list)
    let_go: threading.Event = field(default_factory=threading.Event)

    def answer(self, request: Received) -> bytes:
        assert request.path == f"/2015-03-31/functions/{FUNCTION}/invocations"
        assert request.headers.get("x-amz-invocation-type") in (None, "RequestResponse")
        self.received.append(json.loads(request.body))
        return self.answers.pop(0)() if self.answers else succeeded()

    def late(self) -> bytes:
        self.let_go.wait(PATIENCE_SECONDS)
        return succeeded()


@pytest.fixture
def service() -> LambdaService:
    return LambdaService()


@pytest.fixture
def server(service: LambdaService) -> Iterator[Loopback]:
    with serving(service.answer) as server:
        yield server
        service.let_go.set()


@pytest.fixture
def sender(server: Loopback) -> Pipeline:
    return sender_to(server)


def sender_to(
    server: Loopback, *, read_timeout_seconds: float = OUT_OF_REACH_SECONDS, clock: Clock = STANDING
) -> Pipeline:
    client = client_at(server.url, "lambda", read_timeout_seconds=read_timeout_seconds)
    return Pipeline(client, FUNCTION, clock)


def test_a_transcript_is_what_the_pipeline_is_promised(
    sender: Pipeline, service: LambdaService, capsys: pytest.CaptureFixture[str]
) -> None:
    sender.send(transcript(7))
    (payload,) = service.received
    assert read_transcript(payload) == transcript(7)
    assert "TranscriptsFailed" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("answer", "attempts"),
    [
        (failed, 1),
        (refused(429, "TooManyRequestsException"), ATTEMPTS),
        (refused(500, "ServiceException"), 1),
        (refused(403, "AccessDeniedException"), 1),
        (refused(404, "ResourceNotFoundException"), 1),
        (cut_off, 1),
        (hung_up, 1),
    ],
    ids=[
        "function error",
        "throttled",
        "broken",
        "denied",
        "no such function",
        "cut off",
        "hung up",
    ],
)
def test_a_transcript_that_fails_is_counted_and_given_up_and_never_in_the_log(
    sender: Pipeline,
    service: LambdaService,
    answer: Callable[[], bytes],
    attempts: int,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    service.answers = [answer] * attempts
    sender.send(transcript(7))
    assert len(service.received) == attempts
    printed = capsys.readouterr().out.replace(" ", "")
    assert printed.count('"TranscriptsFailed":[1.0]') == 1
    (record,) = map(vars, caplog.records)
    assert (record["session"], record["caption"]) == ("quiet-river-123", 7)
    assert SECRET_TEXT not in f"{record}{caplog.text}"


def test_one_that_was_refused_for_the_rate_is_sent_again(
    sender: Pipeline, service: LambdaService, capsys: pytest.CaptureFixture[str]
) -> None:
    throttled = refused(429, "TooManyRequestsException")
    service.answers = [throttled] * (ATTEMPTS - 1)
    sender.send(transcript(7))
    assert len(service.received) == ATTEMPTS
    assert "TranscriptsFailed" not in capsys.readouterr().out


def test_one_that_timed_out_is_not_sent_again(
    server: Loopback, service: LambdaService, capsys: pytest.CaptureFixture[str]
) -> None:
    service.answers = [service.late]
    sender_to(server, read_timeout_seconds=0.2).send(transcript(7))
    wait_until(lambda: service.received)
    sender_to(server).send(transcript(8))
    assert [payload["sequence"] for payload in service.received] == [7, 8]
    assert capsys.readouterr().out.replace(" ", "").count('"TranscriptsFailed":[1.0]') == 1


def test_a_partial_one_is_sent_once_and_not_counted(
    sender: Pipeline, service: LambdaService, capsys: pytest.CaptureFixture[str]
) -> None:
    service.answers = [refused(429, "TooManyRequestsException")]
    sender.send(transcript(7, is_partial=True))
    assert len(service.received) == 1
    assert "TranscriptsFailed" not in capsys.readouterr().out


# ---- the queue


@dataclass
class Outlet:
    """Where a queue sends to; a sending waits while `gate` is closed."""

    sent: list[Transcript] = field(default_factory=list)
    gate: threading.Event = field(default_factory=threading.Event)
    begun: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    failing: set[int] = field(default_factory=set)

    def send(self, one: Transcript) -> None:
        self.begun.release()
        assert self.gate.wait(PATIENCE_SECONDS)
        if one.sequence in self.failing:
            raise RuntimeError(SECRET_TEXT)
        self.sent.append(one)

    def numbers(self) -> list[tuple[int, bool]]:
        return [(each.sequence, each.is_partial) for each in self.sent]


@pytest.fixture
def outlet() -> Outlet:
    return Outlet()


@pytest.fixture
def captions(outlet: Outlet) -> Iterator[TranscriptQueue]:
    before = set(threading.enumerate())
    captions = TranscriptQueue(outlet.send, closing_seconds=OUT_OF_REACH_SECONDS)
    yield captions
    outlet.gate.set()
    captions.close()
    assert set(threading.enumerate()) <= before


def test_final_ones_are_all_sent_in_their_order(captions: TranscriptQueue, outlet: Outlet) -> None:
    for sequence in range(50):
        captions.add(transcript(sequence))
    assert not captions.is_idle()
    outlet.gate.set()
    wait_until(captions.is_idle)
    assert outlet.numbers() == [(sequence, False) for sequence in range(50)]


def test_one_is_sent_at_a_time(captions: TranscriptQueue, outlet: Outlet) -> None:
    captions.add(transcript(1))
    captions.add(transcript(2))
    assert outlet.begun.acquire(timeout=PATIENCE_SECONDS)
    assert not outlet.begun.acquire(timeout=0.05)


def test_of_partial_ones_that_come_meanwhile_the_latest_is_sent(
    captions: TranscriptQueue, outlet: Outlet
) -> None:
    captions.add(transcript(1, is_partial=True))
    assert outlet.begun.acquire(timeout=PATIENCE_SECONDS)
    for sequence in (2, 3, 4):
        captions.add(transcript(sequence, is_partial=True))
    outlet.gate.set()
    wait_until(lambda: len(outlet.sent) == 2)
    assert outlet.numbers() == [(1, True), (4, True)]


def test_a_partial_one_is_dropped_for_the_final_one_that_it_grew_into(
    captions: TranscriptQueue, outlet: Outlet
) -> None:
    captions.add(transcript(1))
    assert outlet.begun.acquire(timeout=PATIENCE_SECONDS)
    captions.add(transcript(2, is_partial=True))
    captions.add(transcript(2))
    outlet.gate.set()
    wait_until(captions.is_idle)
    assert outlet.numbers() == [(1, False), (2, False)]


def test_final_ones_go_before_a_partial_one(captions: TranscriptQueue, outlet: Outlet) -> None:
    captions.add(transcript(1))
    assert outlet.begun.acquire(timeout=PATIENCE_SECONDS)
    captions.add(transcript(2))
    captions.add(transcript(3, is_partial=True))
    outlet.gate.set()
    wait_until(lambda: len(outlet.sent) == 3)
    assert outlet.numbers() == [(1, False), (2, False), (3, True)]


def test_an_unforeseen_failure_costs_only_its_transcript(
    captions: TranscriptQueue,
    outlet: Outlet,
    capsys: pytest.CaptureFixture[str],
) -> None:
    outlet.failing = {2}
    for sequence in (1, 2, 3):
        captions.add(transcript(sequence))
    outlet.gate.set()
    wait_until(captions.is_idle)
    assert outlet.numbers() == [(1, False), (3, False)]
    assert capsys.readouterr().out.replace(" ", "").count('"TranscriptsFailed":[1.0]') == 1


def test_what_is_left_when_it_is_closed_is_given_up_and_counted(
    outlet: Outlet, capsys: pytest.CaptureFixture[str]
) -> None:
    captions = TranscriptQueue(outlet.send, closing_seconds=0)
    captions.add(transcript(1))
    assert outlet.begun.acquire(timeout=PATIENCE_SECONDS)
    captions.add(transcript(2))
    captions.add(transcript(3))
    captions.add(transcript(4, is_partial=True))
    captions.close()
    outlet.gate.set()
    wait_until(captions.is_idle)
    assert outlet.numbers() == [(1, False)]
    assert capsys.readouterr().out.replace(" ", "").count('"TranscriptsFailed":[2.0]') == 1
    captions.add(transcript(5))
    assert outlet.numbers() == [(1, False)]


def test_it_is_not_idle_while_one_is_being_sent(captions: TranscriptQueue, outlet: Outlet) -> None:
    assert captions.is_idle()
    captions.add(transcript(1))
    assert outlet.begun.acquire(timeout=PATIENCE_SECONDS)
    assert not captions.is_idle()
    outlet.gate.set()
    wait_until(captions.is_idle)


@pytest.mark.parametrize(
    ("stood_still_seconds", "attempts"), [(RETRIED_SECONDS - 0.1, 2), (RETRIED_SECONDS, 1)]
)
def test_a_transcript_that_stood_still_with_its_function_is_not_sent_again(
    server: Loopback, service: LambdaService, stood_still_seconds: float, attempts: int
) -> None:
    """Lambda freezes a thread that its handler leaves behind; others have been captioned since."""
    now_ms = [0]

    def freeze() -> bytes:
        now_ms[0] = round(stood_still_seconds * 1000)
        return refused(429, "TooManyRequestsException")()

    clock = Clock(now_ms=lambda: now_ms[0], sleep=lambda seconds: None)
    service.answers.append(freeze)
    sender_to(server, clock=clock).send(transcript(7))
    assert len(service.received) == attempts
