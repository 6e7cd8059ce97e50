"""A small HTTP server for the pages: GET and HEAD, one request per connection."""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Self

from websockets.datastructures import Headers
from websockets.http11 import Request, Response
from websockets.server import ServerProtocol

MAX_HEAD_BYTES = 16_384
HEAD_SECONDS = 10.0
MAX_CONNECTIONS = 1_000
METHODS = ("GET", "HEAD")


@dataclass(frozen=True)
class Answer:
    """A response; Content-Length and Connection are added to its headers."""

    status: HTTPStatus
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    body: bytes = b""

    @classmethod
    def plain(cls, status: HTTPStatus, text: str = "") -> Self:
        """Return a line of text, by default the status's phrase."""
        headers = {"Content-Type": "text/plain; charset=utf-8", "Cache-Control": "no-store"}
        return cls(status, headers, f"{text or status.phrase}\n".encode())


Answering = Callable[[str], Answer]
"""Returns what a path, without its query, is answered with; called on threads."""


class PageServer:
    """Serves one address from `start` to `stop`, as a context manager.

    Port 0 is a free one. Until `answer_with` has been called, it answers 503. Starting raises
    OSError if the address cannot be bound.
    """

    def __init__(self, host: str, port: int = 0) -> None:
        self._address = (host, port)
        self._answering: Answering = _not_ready
        self._connections = 0

    @property
    def url(self) -> str:
        """`http://127.0.0.1:8080`."""
        host, port = self._address
        return f"http://{f'[{host}]' if ':' in host else host}:{port}"

    def answer_with(self, answering: Answering) -> None:
        """Answer the requests from now on with this."""
        self._answering = answering

    def start(self) -> None:
        """Bind the address and answer on it."""
        host, port = self._address
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._socket = socket.create_server((host, port), family=family)
        self._address = (host, self._socket.getsockname()[1])
        ready: Future[None] = Future()
        running = self._run(ready)
        self._thread = threading.Thread(target=asyncio.run, args=(running,), daemon=True)
        self._thread.start()
        ready.result()

    def stop(self) -> None:
        """Close every connection and the address."""
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join()
        self._socket.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    async def _run(self, ready: Future[None]) -> None:
        self._loop, self._stopping = asyncio.get_running_loop(), asyncio.Event()
        server = await asyncio.start_server(self._serve, sock=self._socket, limit=MAX_HEAD_BYTES)
        ready.set_result(None)
        await self._stopping.wait()
        server.close()
        # What is left of the connections is cancelled by asyncio.run.

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connections += 1
        try:
            if self._connections > MAX_CONNECTIONS:
                await _send(writer, Answer.plain(HTTPStatus.SERVICE_UNAVAILABLE))
            elif request := await _request(reader, writer):
                await self._respond(request, writer)
        except OSError:  # the client has gone
            pass
        finally:
            self._connections -= 1
            writer.close()

    async def _respond(self, request: Request, writer: asyncio.StreamWriter) -> None:
        if request.method not in METHODS:
            answer = Answer.plain(HTTPStatus.METHOD_NOT_ALLOWED)
        else:
            path = request.path.partition("?")[0]
            answer = await asyncio.to_thread(self._answering, path)
        await _send(writer, answer, with_body=request.method != "HEAD")


async def _request(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Request | None:
    """Return the request once its head is complete; None if it is refused, or never comes."""
    try:
        async with asyncio.timeout(HEAD_SECONDS):
            head = await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, TimeoutError):
        return None
    except asyncio.LimitOverrunError:
        await _send(writer, Answer.plain(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE))
        return None
    protocol = ServerProtocol()
    protocol.receive_data(head)
    for event in protocol.events_received():
        if isinstance(event, Request):
            return event
    await _send(writer, Answer.plain(HTTPStatus.BAD_REQUEST))
    return None


async def _send(writer: asyncio.StreamWriter, answer: Answer, *, with_body: bool = True) -> None:
    headers = Headers(answer.headers)
    headers["Content-Length"] = str(len(answer.body))
    headers["Connection"] = "close"
    body = answer.body if with_body else b""
    writer.write(Response(answer.status, answer.status.phrase, headers, body).serialize())
    with contextlib.suppress(ConnectionError):
        await writer.drain()


def _not_ready(path: str) -> Answer:
    return Answer.plain(HTTPStatus.SERVICE_UNAVAILABLE, "The pages are not ready yet.")
