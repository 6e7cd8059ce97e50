"""A client's socket, from the handshake to the close frame."""

import asyncio
import json
import time
import urllib.parse

from ministack.core.responses import request_scope
from ministack.services import apigateway

from websocket_gateway.background import in_background
from websocket_gateway.connections import Connection, new_id
from websocket_gateway.events import answer, disconnect
from websocket_gateway.failures import HandshakeRefused
from websocket_gateway.handshake import connect
from websocket_gateway.shapes import Json, Receive, Send

CLOSE_SECONDS = 10.0  # for a client to read its last frames


async def handle_websocket(
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
            await connect(connection, headers, parameters)
        except HandshakeRefused as refusal:
            await _refuse(connection, refusal, send)
            return
        await send({"type": "websocket.accept"})
        connection.open()
        reading = in_background(_read(connection, receive))
        writing = in_background(_write(connection, send))
        await _stay_open(connection)
        in_background(disconnect(connection))
        # The client still reads what is on its way to it, the close frame last.
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
    """Until either side closes, or the connection has idled or lived for too long."""
    while not connection.closed.done():
        remaining_seconds = connection.remaining_seconds()
        if remaining_seconds <= 0:
            connection.close(1001)
        await asyncio.wait({connection.closed}, timeout=remaining_seconds)


async def _read(connection: Connection, receive: Receive) -> None:
    while (message := await receive())["type"] != "websocket.disconnect":
        if message["type"] == "websocket.refuse":
            connection.close(message["code"])
        elif not connection.closed.done():
            connection.last_active_at = time.time()
            in_background(answer(connection, message["text"]))
    connection.close(message["code"], message.get("reason") or "")


async def _write(connection: Connection, send: Send) -> None:
    while (event := await connection.outbox.get())["type"] != "websocket.close":
        await send(event)
    await send(event)
