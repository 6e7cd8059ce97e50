"""The line between the handlers and AWS: every attempt of every call passes through one hook."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from botocore.exceptions import ReadTimeoutError

from live_sessions.aws.clients import Clients
from live_sessions.aws.http import NO_HEADERS, AwsHttp, NoAnswer, Response
from live_sessions.aws.runtime import AwsEnvironment, read_environment
from tests.handlers.conftest import Stage
from tests.handlers.direct_moto import Reply, queues
from tests.handlers.environment import ENVIRONMENT
from tests.handlers.faults.direct_client import DirectClient
from tests.handlers.faults.dynamodb import DynamoDB

INNER_DETAIL = "arn:aws:inner:detail"
"""In the text of every error; no client may ever read it."""


@dataclass(frozen=True)
class Call:
    """An AWS call: `subject` is the table, index, queue, function or socket that it is about."""

    service: str
    operation: str
    subject: str
    conditional: bool = False

    def __str__(self) -> str:
        return f"{self.service} {self.operation} {self.subject}"


class Lost(Exception):
    """The caller gets no response in time."""


@dataclass(frozen=True)
class Attempt:
    """One attempt of a call; each method returns the reply that the caller gets, or raises Lost.

    `number` counts a client's own attempts from 1 on; None where the handlers retry themselves.
    `parameters` are DynamoDB's.
    """

    call: Call
    number: int | None
    carry_out: Callable[[], Reply]
    parameters: Mapping[str, Any] = field(default_factory=dict[str, Any])

    def repeats(self, call: Call) -> bool:
        """Whether this is a further attempt of that call."""
        return self.call == call if self.number is None else self.number > 1

    def accept(self) -> Reply:
        """A reply without content."""
        return Reply(200, {})

    def refuse(self, code: str, status: int) -> Reply:
        """An error of the service."""
        content: dict[str, Any] = {"Error": {"Code": code, "Message": INNER_DETAIL}}
        if code == "TransactionCanceledException":
            content["CancellationReasons"] = [{"Code": "ConditionalCheckFailed"}]
        return Reply(status, content)

    def lose(self) -> Reply:
        raise Lost


Hook = Callable[[Attempt], Reply]


def pass_through(attempt: Attempt) -> Reply:
    return attempt.carry_out()


class Line:
    """Calls `hook` for every attempt of every AWS call that the stage's handlers make.

    Lambda's Invoke is recorded among what it starts, and TranslateText puts the language before the
    text. Items are in `dynamodb`, messages in moto's queues.
    """

    def __init__(self, stage: Stage, dynamodb: DynamoDB) -> None:
        self.hook: Hook = pass_through
        self._stage = stage
        self.dynamodb = dynamodb
        self._tokens: set[str] = set()
        stage.clients = LineClients(self)
        stage.dynamodb = DirectClient(
            "dynamodb",
            1,
            lambda _, operation, request, __: self.dynamodb.carry_out(operation, request),
        )

    def send(self, service: str, operation: str, parameters: dict[str, Any], number: int) -> Reply:
        """An attempt by one of botocore's clients."""
        call = _call(service, operation, parameters)
        attempt = Attempt(
            call,
            number,
            lambda: self._carry_out(call, parameters),
            parameters if service == "dynamodb" else {},
        )
        try:
            return self.hook(attempt)
        except Lost:
            raise ReadTimeoutError(endpoint_url=f"https://{service}") from None

    def request(
        self, service: str, method: str, path: str, body: bytes, headers: Mapping[str, str]
    ) -> Response:
        """An attempt by the handlers' own HTTP client."""
        if service == "dynamodb":
            operation, parameters = headers["x-amz-target"].rpartition(".")[2], json.loads(body)
            call = Call(service, operation, parameters["TableName"])
            attempt = Attempt(call, None, lambda: self._carry_out(call, parameters), parameters)
        else:
            connection_id = unquote(path.removeprefix("/@connections/"))
            attempt = Attempt(
                Call(service, method, connection_id),
                None,
                lambda: Reply(self._stage.sockets.answer(method, connection_id, body), {}),
            )
        try:
            status, content = self.hook(attempt)
        except Lost:
            raise NoAnswer("no answer: timed out", may_have_arrived=True) from None
        if "Error" in content:
            error = content["Error"]
            content = {"__type": f"com.amazonaws#{error['Code']}", "message": error["Message"]}
        return Response(status, json.dumps(content).encode())

    def _carry_out(self, call: Call, parameters: dict[str, Any]) -> Reply:
        match call.operation:
            case "TransactWriteItems":
                return self._once(parameters)
            case "SendMessage":
                _send_message(call.subject, parameters)
                return Reply(200, {})
            case "SendMessageBatch":
                for entry in parameters["Entries"]:
                    _send_message(call.subject, entry)
                return Reply(200, {"Successful": [], "Failed": []})
            case "TranslateText":
                text = f"[{parameters['TargetLanguageCode']}] {parameters['Text']}"
                return Reply(200, {"TranslatedText": text})
            case "Invoke":
                assert parameters["InvocationType"] == "Event"
                self._stage.started_by(call.subject).append(json.loads(parameters["Payload"]))
                return Reply(202, {"StatusCode": 202})
            case _:
                return self.dynamodb.carry_out(call.operation, parameters)

    def _once(self, parameters: dict[str, Any]) -> Reply:
        """DynamoDB carries a transaction out once for each token."""
        token = parameters["ClientRequestToken"]
        if token in self._tokens:
            return Reply(200, {})
        reply = self.dynamodb.carry_out("TransactWriteItems", parameters)
        if reply.status == 200:
            self._tokens.add(token)
        return reply


