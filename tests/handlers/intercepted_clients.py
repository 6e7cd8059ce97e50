"""AWS clients through which a test sees a call first: it may fail it, delay it or change it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError, EndpointConnectionError, ReadTimeoutError

from live_sessions.aws.http import NO_HEADERS, AwsHttp, Response
from tests.handlers.conftest import Stage, StageClients

TIMED_OUT = ReadTimeoutError(endpoint_url="https://aws")
UNREACHABLE = EndpointConnectionError(endpoint_url="https://aws")


def refusal(code: str, http_status: int = 400) -> ClientError:
    """AWS's answer to a call that it does not carry out."""
    response: Any = {
        "Error": {"Code": code},
        "ResponseMetadata": {"HTTPStatusCode": http_status},
    }
    return ClientError(response, "Call")


THROTTLED = refusal("ThrottlingException")


@dataclass(frozen=True)
class Call:
    """A call of a client: its parameters, and `carry_out` to make it as it is.

    `client` is botocore's own, or None for a call without botocore.
    """

    operation: str
    request: Mapping[str, Any]
    carry_out: Callable[[], Any]
    client: Any = None

    def carry_out_as_is(self) -> Any:
        """A response, to see the calls alone."""
        return self.carry_out()


Respond = Callable[[Call], Any]
"""Returns the call's result, or raises its failure."""


@dataclass
class Interception:
    """`times` is how many calls it still applies to; None: to all of them."""

    operation: str
    respond: Respond
    request: Mapping[str, Any]
    times: int | None
    calls: list[Call] = field(default_factory=list)

    def applies_to(self, call: Call) -> bool:
        return (
            self.operation == call.operation
            and self.times != 0
            and self.request.items() <= call.request.items()
        )

    def take(self, call: Call) -> Any:
        if self.times is not None:
            self.times -= 1
        self.calls.append(call)
        return self.respond(call)


class InterceptedClients(StageClients):
    """The stage's clients; calls that no interception applies to are carried out as they are."""

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage)
        self._interceptions: list[Interception] = []

    @contextmanager
    def intercept(
        self, operation: str, respond: Respond, *, times: int | None = None, **request: Any
    ) -> Iterator[list[Call]]:
        """Let `respond` answer an operation (`update_item`) whose parameters include `request`.

        Yields the calls that it answered.
        """
        interception = Interception(operation, respond, request, times)
        self._interceptions.append(interception)
        try:
            yield interception.calls
        finally:
            self._interceptions.remove(interception)

    def make(self, call: Call) -> Any:
        for interception in self._interceptions:
            if interception.applies_to(call):
                return interception.take(call)
        return call.carry_out()

    def dynamodb(self, **options: Any) -> Any:
        return InterceptedClient(super().dynamodb(**options), self)

    def fail_fast_dynamodb(self, timeout_seconds: float) -> Any:
        return InterceptedClient(super().fail_fast_dynamodb(timeout_seconds), self)

    def lambda_(self) -> Any:
        return InterceptedClient(super().lambda_(), self)

    def lambda_at_most_once(self, timeout_seconds: float, *, connections: int = 10) -> Any:
        client = super().lambda_at_most_once(timeout_seconds, connections=connections)
        return InterceptedClient(client, self)

    def translate(self) -> Any:
        return InterceptedClient(super().translate(), self)

    def sqs(self, **options: Any) -> Any:
        return InterceptedClient(super().sqs(**options), self)

    def http(self, endpoint: str, service: str, *, timeout_seconds: float) -> AwsHttp:
        """Its calls are operations named like the service: `dynamodb`, `execute-api`."""
        http = super().http(endpoint, service, timeout_seconds=timeout_seconds)
        return InterceptedHttp(http, self)


class InterceptedClient:
    """A client of botocore."""

    def __init__(self, client: Any, clients: InterceptedClients) -> None:
        self._client = client
        self._clients = clients

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self._client, name)
        if name in ("meta", "exceptions"):
            return attribute
        return lambda **request: self._clients.make(
            Call(name, request, lambda: attribute(**request), self._client)
        )

    def get_paginator(self, operation: str) -> Any:
        return InterceptedPaginator(operation, self._client, self._clients)


class InterceptedPaginator:
    """Reads all pages as one call."""

    def __init__(self, operation: str, client: Any, clients: InterceptedClients) -> None:
        self._operation = operation
        self._client = client
        self._clients = clients

    def paginate(self, **request: Any) -> Any:
        paginator = self._client.get_paginator(self._operation)
        return self._clients.make(
            Call(self._operation, request, lambda: paginator.paginate(**request), self._client)
        )


class InterceptedHttp(AwsHttp):
    """A client without botocore."""

    def __init__(self, http: AwsHttp, clients: InterceptedClients) -> None:
        self.service = http.service
        self._http = http
        self._clients = clients

    def request(
        self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] = NO_HEADERS
    ) -> Response:
        return self._clients.make(
            Call(
                self.service,
                {"method": method, "path": path, "body": body, "headers": headers},
                lambda: self._http.request(method, path, body, headers),
            )
        )


def intercepted(stage: Stage) -> InterceptedClients:
    """Give the stage such clients, for the handlers that it has not built yet."""
    assert not stage.entries, "the handlers have other clients already"
    clients = InterceptedClients(stage)
    stage.clients = clients
    return clients


# ---- Responses


def fail_with(failure: Exception) -> Respond:
    """The call is not carried out."""

    def respond(_: Call) -> Any:
        raise failure

    return respond


def after(happens: Callable[[], object]) -> Respond:
    """Something happens just before the call is carried out."""

    def respond(call: Call) -> Any:
        happens()
        return call.carry_out()

    return respond


def lose_response(happens: Callable[[], object] = lambda: None) -> Respond:
    """The call is carried out, its response is lost, and something happens.

    Then botocore repeats the call, if its client makes more than one attempt.
    """

    def respond(call: Call) -> Any:
        if call.client.meta.config.retries["total_max_attempts"] == 1:
            call.carry_out()
            happens()
            raise TIMED_OUT
        first_attempts: list[object] = []

        def repeat_once(**_: Any) -> int | None:
            """The pause before the next attempt, or None to make no further one."""
            if first_attempts:
                return None
            first_attempts.append(call)
            happens()
            return 0

        event = "needs-retry.dynamodb"
        call.client.meta.events.register_first(event, repeat_once)
        try:
            return call.carry_out()
        finally:
            call.client.meta.events.unregister(event, repeat_once)
            assert first_attempts, "botocore did not ask whether to repeat the call"

    return respond
