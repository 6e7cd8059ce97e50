"""Calls of functions: an integration's, within its time limit, and an authorizer's."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from environments import on_environment
from limits import AUTHORIZER_SECONDS, MAX_INTEGRATION_MILLISECONDS, least_time_limit_seconds
from ministack.core.arn import execute_api_route_arn
from ministack.core.concurrency import run_reentrant
from ministack.services import apigateway, lambda_svc
from ministack.services.apigateway_v1 import _stringify_context

from websocket_gateway.connections import Connection, Json
from websocket_gateway.deployments import Snapshot

# The texts that API Gateway itself sends to clients.
FAILED = "Internal server error"
TIMED_OUT = "Endpoint request timed out"
FORBIDDEN = "Forbidden"
REFUSALS = {
    400: "Bad request",
    401: "Unauthorized",
    403: FORBIDDEN,
    414: "Request-URI Too Long",
    504: TIMED_OUT,
}

_tasks: set[asyncio.Task[Any]] = set()


class IntegrationError(Exception):
    """The function failed, did not answer in time, or did not return a proxy response."""

    def __init__(self, message: str, function_error: str = "") -> None:
        self.message = message
        self.function_error = function_error


class HandshakeRefused(Exception):
    """The handshake ends with this HTTP status."""

    def __init__(self, status: int) -> None:
        self.status = status
        self.message = REFUSALS.get(status, FAILED if status >= 500 else "")


def in_background(work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
    """Start a task that is kept from being collected until it ends."""
    task = asyncio.ensure_future(work)
    _tasks.add(task)
    task.add_done_callback(_tasks.discard)
    return task


async def integrate(connection: Connection, snapshot: Snapshot, route: Json, event: Json) -> Json:
    """Return the proxy response of a route's function; raises IntegrationError."""
    integration = snapshot.integrations.get(route["target"].removeprefix("integrations/"), {})
    timeout_milliseconds = min(
        integration.get("timeoutInMillis", MAX_INTEGRATION_MILLISECONDS),
        MAX_INTEGRATION_MILLISECONDS,
    )
    uri = integration.get("integrationUri", "")
    response = await _invoke(connection, uri, timeout_milliseconds / 1000, event)
    if (
        not isinstance(response, dict)
        or not isinstance(response.get("statusCode"), int)
        or not isinstance(response.get("body"), str | None)
    ):
        raise IntegrationError(FAILED)
    return response


async def authorize(connection: Connection, authorizer: Json, handshake: Json) -> Json:
    """Return the authorizer's context with its `principalId`; raises HandshakeRefused."""
    parameters = handshake.get("multiValueQueryStringParameters")
    has_sources, _ = apigateway._request_authorizer_identity_sources(
        authorizer["identitySource"], handshake["headers"], parameters, {}
    )
    if not has_sources:
        raise HandshakeRefused(401)
    method_arn = execute_api_route_arn(
        connection.region, connection.account_id, connection.api_id, connection.stage, "$connect"
    )
    event = {
        "type": "REQUEST",
        "methodArn": method_arn,
        "queryStringParameters": {},
        "multiValueQueryStringParameters": {},
        "stageVariables": {},
        **handshake,
        "requestContext": connection.context("$connect", "CONNECT"),
    }
    try:
        answer = await _invoke(connection, authorizer["authorizerUri"], AUTHORIZER_SECONDS, event)
    except IntegrationError as failure:
        status = 401 if failure.function_error == "Unauthorized" else 500
        raise HandshakeRefused(status) from failure
    if (
        not isinstance(answer, dict)
        or not isinstance(answer.get("policyDocument"), dict)
        or not isinstance(answer.get("principalId"), str)
        or not isinstance(answer.get("context", {}), dict)
    ):
        raise HandshakeRefused(500)
    if apigateway._evaluate_authorizer_policy(answer["policyDocument"], method_arn) != "Allow":
        raise HandshakeRefused(403)
    return {**_stringify_context(answer.get("context")), "principalId": answer["principalId"]}


async def _invoke(connection: Connection, uri: str, timeout_seconds: float, event: Json) -> Any:
    """Return the function's answer; raises IntegrationError.

    The time begins when the invocation has an environment. A function that has not answered in time
    keeps running, as on AWS.
    """
    arn = apigateway._extract_lambda_ref_from_integration_uri(uri)
    # For an alias, the code and configuration of the version that it is on at this moment.
    function, config, _ = lambda_svc._get_func_record_for_ref_in_scope(
        arn, account_id=connection.account_id, region=connection.region
    )
    if function is None or config is None:
        raise IntegrationError(FAILED)
    # The function sees the ARN by which it was invoked.
    record = lambda_svc._execution_record_for_config(function, {**config, "FunctionArn": arn})
    execute = lambda_svc._execute_function_with_config_scope
    begun = asyncio.Event()
    loop = asyncio.get_running_loop()
    notified = on_environment.set(lambda: loop.call_soon_threadsafe(begun.set))
    invocation = in_background(run_reentrant(execute, record, event))
    on_environment.reset(notified)
    beginning = in_background(begun.wait())
    # One that is throttled, for example, ends without an environment.
    await asyncio.wait({invocation, beginning}, return_when=asyncio.FIRST_COMPLETED)
    beginning.cancel()
    least_seconds = least_time_limit_seconds({})
    await asyncio.wait({invocation}, timeout=max(timeout_seconds, least_seconds))
    if not invocation.done():
        raise IntegrationError(TIMED_OUT)
    result = invocation.result()
    if result.get("error") or result.get("throttle"):
        raise IntegrationError(FAILED, (result.get("body") or {}).get("errorMessage", ""))
    return result.get("body")
