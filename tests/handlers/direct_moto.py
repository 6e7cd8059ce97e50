"""A short way to moto's tables: no signing, no HTTP messages, a third of the time a call takes.

DynamoDB changes an item atomically; moto's changes from two threads can undo each other, so one
call is carried out at a time.
"""

from __future__ import annotations

import json
import threading
from datetime import datetime
from types import SimpleNamespace
from typing import Any

import pytest
from botocore import xform_name
from botocore.awsrequest import AWSResponse
from botocore.endpoint import Endpoint
from moto.core import DEFAULT_ACCOUNT_ID
from moto.core.exceptions import JsonRESTError, ServiceException
from moto.dynamodb.responses import DynamoHandler


def shorten(monkeypatch: pytest.MonkeyPatch, region: str) -> None:
    """Let botocore hand DynamoDB's requests to moto's handler as they are, and keep its retries."""
    create_request = Endpoint.create_request
    get_response = Endpoint._do_get_response
    one_by_one = threading.RLock()

    def bare_request(endpoint: Any, parameters: Any, model: Any = None) -> Any:
        if model is None or model.service_model.service_name != "dynamodb":
            return create_request(endpoint, parameters, model)
        return SimpleNamespace(
            url=parameters["url"], body=parameters["body"], reset_stream=lambda: None
        )

    def answer(endpoint: Any, request: Any, model: Any, context: Any) -> Any:
        if model.service_model.service_name != "dynamodb":
            return get_response(endpoint, request, model, context)
        with one_by_one:
            status, parsed = _handled(region, model.name, json.loads(request.body))
        metadata = {"HTTPStatusCode": status, "HTTPHeaders": {}, "RetryAttempts": 0}
        http = AWSResponse(request.url, status, {}, None)
        http._content = b""
        return (http, parsed | {"ResponseMetadata": metadata}), None

    monkeypatch.setattr(Endpoint, "create_request", bare_request)
    monkeypatch.setattr(Endpoint, "_do_get_response", answer)


def _handled(region: str, operation: str, parameters: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    handler = DynamoHandler()
    handler.region = region
    handler.current_account = DEFAULT_ACCOUNT_ID
    handler.body = handler.params = parameters
    try:
        result = getattr(handler, xform_name(operation))().result
    except ServiceException as refusal:
        return 400, {"Error": {"Code": refusal.code, "Message": refusal.message}}
    except JsonRESTError as refusal:
        body = json.loads(refusal.get_body())
        code = body.pop("__type").split("#")[-1]
        return 400, body | {"Error": {"Code": code, "Message": body.get("message", "")}}
    # A copy: moto changes its items in place.
    return 200, json.loads(json.dumps(result, default=datetime.isoformat))
