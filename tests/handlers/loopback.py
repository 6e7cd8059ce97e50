"""An HTTP/1.1 server on loopback; the test decides each response, byte by byte."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

from tests.patience import PATIENCE_SECONDS

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


@dataclass(frozen=True)
class Received:
    """A request; `connection` numbers the TCP connections from 0, `number` the requests on each."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    connection: int
    number: int


class HangUp(Exception):
    """Raised by an answer: send these bytes and close the connection."""

    def __init__(self, last_bytes: bytes = b"") -> None:
        self.last_bytes = last_bytes


def status(code: int, body: bytes = b"") -> bytes:
    return f"HTTP/1.1 {code} Status\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body


@dataclass
class Loopback:
    answer: Callable[[Received], bytes]
    tls: ssl.SSLContext | None = None
    requests: list[Received] = field(default_factory=list)
    connections: list[socket.socket] = field(default_factory=list)
    ended: dict[int, threading.Event] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        scheme = "https" if self.tls else "http"
        self.url = f"{scheme}://localhost:{self._listener.getsockname()[1]}"
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            number = len(self.connections)
            self.connections.append(connection)
            self.ended[number] = threading.Event()
            threading.Thread(target=self._serve, args=(number, connection), daemon=True).start()

    def _serve(self, connection_number: int, connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        number = 0
        with contextlib.suppress(OSError), contextlib.ExitStack() as closing:
            closing.enter_context(connection)
            if self.tls is not None:
                connection = closing.enter_context(
                    self.tls.wrap_socket(connection, server_side=True)
                )
                self.connections[connection_number] = connection
            incoming = closing.enter_context(connection.makefile("rb"))
            while (request := _read(incoming, connection_number, number)) is not None:
                self.requests.append(request)
                try:
                    connection.sendall(self.answer(request))
                except HangUp as hang_up:
                    connection.sendall(hang_up.last_bytes)
                    break
                number += 1
        self.ended[connection_number].set()

    def close_idle(self) -> None:
        """Close every connection, as a server does with those that were idle for too long."""
        for number, connection in enumerate(self.connections):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            assert self.ended[number].wait(PATIENCE_SECONDS)

    def stop(self) -> None:
        # close() alone does not end a pending accept(), and its descriptor may be reused.
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._accepting.join(PATIENCE_SECONDS)
        self._listener.close()
        for connection in self.connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


def _read(incoming: BinaryIO, connection: int, number: int) -> Received | None:
    first = incoming.readline().decode()
    if not first:
        return None
    method, path, _ = first.split()
    headers: dict[str, str] = {}
    while (line := incoming.readline().decode()) != "\r\n":
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    body = incoming.read(int(headers.get("content-length", "0")))
    return Received(method, path, headers, body, connection, number)


@contextlib.contextmanager
def serving(
    answer: Callable[[Received], bytes], tls: ssl.SSLContext | None = None
) -> Iterator[Loopback]:
    server = Loopback(answer, tls)
    try:
        yield server
    finally:
        server.stop()
