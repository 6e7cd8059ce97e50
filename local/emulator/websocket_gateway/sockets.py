"""A client's socket: the handshake, the messages that become invocations, and the close."""

import asyncio
import contextlib
import json
import os
import time
import urllib.parse
from collections.abc import Awaitable, Callable

from hypercorn.protocol.events import StreamClosed
from hypercorn.protocol.ws_stream import WSStream
from limits import LIFETIME_SECONDS, MAX_FRAME_BYTES, MAX_MESSAGE_BYTES, MAX_URL_CHARACTERS
from ministack.core.responses import request_scope
from ministack.services import apigateway
from wsproto.connection import CloseReason
from wsproto.events import BytesMessage, CloseConnection, Message, Ping

from websocket_gateway.connections import CLOSE_REASONS, Connection, Json, new_id
from websocket_gateway.deployments import live
from websocket_gateway.invocations import (
    FORBIDDEN,
    TIMED_OUT,
    HandshakeRefused,
    IntegrationError,
    authorize,
    in_background,
    integrate,
)

# The two ends of an ASGI connection.
Receive = Callable[[], Awaitable[Json]]
Send = Callable[[Json], Awaitable[None]]

# https://docs.aws.amazon.com/apigateway/latest/developerguide/websocket-connect-route-subprotocol.html
SUBPROTOCOL_HEADER = "sec-websocket-protocol"
AGE_PARAMETER = "connectionAgeMinutes"
# Set by process.py: the header, whose name is secret, in which a proxy in front of the sockets
# passes on its client's address.
CLIENT_ADDRESS_HEADER = os.environ.pop("EMULATOR_CLIENT_ADDRESS_HEADER", "")
CLOSE_SECONDS = 10.0  # for the client to read its last frames


async def handle_websocket(
    scope: Json, receive: Receive, send: Send, api_id: str, path_override: str | None = None
) -> None:
    """Serve one socket from its handshake to its close frame, in the place of MiniStack's own."""
    await receive()  # websocket.connect
    _, account_id, region = apigateway._api_owner(api_id) or ("", "", "")
    headers: dict[str, list[str]] = {}
    for name, value in scope["headers"]:
        headers.setdefault(name.decode().lower(), []).append(value.decode("latin-1"))
    source_ip = headers.pop(CLIENT_ADDRESS_HEADER, [scope["client"][0]])[-1]
    parameters = urllib.parse.parse_qs(scope["query_string"].decode(), keep_blank_values=True)
    connection = Connection(
        api_id=api_id,
        stage=(path_override or scope["path"]).split("/")[1],
        account_id=account_id,
        region=region,
        identity={
            "sourceIp": source_ip,
            "userAgent": headers.get("user-agent", [""])[0],
        },
    )
    with request_scope(account_id, region):
        try:
            _check_url(connection, scope["query_string"])
            subprotocol = await _connect(connection, headers, parameters)
        except HandshakeRefused as refusal:
            await _refuse(connection, refusal, send)
            return
        await send({"type": "websocket.accept", "subprotocol": subprotocol})
        connection.open()
        reading = in_background(_read(connection, receive))
        writing = in_background(_write(connection, send))
        await _stay_open(connection)
        in_background(_disconnect(connection))
        # The client still receives the queued frames, the close frame last.
        await asyncio.wait({reading, writing}, timeout=CLOSE_SECONDS)
        reading.cancel()
        writing.cancel()


