"""Whether verify finds what was said in the transcript, and leaves nothing of it behind."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import SimpleNamespace
from typing import Any

import pytest

from client.sockets import Frame, FrameMissing
from operations.verify.checks import transcripts
from operations.verify.checks.transcripts import ERASED, TRANSCRIPT, transcript
from operations.verify.context import Context
from operations.verify.verdicts import Result, Verdict
from tests.operations.verify.contexts import Service, context_of

SESSION = "golden-eagle-427"
SENTENCE = "Good evening, everybody."
KEEPING = {"live-sessions:transcripts": "true", "live-sessions:removedRoutes": "[]"}


def early() -> dict[str, Any]:
    return {"type": "error", "code": "TRANSCRIPT_NOT_AVAILABLE", "message": "not yet"}


class Speaker:
    """A speaker whose endSession succeeds, and whose getTranscript has these answers in turn."""

    def __init__(self, *answers: dict[str, Any] | FrameMissing) -> None:
        self._answers = list(answers)
        self.asked: list[str] = []

    def ask(self, action: str, **fields: Any) -> Frame:
        self.asked.append(action)
        if action == "endSession":
            return Frame({"type": "sessionEnded"}, 0.0)
        assert fields["sessionId"] == SESSION
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, FrameMissing):
            raise answer
        return Frame(answer, 0.0)


class RunClients:
    def __init__(self) -> None:
        self.forgotten: list[str] = []

    def untrack(self, session_id: str) -> None:
        self.forgotten.append(session_id)


class WithRegion(Service):
    meta = SimpleNamespace(region_name="eu-central-1")


class Account:
    """A stack whose bucket has two files of one user.

    `row` is the session's, which is no longer in a shard from the look on that is given.
    """

    def __init__(self, row: dict[str, Any] | None = None, *, closed_at_look: int = 99) -> None:
        self.deleted: list[str] = []
        self._row = row
        self._looks, self._closed_at_look = 0, closed_at_look

    def client(self, service: str) -> Any:
        return {"dynamodb": self._dynamodb, "s3": self._s3, "sts": self._sts}[service]()

    def _dynamodb(self) -> Service:
        def deleted(**asked: Any) -> None:
            self.deleted.append("row")

        def found(**asked: Any) -> dict[str, Any]:
            self._looks += 1
            if self._row and self._looks >= self._closed_at_look:
                self._row.pop("activeShard", None)
            return {"Item": self._row} if self._row else {}

        return WithRegion(get_item=found, query={"Items": []}, delete_item=deleted)

    def _s3(self) -> Service:
        def listed(**asked: Any) -> dict[str, Any]:
            if "Delimiter" in asked:
                return {"CommonPrefixes": [{"Prefix": "ada/"}]}
            return {
                "Contents": [{"Key": f"{asked['Prefix']}1/en.{end}"} for end in ("txt", "json")]
            }

        def deleted(**asked: Any) -> dict[str, Any]:
            self.deleted += [each["Key"] for each in asked["Delete"]["Objects"]]
            return {}

        return Service(list_objects_v2=listed, delete_objects=deleted)

    def _sts(self) -> Service:
        return Service(get_caller_identity={"Account": "998877665544"})


@pytest.fixture
def link() -> Iterator[str]:
    """A link to a file with the sentence."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(f"{SENTENCE}\nAnd good night.\n".encode())

        def log_message(self, format: str, *_: object) -> None: ...

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/en.txt"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few waits, which take no time."""
    monkeypatch.setattr(transcripts, "CLOSING_SECONDS", 0.05)
    monkeypatch.setattr(transcripts, "CLOSING_POLL_SECONDS", 0.02)
    waits = transcripts.wait_for_transcript

    def impatient(*arguments: Any, **options: Any) -> Frame:
        return waits(*arguments, **options, timeout_seconds=0.05, poll_seconds=0.02)

    monkeypatch.setattr(transcripts, "wait_for_transcript", impatient)


