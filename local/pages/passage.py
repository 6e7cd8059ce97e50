"""The way through which listeners beside this machine reach the WebSocket API, and nothing else.

It passes on a handshake without a token, and then the bytes of both sides as they come: frames,
close codes and refusals are the API's own. Of the handshake's headers only those of WebSockets are
passed on, and the address of the client in a header that nobody outside can know.
"""

import asyncio
import contextlib
import http.client
import io
from collections.abc import Coroutine
from http import HTTPStatus
from urllib.parse import urlsplit

from websockets.datastructures import Headers
from websockets.http11 import Request

from contract.handshake import BEARER_PREFIX, SUBPROTOCOL_HEADER
from local.pages.answers import Answer, send
from local.pages.places import Places

PASSED_ON = (
    "Origin",
    "User-Agent",
    "Sec-WebSocket-Extensions",
    "Sec-WebSocket-Key",
    "Sec-WebSocket-Version",
    SUBPROTOCOL_HEADER,
)
# The authorizer and $connect are given 30 s each.
HANDSHAKE_SECONDS = 65.0
MAX_SOCKETS = 1_000
# A phone needs one, and another one while it moves to that.
MAX_SOCKETS_PER_ADDRESS = 50
MAX_HEAD_BYTES = 16_384
MAX_REFUSAL_BYTES = 65_536
PIECE_BYTES = 65_536


class Passage:
    """`websocket_url` is that of the API; `path` is its path here; `client_address_header` is the
    emulator's.
    """

    def __init__(
        self,
        websocket_url: str,
        path: str,
        client_address_header: str,
        *,
        max_sockets: int = MAX_SOCKETS,
        max_sockets_per_address: int = MAX_SOCKETS_PER_ADDRESS,
    ) -> None:
        self._places = Places(max_sockets, max_sockets_per_address)
        self._target = urlsplit(websocket_url)
        self._path = path
        self._client_address_header = client_address_header

    async def carry(
        self,
        request: Request,
        address: str,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        """Serve one handshake, and the socket until either side ends it."""
        refusal = self._refusal(request)
        if refusal is not None:
            await send(writer, Answer.plain(*refusal))
            return
        with self._places.taken(address) as has_place:
            if has_place:
                await self._carry(request, address, reader, writer)
            else:
                busy = "Too many sockets are open."
                await send(writer, Answer.plain(HTTPStatus.SERVICE_UNAVAILABLE, busy))

    def _refusal(self, request: Request) -> tuple[HTTPStatus, str] | None:
        path, _, query = request.path.partition("?")
        if path != self._path or request.method != "GET":
            return HTTPStatus.NOT_FOUND, ""
        if not _is_websocket(request.headers):
            return HTTPStatus.BAD_REQUEST, ""
        # A token can only be in one of the two.
        if query or _brings_token(request.headers):
            return HTTPStatus.FORBIDDEN, "Only listeners can connect here."
        return None

    async def _carry(
        self,
        request: Request,
        address: str,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        try:
            api_reader, api_writer = await asyncio.open_connection(
                self._target.hostname, self._target.port, limit=MAX_HEAD_BYTES
            )
        except OSError:
            await send(writer, Answer.plain(HTTPStatus.BAD_GATEWAY))
            return
        try:
            api_writer.write(self._handshake(request, address))
            try:
                async with asyncio.timeout(HANDSHAKE_SECONDS):
                    head = await api_reader.readuntil(b"\r\n\r\n")
                    is_open = head.split(maxsplit=2)[1] == b"101"
                    body = b"" if is_open else await api_reader.readexactly(_body_bytes(head))
            except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, TimeoutError):
                await send(writer, Answer.plain(HTTPStatus.BAD_GATEWAY))
                return
            # Nothing that the client sends after a refusal may become another request.
            writer.write(head + body)
            await writer.drain()
            if is_open:
                await _both(_pass_on(reader, api_writer), _pass_on(api_reader, writer))
        finally:
            api_writer.close()

    def _handshake(self, request: Request, address: str) -> bytes:
        headers = Headers(
            [
                ("Host", self._target.netloc),
                ("Connection", "Upgrade"),
                ("Upgrade", "websocket"),
                (self._client_address_header, address),
            ]
        )
        for name in PASSED_ON:
            for value in request.headers.get_all(name):
                headers[name] = value
        return Request(self._target.path, headers).serialize()


def _is_websocket(headers: Headers) -> bool:
    values = headers.get_all("Upgrade")
    return [value.strip().lower() for value in values] == ["websocket"]


def _brings_token(headers: Headers) -> bool:
    lines = headers.get_all(SUBPROTOCOL_HEADER)
    offered = [each.strip().lower() for line in lines for each in line.split(",")]
    return any(each.startswith(BEARER_PREFIX) for each in offered)


def _body_bytes(head: bytes) -> int:
    """Return the length of the body that follows a response's head."""
    headers = http.client.parse_headers(io.BytesIO(head.partition(b"\r\n")[2]))
    length = int(headers.get("Content-Length", "0"))
    return min(length, MAX_REFUSAL_BYTES)


async def _both(*directions: Coroutine[None, None, None]) -> None:
    """Wait until one of them has ended."""
    tasks = [asyncio.create_task(direction) for direction in directions]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _pass_on(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while piece := await source.read(PIECE_BYTES):
            target.write(piece)
            await target.drain()
