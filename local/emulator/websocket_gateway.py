"""API Gateway's WebSocket data plane for MiniStack, in place of its stock one.

Follows the service in what a client or a function can notice: deployed snapshots, the authorizer,
concurrent invocations, integration timeouts, route responses, size limits, close codes, the events'
fields and @connections. Lambda proxy integrations only. One thing is its own: who connects with
`connectionAgeMinutes=101` has been connected for so long already, and meets what comes with age.

It leans on private functions of MiniStack and Hypercorn and is pinned therefore;
tests/local/emulator tells whether another version will do.
"""

import asyncio
import base64
import contextlib
import copy
import importlib.metadata
import json
import os
import time
import urllib.parse
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import hypercorn.protocol.h2
import hypercorn.protocol.h11
from hypercorn.protocol.events import StreamClosed
from hypercorn.protocol.ws_stream import WSStream
from ministack.core.arn import execute_api_route_arn
from ministack.core.concurrency import run_reentrant
from ministack.core.responses import request_scope
from ministack.services import apigateway, lambda_svc
from ministack.services.apigateway_v1 import _stringify_context
from wsproto.events import BytesMessage, CloseConnection, Message, Ping

MINISTACK_VERSION = "1.5.33"
# https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-execution-service-websocket-limits-table.html
MAX_FRAME_BYTES = 32 * 1024
MAX_MESSAGE_BYTES = 128 * 1024
MAX_TIMEOUT_MILLISECONDS = 29_000
IDLE_SECONDS = float(os.environ.get("EMULATOR_IDLE_SECONDS", "600"))
LIFETIME_SECONDS = float(os.environ.get("EMULATOR_LIFETIME_SECONDS", "7200"))
AUTHORIZER_TIMEOUT_MILLISECONDS = 30_000
MAX_WAITING_FRAMES = 100  # for a slow client, before @connections answers 429
CLOSE_SECONDS = 10.0  # for a client to read its last frames
AGE_PARAMETER = "connectionAgeMinutes"
# https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-api-overview.html
CLOSE_REASONS = {
    1000: "Connection Closed Normally",
    1001: "Going away",
    1003: "Unsupported data",
    1005: "Client-side close frame status not set",
    1006: "Connection Closed Abnormally",
    1009: "Message too big",
}
FAILED = "Internal server error"
TIMED_OUT = "Endpoint request timed out"
REFUSALS = {400: "Bad request", 401: "Unauthorized", 403: "Forbidden", 504: TIMED_OUT}

Json = dict[str, Any]
Receive = Callable[[], Awaitable[Json]]
Send = Callable[[Json], Awaitable[None]]


def install() -> None:
    """Put this front into MiniStack and Hypercorn; raises RuntimeError for another MiniStack."""
    installed = importlib.metadata.version("ministack")
    if installed != MINISTACK_VERSION:
        raise RuntimeError(
            f"websocket_gateway.py is written for MiniStack {MINISTACK_VERSION}, not {installed}: "
            "run `make setup`, or change the version and let tests/local/emulator judge"
        )
    apigateway._create_deployment = _create_deployment
    apigateway.handle_websocket = _handle_websocket
    apigateway.handle_connections_api = _handle_connections_api
    hypercorn.protocol.h11.WSStream = hypercorn.protocol.h2.WSStream = FrameCheckingStream


class IntegrationError(Exception):
    """The function failed, or did not answer in time, or not with a proxy response."""

    def __init__(self, message: str, function_error: str = "") -> None:
        self.message = message
        self.function_error = function_error


class HandshakeRefused(Exception):
    def __init__(self, status: int) -> None:
        self.status = status


# ---- Deployments