def checked(
    speaker: Speaker, account: Account, config: dict[str, str] = KEEPING, sentence: str = SENTENCE
) -> tuple[dict[str, Verdict], list[str], Context]:
    """The verdicts by subject, the progress, and the context."""
    said: list[str] = []
    context = context_of(client=account.client, run_clients=RunClients(), config=config)
    object.__setattr__(context, "say", said.append)
    verdicts = list(transcript(context, speaker, SESSION, sentence))  # pyright: ignore
    return {each.subject: each for each in verdicts}, said, context


def test_a_transcript_with_the_sentence_is_right_and_is_erased(link: str) -> None:
    account, speaker = Account(), Speaker(early(), {"type": "transcript", "url": link})
    found, said, context = checked(speaker, account)
    assert {each.result for each in found.values()} == {Result.RIGHT}
    assert found[TRANSCRIPT].seen == f"2 lines, among them {SENTENCE!r}"
    assert found[ERASED].seen == "2 files and 0 captions were erased"
    assert len(account.deleted) == 2
    assert speaker.asked[0] == "endSession"
    assert context.clients.forgotten == [SESSION]  # pyright: ignore
    assert len(said) == 1
    assert "waiting for the transcript" in said[0]


def test_a_transcript_without_the_sentence_is_wrong_and_is_erased_too(link: str) -> None:
    account = Account()
    found, _, _ = checked(
        Speaker({"type": "transcript", "url": link}), account, sentence="Something else."
    )
    assert found[TRANSCRIPT].result is Result.WRONG
    assert found[ERASED].result is Result.RIGHT
    assert len(account.deleted) == 2


def test_a_transcript_that_is_never_written_is_wrong_and_names_how_to_erase_the_session() -> None:
    closing = {"endedAt": {"N": "1"}, "activeShard": {"S": "1"}}
    found, _, _ = checked(Speaker(early()), Account(row=closing))
    assert found[TRANSCRIPT].result is Result.WRONG
    assert "TRANSCRIPT_NOT_AVAILABLE" in found[TRANSCRIPT].seen
    assert found[ERASED].result is Result.NOT_CHECKED
    assert f"make erase STACK=staging SESSION={SESSION}" in found[ERASED].way_out


def test_a_session_that_is_just_being_closed_is_erased_a_moment_later(link: str) -> None:
    account = Account(row={"endedAt": {"N": "1"}, "activeShard": {"S": "1"}}, closed_at_look=2)
    found, _, _ = checked(Speaker({"type": "transcript", "url": link}), account)
    assert found[ERASED].result is Result.RIGHT
    assert account.deleted[-1] == "row"


def test_another_refusal_is_not_waited_for() -> None:
    speaker = Speaker({"type": "error", "code": "UNAUTHORIZED_ACTION", "message": "not yours"})
    found, said, _ = checked(speaker, Account())
    assert "UNAUTHORIZED_ACTION: not yours" in found[TRANSCRIPT].seen
    assert said == []


def test_a_question_without_an_answer_is_wrong_and_the_session_is_erased() -> None:
    account = Account()
    found, _, _ = checked(Speaker(FrameMissing("nothing came")), account)
    assert found[TRANSCRIPT].result is Result.WRONG
    assert found[ERASED].result is Result.RIGHT


def test_a_link_that_leads_nowhere_is_wrong() -> None:
    nowhere = {"type": "transcript", "url": "http://127.0.0.1:9/en.txt"}
    found, _, _ = checked(Speaker(nowhere), Account())
    assert found[TRANSCRIPT].result is Result.WRONG
    assert "its link cannot be read" in found[TRANSCRIPT].seen


@pytest.mark.parametrize(
    ("config", "why"),
    [
        ({**KEEPING, "live-sessions:transcripts": "false"}, "the stack keeps no transcripts"),
        ({**KEEPING, "live-sessions:removedRoutes": '["getTranscript"]'}, "is removed"),
    ],
    ids=["transcripts are off", "the action is removed"],
)
def test_where_there_can_be_none_it_is_not_tried(config: dict[str, str], why: str) -> None:
    speaker = Speaker(early())
    found, _, _ = checked(speaker, Account(), config)
    assert {each.result for each in found.values()} == {Result.NOT_TRIED}
    assert why in found[TRANSCRIPT].seen
    assert speaker.asked == []
