"""A botocore client without its serialization: errors, retries and pages as botocore has them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from types import SimpleNamespace
from typing import Any

from botocore import xform_name
from botocore.exceptions import BotoCoreError
from botocore.model import OperationModel
from botocore.retries.standard import RetryContext, StandardRetryConditions

from tests.handlers.conftest import client
from tests.handlers.direct_moto import Reply

Send = Callable[[str, str, dict[str, Any], int], Reply]
"""One attempt: service, operation, parameters, and the attempt's number from 1 on.

Raises BotoCoreError if there is no response.
"""


class DirectClient:
    """Has the operations of the service as methods; each makes up to `attempts` attempts.

    There are no pauses between attempts, and no quota of retries.
    """

    def __init__(self, service: str, attempts: int, send: Send) -> None:
        self.exceptions = client(service).exceptions
        self._service = service
        self._send = send
        self._conditions = StandardRetryConditions(max_attempts=attempts)

    def __getattr__(self, method: str) -> Callable[..., dict[str, Any]]:
        operation = _operations(self._service).get(method)
        if operation is None:
            raise AttributeError(f"{self._service} has no operation {method}")

        def call(**parameters: Any) -> dict[str, Any]:
            return self._call(operation, parameters)

        setattr(self, method, call)
        return call

    def get_paginator(self, method: str) -> DynamoDBPaginator:
        """Pages of a DynamoDB query or scan."""
        return DynamoDBPaginator(getattr(self, method))

    def _call(self, operation: OperationModel, parameters: dict[str, Any]) -> dict[str, Any]:
        attempts = 0
        while True:
            attempts += 1
            reply = failure = None
            try:
                reply = self._send(self._service, operation.name, parameters, attempts)
            except BotoCoreError as problem:
                failure = problem
            if not self._is_worth_a_retry(operation, attempts, reply, failure):
                break
        if reply is None:
            raise failure or AssertionError("neither a response nor a failure")
        metadata = {"HTTPStatusCode": reply.status, "RetryAttempts": attempts - 1}
        response = reply.content | {"ResponseMetadata": metadata}
        if reply.status >= 300:
            raise self.exceptions.from_code(response["Error"]["Code"])(response, operation.name)
        return response

    def _is_worth_a_retry(
        self,
        operation: OperationModel,
        attempts: int,
        reply: Reply | None,
        failure: BotoCoreError | None,
    ) -> bool:
        if reply is not None and reply.status < 300:
            return False
        context = RetryContext(
            attempt_number=attempts,
            operation_model=operation,
            parsed_response=reply and reply.content,
            http_response=reply and SimpleNamespace(status_code=reply.status, headers={}),
            caught_exception=failure,
        )
        return self._conditions.is_retryable(context)


@dataclass(frozen=True)
class DynamoDBPaginator:
    """Reads one page after another, as botocore's paginator does."""

    read: Callable[..., dict[str, Any]]

    def paginate(self, **parameters: Any) -> Iterator[dict[str, Any]]:
        page_size = parameters.pop("PaginationConfig", {}).get("PageSize")
        if page_size is not None:
            parameters["Limit"] = page_size
        while True:
            page = self.read(**parameters)
            yield page
            if "LastEvaluatedKey" not in page:
                return
            parameters["ExclusiveStartKey"] = page["LastEvaluatedKey"]


@cache
def _operations(service: str) -> dict[str, OperationModel]:
    """The service's operations by the names of botocore's methods."""
    model = client(service).meta.service_model
    return {xform_name(name): model.operation_model(name) for name in model.operation_names}
