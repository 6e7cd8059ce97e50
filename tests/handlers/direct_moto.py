"""A short way to tables in this process, moto's or others: no signing and no HTTP messages.

DynamoDB changes an item atomically; moto's changes from two threads can undo each other, so one
call is carried out at a time.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any, NamedTuple

import msgspec
import pytest
from botocore import xform_name
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.endpoint import Endpoint
from moto.core.exceptions import JsonRESTError, ServiceException
from moto.core.models import DEFAULT_ACCOUNT_ID, botocore_stubber
from moto.dynamodb.responses import DynamoHandler
from moto.sqs.models import SQSBackend, sqs_backends

from tests.handlers.environment import REGION

_one_by_one = threading.RLock()


class Reply(NamedTuple):
    """A service's response to one attempt of a call, parsed as botocore parses it."""

    status: int
    content: dict[str, Any]


def queues() -> SQSBackend:
    """moto's queues."""
    return sqs_backends[DEFAULT_ACCOUNT_ID][REGION]


def intercept(
    monkeypatch: pytest.MonkeyPatch, dynamodb: Callable[[str, Mapping[str, Any]], Reply]
) -> None:
    """Let `dynamodb` respond to botocore's clients of DynamoDB, and moto to all others.

    botocore's retries stay.
    """
    original: Any = Endpoint
    create_request, get_response = original.create_request, original._do_get_response

    def bare_request(endpoint: Any, parameters: Any, model: Any = None) -> Any:
        if model is None or model.service_model.service_name != "dynamodb":
            return create_request(endpoint, parameters, model)
        return SimpleNamespace(
            url=parameters["url"], body=parameters["body"], reset_stream=lambda: None
        )

    def respond(endpoint: Any, request: Any, model: Any, context: Any) -> Any:
        if model.service_model.service_name != "dynamodb":
            return get_response(endpoint, request, model, context)
        status, content = dynamodb(model.name, json.loads(request.body))
        metadata = {"HTTPStatusCode": status, "HTTPHeaders": {}, "RetryAttempts": 0}
        http: Any = AWSResponse(request.url, status, HTTPHeaders(), None)
        http._content = b""
        return (http, content | {"ResponseMetadata": metadata}), None

    # What moto's mock_aws does as well, without the URLs that it registers for other libraries.
    monkeypatch.setattr(botocore_stubber, "enabled", True)
    monkeypatch.setattr(Endpoint, "create_request", bare_request)
    monkeypatch.setattr(Endpoint, "_do_get_response", respond)


def carry_out(operation: str, parameters: Mapping[str, Any]) -> Reply:
    """One DynamoDB call, such as `carry_out("GetItem", {...})`."""
    handler = DynamoHandler()
    handler.region = REGION
    handler.current_account = DEFAULT_ACCOUNT_ID
    # Copies on the way in and out: moto changes its items in place.
    handler.body = handler.params = _copied(parameters)
    try:
        with _one_by_one:
            return Reply(200, _copied(getattr(handler, xform_name(operation))().result))
    except ServiceException as refusal:
        return Reply(400, {"Error": {"Code": refusal.code, "Message": refusal.message}})
    except JsonRESTError as refusal:
        body = json.loads(refusal.get_body())
        code = body.pop("__type").split("#")[-1]
        return Reply(400, body | {"Error": {"Code": code, "Message": body.get("message", "")}})


def _copied(values: Any) -> Any:
    return msgspec.json.decode(msgspec.json.encode(values))