async def _refuse(connection: Connection, refusal: HandshakeRefused, send: Send) -> None:
    ids = {"connectionId": connection.connection_id, "requestId": new_id()}
    body = json.dumps({"message": refusal.message, **ids}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send(
        {"type": "websocket.http.response.start", "status": refusal.status, "headers": headers}
    )
    await send({"type": "websocket.http.response.body", "body": body})


async def _stay_open(connection: Connection) -> None:
    """Wait until either side closes, or the idle limit or the lifetime is over."""
    while not connection.closed.done():
        remaining_seconds = connection.remaining_seconds()
        if remaining_seconds <= 0:
            connection.close(1001)
        await asyncio.wait({connection.closed}, timeout=remaining_seconds)


async def _read(connection: Connection, receive: Receive) -> None:
    """Take what the client sends until its close frame.

    A connection that is lost without one, as when the network is cut, stays open: API Gateway
    notices it after the idle limit. What is posted to it is accepted and lost.
    """
    while (message := await receive())["type"] != "websocket.disconnect":
        if message["type"] == "websocket.refuse":
            connection.close(message["code"])
        elif not connection.closed.done():
            connection.last_active_at = time.time()
            await connection.waiting.acquire()
            in_background(_answer_in_turn(connection, message["text"], time.time()))
    if message["code"] != CloseReason.ABNORMAL_CLOSURE:
        connection.close(message["code"], message.get("reason") or "")


async def _write(connection: Connection, send: Send) -> None:
    while (event := await connection.outbox.get())["type"] != "websocket.close":
        await send(event)
    await send(event)


async def _connect(
    connection: Connection, headers: dict[str, list[str]], parameters: dict[str, list[str]]
) -> str | None:
    """Call the authorizer and $connect; return the subprotocol that $connect answers with.

    Raises HandshakeRefused.
    """
    connection.connected_at -= _asked_age_seconds(parameters)
    snapshot = live(connection.api_id, connection.stage)
    if snapshot is None:
        raise HandshakeRefused(403)
    route = snapshot.routes.get("$connect")
    if route is None:
        return None
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
        connection.authorizer = await authorize(connection, authorizer, handshake)
    context = connection.context("$connect", "CONNECT")
    event = {**handshake, "requestContext": context, "isBase64Encoded": False}
    try:
        response = await integrate(connection, snapshot, route, event)
    except IntegrationError as failure:
        raise HandshakeRefused(504 if failure.message == TIMED_OUT else 502) from failure
    status = response["statusCode"]
    if not 200 <= status < 300:
        raise HandshakeRefused(status if 300 <= status < 600 else 500)
    answered: Json = response.get("headers") or {}
    chosen = [value for name, value in answered.items() if name.lower() == SUBPROTOCOL_HEADER]
    return chosen[0] if chosen else None


def _check_url(connection: Connection, query: bytes) -> None:
    """Raise HandshakeRefused if the URL would be too long on AWS, whose host is a longer one."""
    address = f"wss://{connection.domain_name}/{connection.stage}"
    if len(address) + len("?") + len(query) > MAX_URL_CHARACTERS:
        raise HandshakeRefused(414)


def _asked_age_seconds(parameters: dict[str, list[str]]) -> float:
    """Return the age that the client asks for, 0 without one; raises HandshakeRefused."""
    try:
        seconds = float(parameters.get(AGE_PARAMETER, ["0"])[-1]) * 60
    except ValueError:
        raise HandshakeRefused(400) from None
    if not 0 <= seconds < LIFETIME_SECONDS:
        raise HandshakeRefused(400)
    return seconds


async def _answer_in_turn(connection: Connection, text: str, arrived_at: float) -> None:
    """Answer once few enough of the client's messages are being answered."""
    try:
        async with connection.running:
            await _answer(connection, text, arrived_at)
    finally:
        connection.waiting.release()


async def _answer(connection: Connection, text: str, arrived_at: float) -> None:
    """Call the function of the message's route; send its reply where there is a route response."""
    snapshot = live(connection.api_id, connection.stage)
    route = snapshot and snapshot.route_of(text)
    route_key = route["routeKey"] if route else "$default"
    context = connection.context(route_key, "MESSAGE", at=arrived_at, messageId=new_id())
    if not snapshot or not route:
        connection.post_error(FORBIDDEN, context["requestId"])
        return
    event = {"requestContext": context, "body": text, "isBase64Encoded": False}
    try:
        response = await integrate(connection, snapshot, route, event)
    except IntegrationError as failure:
        connection.post_error(failure.message, context["requestId"])
        return
    if response.get("body") and route["routeId"] in snapshot.answering_route_ids:
        connection.post(response["body"])


async def _disconnect(connection: Connection) -> None:
    """Call $disconnect with the close code and reason; its outcome is ignored, as on AWS."""
    snapshot = live(connection.api_id, connection.stage)
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
        await integrate(connection, snapshot, route, event)


class FrameCheckingStream(WSStream):
    """Hypercorn's stream, extended to check frame sizes and to report the client's close code.

    API Gateway accepts text frames of at most 32 KB and closes the socket otherwise. Where messages
    are compressed, MeasuredDeflate has measured the frames before it unpacked them.
    """

    is_compressed = False
    frame_bytes = 0
    message_bytes = 0
    refused = False

    async def _accept(self, message: Json) -> None:
        """Answer with the subprotocol that $connect chose, which Hypercorn compares with the last
        header line alone.
        """
        chosen = message.get("subprotocol")
        self.handshake.subprotocols = None if chosen is None else [chosen]
        await super()._accept(message)
        self.is_compressed = bool(self.connection._proto.extensions)

    async def _handle_events(self) -> None:
        for event in self.connection.events():
            if isinstance(event, Message):
                if not self.refused:
                    await self._take(event)
            elif isinstance(event, Ping):
                await self._send_wsproto_event(event.response())
            elif isinstance(event, CloseConnection):
                code = int(event.code)
                reason = CLOSE_REASONS[1009] if code == 1009 else event.reason
                await self._send_wsproto_event(CloseConnection(code, reason))
                await self.app_put({"type": "websocket.disconnect", "code": code, "reason": reason})
                await self.send(StreamClosed(stream_id=self.stream_id))

    async def _take(self, part: Message) -> None:
        """Take a part of a frame, which is a part of a message."""
        size = 0 if isinstance(part, BytesMessage) else len(part.data.encode())
        self.frame_bytes += size
        self.message_bytes += size
        frame_too_big = self.frame_bytes > MAX_FRAME_BYTES and not self.is_compressed
        too_big = frame_too_big or self.message_bytes > MAX_MESSAGE_BYTES
        if isinstance(part, BytesMessage) or too_big:
            self.refused = True
            await self.app_put({"type": "websocket.refuse", "code": 1009 if too_big else 1003})
            return
        self.buffer.extend(part)
        if part.frame_finished:
            self.frame_bytes = 0
        if part.message_finished:
            self.message_bytes = 0
            await self.app_put(self.buffer.to_message())
            self.buffer.clear()
