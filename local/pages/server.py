"""A small HTTP server for the pages: GET and HEAD, one request per connection.

Where it has a passage, WebSockets go through that.
"""

import asyncio
import socket
import threading
from concurrent.futures import Future
from http import HTTPStatus
from typing import Self

from websockets.http11 import Request
from websockets.server import ServerProtocol

from local.pages.answers import Answer, Answering, send
from local.pages.passage import Passage
from local.pages.places import Places

MAX_HEAD_BYTES = 16_384
HEAD_SECONDS = 10.0
# Of one address, since a page opens several at once.
MAX_CONNECTIONS_PER_ADDRESS = 100
MAX_CONNECTIONS = 2_000
METHODS = ("GET", "HEAD")


class PageServer:
    """Serves one address from `start` to `stop`, as a context manager.

    Port 0 is a free one. Until `answer_with` has been called, it answers 503. Starting raises
    OSError if the address cannot be bound.
    """

    def __init__(
        self,
        host: str,
        port: int = 0,
        *,
        max_connections: int = MAX_CONNECTIONS,
        max_connections_per_address: int = MAX_CONNECTIONS_PER_ADDRESS,
    ) -> None:
        self._places = Places(max_connections, max_connections_per_address)
        self._address = (host, port)
        self._answering: Answering = _not_ready
        self._passage: Passage | None = None

    @property
    def url(self) -> str:
        """`http://127.0.0.1:8080`."""
        host, port = self._address
        return f"http://{f'[{host}]' if ':' in host else host}:{port}"

    def answer_with(self, answering: Answering, passage: Passage | None = None) -> None:
        """Answer the requests from now on with this; without a passage, 404 to WebSockets."""
        self._answering, self._passage = answering, passage

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
        address: str = writer.get_extra_info("peername")[0]
        try:
            with self._places.taken(address) as has_place:
                if not has_place:
                    busy = "Too many connections are open."
                    await send(writer, Answer.plain(HTTPStatus.SERVICE_UNAVAILABLE, busy))
                elif request := await _request(reader, writer):
                    await self._respond(request, address, reader, writer)
        except OSError:  # the client has gone
            pass
        finally:
            writer.close()

    async def _respond(
        self,
        request: Request,
        address: str,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        if "Upgrade" in request.headers:
            if self._passage:
                await self._passage.carry(request, address, reader, writer)
            else:
                await send(writer, Answer.plain(HTTPStatus.NOT_FOUND))
        elif request.method not in METHODS:
            await send(writer, Answer.plain(HTTPStatus.METHOD_NOT_ALLOWED))
        else:
            path = request.path.partition("?")[0]
            answer = await asyncio.to_thread(self._answering, path)
            await send(writer, answer, with_body=request.method != "HEAD")


async def _request(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Request | None:
    """Return the request once its head is complete; None if it is refused, or never comes."""
    try:
        async with asyncio.timeout(HEAD_SECONDS):
            head = await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, TimeoutError):
        return None
    except asyncio.LimitOverrunError:
        await send(writer, Answer.plain(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE))
        return None
    protocol = ServerProtocol()
    protocol.receive_data(head)
    for event in protocol.events_received():
        if isinstance(event, Request):
            return event
    await send(writer, Answer.plain(HTTPStatus.BAD_REQUEST))
    return None


def _not_ready(path: str) -> Answer:
    return Answer.plain(HTTPStatus.SERVICE_UNAVAILABLE, "The pages are not ready yet.")