@dataclass(frozen=True)
class Snapshot:
    """The part of an API that a deployment makes live."""

    routes: dict[str, Json]
    integrations: dict[str, Json]
    authorizers: dict[str, Json]
    answering_route_ids: set[str]
    selection_path: list[str]

    @classmethod
    def take(cls, api_id: str) -> "Snapshot":
        routes = copy.deepcopy(list(apigateway._routes.get(api_id, {}).values()))
        responses = apigateway._route_responses.get(api_id, {})
        return cls(
            routes={route["routeKey"]: route for route in routes},
            integrations=copy.deepcopy(apigateway._integrations.get(api_id, {})),
            authorizers=copy.deepcopy(apigateway._authorizers.get(api_id, {})),
            answering_route_ids={
                route["routeId"]
                for route in routes
                if route.get("routeResponseSelectionExpression") == "$default"
                for response in responses.get(route["routeId"], {}).values()
                if response["routeResponseKey"] == "$default"
            },
            # `$request.body.action` or `${request.body.action}`
            selection_path=apigateway._apis[api_id]["routeSelectionExpression"]
            .strip("${}")
            .split(".")[2:],
        )

    def route_of(self, text: str) -> Json | None:
        """The route of a client's message, which is never one of the lifecycle's."""
        try:
            key = json.loads(text)
            for name in self.selection_path:
                key = key[name]
        except (ValueError, TypeError, LookupError, RecursionError):
            key = None
        if not isinstance(key, str) or key in ("$connect", "$disconnect"):
            key = "$default"
        return self.routes.get(key) or self.routes.get("$default")


_snapshots: dict[tuple[str, str], Snapshot] = {}
_stock_create_deployment = apigateway._create_deployment


def _create_deployment(api_id: str, data: Json) -> Any:
    response = _stock_create_deployment(api_id, data)
    if response[0] == 201:
        _snapshots[api_id, json.loads(response[2])["deploymentId"]] = Snapshot.take(api_id)
    return response


def _live(api_id: str, stage_name: str) -> Snapshot | None:
    if apigateway._apis.get(api_id, {}).get("protocolType") != "WEBSOCKET":
        return None
    stage = apigateway._stages.get(api_id, {}).get(stage_name, {})
    if stage.get("autoDeploy"):
        return Snapshot.take(api_id)
    return _snapshots.get((api_id, stage.get("deploymentId", "")))


# ---- Connections


def _identifier() -> str:
    """In the service's own form: `L0SM9cOFvHcCIhw=`."""
    return base64.urlsafe_b64encode(os.urandom(11)).decode()


@dataclass(eq=False, kw_only=True)
class Connection:
    api_id: str
    stage: str
    account_id: str
    region: str
    identity: dict[str, str]
    authorizer: Json | None = None
    connection_id: str = field(default_factory=_identifier)
    connected_at: float = field(default_factory=time.time)
    last_active_at: float = field(default_factory=time.time)
    outbox: asyncio.Queue[Json] = field(default_factory=asyncio.Queue)  # ASGI events
    closed: asyncio.Future[tuple[int, str]] = field(default_factory=asyncio.Future)

    def context(self, route_key: str, event_type: str, **more: Any) -> Json:
        """The `requestContext` of one event."""
        now, request_id = time.time(), _identifier()
        return {
            "routeKey": route_key,
            "eventType": event_type,
            "requestId": request_id,
            "extendedRequestId": request_id,
            "requestTime": datetime.fromtimestamp(now, UTC).strftime("%d/%b/%Y:%H:%M:%S +0000"),
            "requestTimeEpoch": int(now * 1000),
            "messageDirection": "IN",
            "connectedAt": int(self.connected_at * 1000),
            "connectionId": self.connection_id,
            "identity": self.identity,
            "domainName": f"{self.api_id}.execute-api.{self.region}.amazonaws.com",
            "apiId": self.api_id,
            "stage": self.stage,
            **({"authorizer": self.authorizer} if self.authorizer is not None else {}),
            **more,
        }

    def post(self, text: str) -> bool:
        """Queue a frame for the client; False when too many wait already."""
        if self.outbox.qsize() >= MAX_WAITING_FRAMES:
            return False
        self.last_active_at = time.time()
        self.outbox.put_nowait({"type": "websocket.send", "text": text})
        return True

    def post_error(self, message: str, request_id: str) -> None:
        frame = {"message": message, "connectionId": self.connection_id, "requestId": request_id}
        self.post(json.dumps(frame))

    def close(self, code: int, reason: str = "") -> None:
        """Whichever side closes: gone from now on, after the frames already queued."""
        if not self.closed.done():
            reason = reason or CLOSE_REASONS.get(code, "")
            self.closed.set_result((code, reason))
            self.outbox.put_nowait({"type": "websocket.close", "code": code, "reason": reason})
            _connections.pop(self.connection_id, None)


