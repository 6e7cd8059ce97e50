"""HTTP as bytes, for what no client library sends."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

from tests.patience import PATIENCE_SECONDS

HANDSHAKE = (
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
)


@contextlib.contextmanager
def connected(url: str, *, source: str | None = None) -> Iterator[socket.socket]:
    target = urlsplit(url)
    assert target.hostname
    assert target.port
    with socket.create_connection(
        (target.hostname, target.port),
        PATIENCE_SECONDS,
        source_address=(source, 0) if source else None,
    ) as connection:
        yield connection


def request(path: str, *headers: str, method: str = "GET") -> bytes:
    lines = (f"{method} {path} HTTP/1.1", "Host: here", *headers)
    return "".join(f"{line}\r\n" for line in (*lines, "")).encode()


def exchange(url: str, sent: bytes) -> bytes:
    """What comes back until the server closes the connection."""
    with connected(url) as connection:
        connection.sendall(sent)
        return everything(connection)


def everything(connection: socket.socket) -> bytes:
    received = b""
    with contextlib.suppress(ConnectionResetError):
        while data := connection.recv(65_536):
            received += data
    return received


def status_of(response: bytes) -> int:
    return int(response.split(maxsplit=2)[1])