class InlineExecutor(Executor):
    """Runs what is submitted at once, in the thread that submits it."""

    def __init__(self, max_workers: int) -> None:
        pass

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as failure:
            future.set_exception(failure)
        return future


class LineClients(Clients):
    """The clients at the handlers' end of the line; what they do at once is done in turn."""

    threads = InlineExecutor

    def __init__(self, line: Line) -> None:
        super().__init__(read_environment(AwsEnvironment, ENVIRONMENT))
        self._line = line

    def http(self, endpoint: str, service: str, *, timeout_seconds: float) -> AwsHttp:
        return LineHttp(service, self._line)

    def _client(self, service: str, *, attempts: int, **_: Any) -> Any:
        key = (service, attempts)
        return self._kept(key, lambda: DirectClient(service, attempts, self._line.send))


class LineHttp(AwsHttp):
    """An endpoint at the other end of the line."""

    def __init__(self, service: str, line: Line) -> None:
        self.service = service
        self._line = line

    def request(
        self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] = NO_HEADERS
    ) -> Response:
        return self._line.request(self.service, method, path, body, headers)


def _send_message(queue: str, message: Mapping[str, Any]) -> None:
    queues().send_message(queue, message["MessageBody"], delay_seconds=message.get("DelaySeconds"))


def _call(service: str, operation: str, parameters: Mapping[str, Any]) -> Call:
    match service:
        case "lambda":
            return Call(service, operation, parameters["FunctionName"])
        case "translate":
            return Call(service, operation, parameters["TargetLanguageCode"])
        case "sqs":
            return Call(service, operation, parameters["QueueUrl"].rsplit("/", 1)[-1])
        case _:
            return _dynamodb_call(operation, parameters)


def _dynamodb_call(operation: str, parameters: Mapping[str, Any]) -> Call:
    if "TransactItems" in parameters:
        changes = [next(iter(item.values())) for item in parameters["TransactItems"]]
        subject = "+".join(change["TableName"] for change in changes)
        return Call("dynamodb", operation, subject, conditional=True)
    subject = (
        parameters.get("IndexName")
        or parameters.get("TableName")
        or "+".join(parameters["RequestItems"])
    )
    return Call("dynamodb", operation, subject, "ConditionExpression" in parameters)