_connections: dict[str, Connection] = {}
_tasks: set[asyncio.Task[Any]] = set()


def _in_background(work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
    task = asyncio.ensure_future(work)
    _tasks.add(task)
    task.add_done_callback(_tasks.discard)
    return task


async def _handle_websocket(
    scope: Json, receive: Receive, send: Send, api_id: str, path_override: str | None = None
) -> None:
    await receive()  # websocket.connect
    _, account_id, region = apigateway._api_owner(api_id) or ("", "", "")
    headers: dict[str, list[str]] = {}
    for name, value in scope["headers"]:
        headers.setdefault(name.decode().lower(), []).append(value.decode("latin-1"))
    parameters = urllib.parse.parse_qs(scope["query_string"].decode(), keep_blank_values=True)
    connection = Connection(
        api_id=api_id,
        stage=(path_override or scope["path"]).split("/")[1],
        account_id=account_id,
        region=region,
        identity={
            "sourceIp": scope["client"][0],
            "userAgent": headers.get("user-agent", [""])[0],
        },
    )
    with request_scope(account_id, region):
        try:
            await _connect(connection, headers, parameters)
        except HandshakeRefused as refusal:
            await _refuse(connection, refusal.status, send)
            return
        await send({"type": "websocket.accept"})
        _connections[connection.connection_id] = connection
        reading = _in_background(_read(connection, receive))
        writing = _in_background(_write(connection, send))
        while not connection.closed.done():
            idle_ends_at = connection.last_active_at + IDLE_SECONDS
            life_ends_at = connection.connected_at + LIFETIME_SECONDS
            remaining_seconds = min(idle_ends_at, life_ends_at) - time.time()
            if remaining_seconds <= 0:
                connection.close(1001)
            await asyncio.wait({connection.closed}, timeout=remaining_seconds)
        _in_background(_disconnect(connection))
        # The client still reads what is on its way to it, the close frame last.
        await asyncio.wait({reading, writing}, timeout=CLOSE_SECONDS)
        reading.cancel()
        writing.cancel()


async def _connect(
    connection: Connection, headers: dict[str, list[str]], parameters: dict[str, list[str]]
) -> None:
    """Authorizer and $connect; raises HandshakeRefused."""
    connection.connected_at -= _asked_age_seconds(parameters)
    snapshot = _live(connection.api_id, connection.stage)
    if snapshot is None:
        raise HandshakeRefused(403)
    route = snapshot.routes.get("$connect")
    if route is None:
        return
    handshake: Json = {
        "headers": {name: values[-1] for name, values in headers.items()},
        "multiValueHeaders": headers,
    }
    if parameters:
        handshake["queryStringParameters"] = {name: each[-1] for name, each in parameters.items()}
        handshake["multiValueQueryStringParameters"] = parameters
    if route["authorizationType"] != "NONE":
        authorizer = snapshot.authorizers.get(route.get("authorizerId", ""))
        if authorizer is None:
            raise HandshakeRefused(500)
        connection.authorizer = await _authorize(connection, authorizer, handshake)
    context = connection.context("$connect", "CONNECT")
    event = {**handshake, "requestContext": context, "isBase64Encoded": False}
    try:
        status = (await _integrate(connection, snapshot, route, event))["statusCode"]
    except IntegrationError as failure:
        raise HandshakeRefused(504 if failure.message == TIMED_OUT else 502) from failure
    if not 200 <= status < 300:
        raise HandshakeRefused(status if 300 <= status < 600 else 500)


def _asked_age_seconds(parameters: dict[str, list[str]]) -> float:
    """The age that a client gives its connection, 0 without one; raises HandshakeRefused."""
    try:
        seconds = float(parameters.get(AGE_PARAMETER, ["0"])[-1]) * 60
    except ValueError:
        raise HandshakeRefused(400) from None
    if not 0 <= seconds < LIFETIME_SECONDS:
        raise HandshakeRefused(400)
    return seconds


async def _refuse(connection: Connection, status: int, send: Send) -> None:
    message = REFUSALS.get(status, FAILED if status >= 500 else "")
    ids = {"connectionId": connection.connection_id, "requestId": _identifier()}
    body = json.dumps({"message": message, **ids}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "websocket.http.response.start", "status": status, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": body})


async def _read(connection: Connection, receive: Receive) -> None:
    while (message := await receive())["type"] != "websocket.disconnect":
        if message["type"] == "websocket.refuse":
            connection.close(message["code"])
        elif not connection.closed.done():
            connection.last_active_at = time.time()
            _in_background(_answer(connection, message["text"]))
    connection.close(message["code"], message.get("reason") or "")


async def _write(connection: Connection, send: Send) -> None:
    while (event := await connection.outbox.get())["type"] != "websocket.close":
        await send(event)
    await send(event)


async def _answer(connection: Connection, text: str) -> None:
    snapshot = _live(connection.api_id, connection.stage)
    route = snapshot and snapshot.route_of(text)
    route_key = route["routeKey"] if route else "$default"
    context = connection.context(route_key, "MESSAGE", messageId=_identifier())
    if not snapshot or not route:
        connection.post_error(REFUSALS[403], context["requestId"])
        return
    event = {"requestContext": context, "body": text, "isBase64Encoded": False}
    try:
        response = await _integrate(connection, snapshot, route, event)
    except IntegrationError as failure:
        connection.post_error(failure.message, context["requestId"])
        return
    if response.get("body") and route["routeId"] in snapshot.answering_route_ids:
        connection.post(response["body"])


async def _disconnect(connection: Connection) -> None:
    snapshot = _live(connection.api_id, connection.stage)
    route = snapshot and snapshot.routes.get("$disconnect")
    if not snapshot or not route:
        return
    code, reason = connection.closed.result()
    context = connection.context(
        "$disconnect", "DISCONNECT", disconnectStatusCode=code, disconnectReason=reason
    )
    headers = {"Host": context["domainName"], "x-api-key": "", "X-Forwarded-For": ""}
    event = {
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "requestContext": context,
        "isBase64Encoded": False,
    }
    with contextlib.suppress(IntegrationError):
        await _integrate(connection, snapshot, route, event)


# ---- Functions


async def _invoke(connection: Connection, uri: str, timeout_milliseconds: int, event: Json) -> Any:
    """The function's answer; raises IntegrationError. A function that is late goes on running."""
    function, config, _ = lambda_svc._get_func_record_for_ref_in_scope(
        apigateway._extract_lambda_ref_from_integration_uri(uri),
        account_id=connection.account_id,
        region=connection.region,
    )
    if function is None or config is None:
        raise IntegrationError(FAILED)
    record = lambda_svc._execution_record_for_config(function, config)
    execute = lambda_svc._execute_function_with_config_scope
    invocation = _in_background(run_reentrant(execute, record, event))
    await asyncio.wait({invocation}, timeout=timeout_milliseconds / 1000)
    if not invocation.done():
        raise IntegrationError(TIMED_OUT)
    result = invocation.result()
    if result.get("error") or result.get("throttle"):
        raise IntegrationError(FAILED, (result.get("body") or {}).get("errorMessage", ""))
    return result.get("body")


async def _integrate(connection: Connection, snapshot: Snapshot, route: Json, event: Json) -> Json:
    """The function's proxy response; raises IntegrationError."""
    integration = snapshot.integrations.get(route["target"].removeprefix("integrations/"), {})
    timeout_milliseconds = integration.get("timeoutInMillis", MAX_TIMEOUT_MILLISECONDS)
    response = await _invoke(
        connection,
        integration.get("integrationUri", ""),
        min(timeout_milliseconds, MAX_TIMEOUT_MILLISECONDS),
        event,
    )
    if (
        not isinstance(response, dict)
        or not isinstance(response.get("statusCode"), int)
        or not isinstance(response.get("body"), str | None)
    ):
        raise IntegrationError(FAILED)
    return response


async def _authorize(connection: Connection, authorizer: Json, handshake: Json) -> Json:
    """What the authorizer says of the client; raises HandshakeRefused."""
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
    uri = authorizer["authorizerUri"]
    try:
        answer = await _invoke(connection, uri, AUTHORIZER_TIMEOUT_MILLISECONDS, event)
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


# ---- @connections; MiniStack has checked execute-api:ManageConnections before.


async def _handle_connections_api(
    method: str, api_id: str, stage: str, connection_id: str, body: bytes, headers: dict[str, str]
) -> tuple[int, dict[str, str], bytes]:
    connection = _connections.get(connection_id)
    if connection is None or (connection.api_id, connection.stage) != (api_id, stage):
        return _error(410, "GoneException")
    if method == "GET":
        return _json(
            200,
            {
                "connectedAt": _iso8601(connection.connected_at),
                "lastActiveAt": _iso8601(connection.last_active_at),
                "identity": connection.identity,
            },
        )
    if method == "DELETE":
        connection.close(1000)
        return 204, {}, b""
    if method != "POST":
        return _error(403, "ForbiddenException")
    if len(body) > MAX_MESSAGE_BYTES:
        return _error(413, "PayloadTooLargeException")
    if not connection.post(apigateway._post_to_connection_text(body)):
        return _error(429, "LimitExceededException")
    return 200, {}, b""


def _json(status: int, content: Json, **headers: str) -> tuple[int, dict[str, str], bytes]:
    return status, {"Content-Type": "application/json", **headers}, json.dumps(content).encode()


def _error(status: int, code: str) -> tuple[int, dict[str, str], bytes]:
    status, headers, body = _json(status, {"message": code})
    return status, {**headers, "x-amzn-ErrorType": code}, body


def _iso8601(epoch_seconds: float) -> str:
    at = datetime.fromtimestamp(epoch_seconds, UTC).isoformat(timespec="milliseconds")
    return at.replace("+00:00", "Z")


# ---- Frames


class FrameCheckingStream(WSStream):
    """Hypercorn's stream, which hides frames and the client's close code from applications."""

    frame_bytes = 0
    message_bytes = 0
    refused = False

    async def _handle_events(self) -> None:
        for event in self.connection.events():
            if isinstance(event, Message):
                if not self.refused:
                    await self._take(event)
            elif isinstance(event, Ping):
                await self._send_wsproto_event(event.response())
            elif isinstance(event, CloseConnection):
                await self._send_wsproto_event(CloseConnection(event.code, event.reason))
                await self.app_put(
                    {
                        "type": "websocket.disconnect",
                        "code": int(event.code),
                        "reason": event.reason,
                    }
                )
                await self.send(StreamClosed(stream_id=self.stream_id))

    async def _take(self, piece: Message) -> None:
        """A piece of a frame, which is a piece of a message."""
        size = 0 if isinstance(piece, BytesMessage) else len(piece.data.encode())
        self.frame_bytes += size
        self.message_bytes += size
        too_big = self.frame_bytes > MAX_FRAME_BYTES or self.message_bytes > MAX_MESSAGE_BYTES
        if isinstance(piece, BytesMessage) or too_big:
            self.refused = True
            await self.app_put({"type": "websocket.refuse", "code": 1009 if too_big else 1003})
            return
        self.buffer.extend(piece)
        if piece.frame_finished:
            self.frame_bytes = 0
        if piece.message_finished:
            self.message_bytes = 0
            await self.app_put(self.buffer.to_message())
            self.buffer.clear()
