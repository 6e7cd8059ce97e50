"""The line between the handlers and AWS: every attempt of every call passes through one hook."""

from __future__ import annotations

import importlib
import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import unquote

import pytest
from botocore.awsrequest import AWSResponse
from botocore.endpoint import Endpoint
from botocore.exceptions import ReadTimeoutError
from botocore.retries.quota import RetryQuota

from tests.handlers.conftest import Stage

INNER_DETAIL = "arn:aws:inner:detail"
"""In the text of every refusal; no client may ever read it."""


@dataclass(frozen=True)
class Call:
    """An AWS call: `subject` is the table, index, queue, function or socket that it is about."""

    service: str
    operation: str
    subject: str
    conditional: bool = False

    def __str__(self) -> str:
        return f"{self.service} {self.operation} {self.subject}"


class Attempt(Protocol):
    """One attempt of a call; each method gives the answer that the caller is to get."""

    call: Call

    def repeats(self, call: Call) -> bool:
        """Whether this is a further attempt of that call."""
        ...

    def carry_out(self) -> Any: ...

    def accept(self) -> Any:
        """An answer without content."""
        ...

    def refuse(self, code: str, status: int) -> Any: ...

    def lose(self) -> Any: ...


Hook = Callable[[Attempt], Any]


def pass_through(attempt: Attempt) -> Any:
    return attempt.carry_out()


class Line:
    """Calls `hook` for every attempt of every AWS call; botocore's retries stay, their pauses go.

    Lambda's Invoke is recorded among what it starts, TranslateText puts the language before the
    text, everything else is carried out by moto and the stage's sockets.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch, stage: Stage) -> None:
        self.hook: Hook = pass_through
        self._inside = threading.local()
        clients = importlib.import_module("live_sessions.aws.clients")
        monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _: None)
        monkeypatch.setattr(RetryQuota, "acquire", lambda *_, **__: True)
        if "invoke" in vars(clients.lambda_()):
            monkeypatch.delattr(clients.lambda_(), "invoke")
        self._watch_botocore(monkeypatch, stage)
        self._watch_requests(monkeypatch)

    def _conduct(self, attempt: Attempt) -> Any:
        if getattr(self._inside, "a_call", False):
            return attempt.carry_out()
        self._inside.a_call = True
        try:
            return self.hook(attempt)
        finally:
            self._inside.a_call = False

    def _watch_botocore(self, monkeypatch: pytest.MonkeyPatch, stage: Stage) -> None:
        send = Endpoint._get_response
        tokens: set[str] = set()

        def once(token: str, request: Any, send_it: Callable[[], Any]) -> Any:
            """DynamoDB carries a transaction out once for each token; moto does not mind it."""
            if token in tokens:
                return _answer(request, 200, {})
            answered, failure = send_it()
            if answered is not None and answered[0].status_code == 200:
                tokens.add(token)
            return answered, failure

        def get_response(endpoint: Any, request: Any, model: Any, context: Any) -> Any:
            def carry_out() -> Any:
                if model.name == "TransactWriteItems":
                    return once(json.loads(request.body)["ClientRequestToken"], request, send_it)
                if model.name == "TranslateText":
                    asked = json.loads(request.body)
                    text = f"[{asked['TargetLanguageCode']}] {asked['Text']}"
                    return _answer(request, 200, {"TranslatedText": text})
                if model.name != "Invoke":
                    return send_it()
                started = stage.started_by(_call(request, model).subject)
                started.append(json.loads(request.body))
                return _answer(request, 202, {"StatusCode": 202})

            def send_it() -> Any:
                return send(endpoint, request, model, context)

            is_first = not context.get("attempted", False)
            context["attempted"] = True
            return self._conduct(
                _BotocoreAttempt(_call(request, model), is_first, request, carry_out)
            )

        monkeypatch.setattr(Endpoint, "_get_response", get_response)

    def _watch_requests(self, monkeypatch: pytest.MonkeyPatch) -> None:
        aws_http = importlib.import_module("live_sessions.aws.http")
        send = aws_http.AwsHttp.request

        def request(
            http: Any, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] = {}
        ) -> Any:
            call = _request(http.service, method, path, body, headers)
            attempt = _RequestAttempt(
                call, aws_http, lambda: send(http, method, path, body, headers)
            )
            return self._conduct(attempt)

        monkeypatch.setattr(aws_http.AwsHttp, "request", request)


@dataclass
class _RequestAttempt:
    call: Call
    aws_http: Any
    carry_out: Callable[[], Any]

    def repeats(self, call: Call) -> bool:
        return self.call == call

    def accept(self) -> Any:
        return self.aws_http.Response(200, b"")

    def refuse(self, code: str, status: int) -> Any:
        error = {"__type": f"com.amazonaws#{code}", "message": INNER_DETAIL}
        return self.aws_http.Response(status, json.dumps(error).encode())

    def lose(self) -> Any:
        raise self.aws_http.NoAnswer("no answer: timed out", may_have_arrived=True)


@dataclass
class _BotocoreAttempt:
    call: Call
    is_first: bool
    request: Any
    carry_out: Callable[[], Any]

    def repeats(self, call: Call) -> bool:
        return not self.is_first

    def accept(self) -> Any:
        return _answer(self.request, 200, {})

    def refuse(self, code: str, status: int) -> Any:
        answer: dict[str, Any] = {"Error": {"Code": code, "Message": INNER_DETAIL}}
        if code == "TransactionCanceledException":
            answer["CancellationReasons"] = [{"Code": "ConditionalCheckFailed"}]
        return _answer(self.request, status, answer)

    def lose(self) -> Any:
        return None, ReadTimeoutError(endpoint_url=self.request.url)


def _answer(request: Any, status: int, parsed: dict[str, Any]) -> Any:
    """What Endpoint._get_response returns for an answer of the service."""
    metadata = {"HTTPStatusCode": status, "HTTPHeaders": {}, "RetryAttempts": 0}
    answer = parsed | {"ResponseMetadata": metadata}
    return (AWSResponse(request.url, status, {}, None), answer), None


def _call(request: Any, model: Any) -> Call:
    service = model.service_model.service_name
    if service == "lambda":
        return Call(service, model.name, unquote(request.url.split("/")[-2]))
    body = json.loads(request.body)
    if service == "translate":
        return Call(service, model.name, body["TargetLanguageCode"])
    subject = (
        body.get("IndexName") or body.get("TableName") or "+".join(body.get("RequestItems", ()))
    )
    if service == "sqs":
        subject = body["QueueUrl"].rsplit("/", 1)[-1]
    conditional = "ConditionExpression" in body or "TransactItems" in body
    if "TransactItems" in body:
        subject = "+".join(next(iter(item.values()))["TableName"] for item in body["TransactItems"])
    return Call(service, model.name, subject, conditional)


def _request(service: str, method: str, path: str, body: bytes, headers: Mapping[str, str]) -> Call:
    if service == "dynamodb":
        operation = headers["x-amz-target"].rpartition(".")[2]
        return Call(service, operation, json.loads(body)["TableName"])
    return Call(service, method, unquote(path.removeprefix("/@connections/")))
