"""One kept-alive HTTP/1.1 connection, one exchange at a time.

A request costs a third of the processor time that http.client takes (benchmarks/fan_out.py), most
of which goes into parsing headers that nobody here reads.
"""

import select
import socket
import ssl
from functools import cache
from typing import NamedTuple


class Response(NamedTuple):
    status: int
    body: bytes


class PeerClosed(Exception):
    """The peer closed the connection before the first byte of an answer."""


class MalformedAnswer(Exception):
    """The peer does not speak HTTP/1.1, or stopped in the middle of an answer."""


@cache
def tls() -> ssl.SSLContext:
    """One for all connections: reading the certificate authorities takes some 40 ms."""
    return ssl.create_default_context()


class HttpConnection:
    """Connects at once. Raises OSError, of which TimeoutError and ssl.SSLError are kinds."""

    def __init__(self, host: str, port: int, *, encrypted: bool, timeout_seconds: float) -> None:
        self.is_reusable = True
        """False once the peer closes the connection after its answer."""
        plain = socket.create_connection((host, port), timeout_seconds)
        try:
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._socket = tls().wrap_socket(plain, server_hostname=host) if encrypted else plain
        except BaseException:
            plain.close()
            raise
        self._answers = self._socket.makefile("rb")
        self._readable = select.poll()
        self._readable.register(self._socket, select.POLLIN)

    def is_stale(self) -> bool:
        """Closed by the peer while idle."""
        return bool(self._readable.poll(0))

    def close(self) -> None:
        self._answers.close()
        self._socket.close()

    def exchange(self, request: bytes, *, timeout_seconds: float) -> Response:
        """Send a whole request and read its answer.

        Raises PeerClosed, MalformedAnswer or OSError; then the connection is of no more use.
        """
        self._socket.settimeout(timeout_seconds)
        try:
            self._socket.sendall(request)
            first_bytes = self._answers.peek(1)
        except (ConnectionError, ssl.SSLEOFError, ssl.SSLZeroReturnError):
            raise PeerClosed from None
        if not first_bytes:
            raise PeerClosed
        try:
            return self._answer()
        except ValueError:
            raise MalformedAnswer from None

    def _answer(self) -> Response:
        version, code, *_ = self._line().split(None, 2)
        status = int(code)
        if not version.startswith(b"HTTP/1."):
            raise ValueError(version)
        length, chunked, closing = None, False, version == b"HTTP/1.0"
        while (line := self._line()) != b"\r\n":
            name, _, value = line.partition(b":")
            name, value = name.lower(), value.strip()
            if name == b"content-length":
                length = int(value)
            elif name == b"transfer-encoding":
                chunked = value.lower() == b"chunked"
            elif name == b"connection":
                closing = value.lower() == b"close"
        if status < 200:
            return self._answer()
        if status in (204, 304):
            body = b""
        elif chunked:
            body = self._chunks()
        elif length is not None:
            body = self._exactly(length)
        else:
            body, closing = self._answers.read(), True
        self.is_reusable = not closing
        return Response(status, body)

    def _chunks(self) -> bytes:
        body = bytearray()
        while size := int(self._line().split(b";")[0], 16):
            body += self._exactly(size)
            self._line()
        while self._line() != b"\r\n":
            pass
        return bytes(body)

    def _line(self) -> bytes:
        line = self._answers.readline()
        if not line.endswith(b"\r\n"):
            raise ValueError("the answer ends within a line")
        return line

    def _exactly(self, size: int) -> bytes:
        body = self._answers.read(size)
        if len(body) < size:
            raise ValueError("the answer ends within its body")
        return body
