"""One AWS endpoint over kept-alive HTTP/1.1 connections, with signed requests and without boto3.

A request costs a third of the processor time that http.client takes (benchmarks/fan_out.py), which
spends most of it on parsing headers that nothing here reads. Proxies and redirects are ignored. The
caller decides which statuses are failures.
"""

import hmac
import select
import socket
import ssl
import time
from collections import deque
from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from types import MappingProxyType
from typing import NamedTuple
from urllib.parse import quote, urlsplit

from live_sessions.aws.credentials import KeysUnavailable, keys_of
from live_sessions.aws.runtime import SYSTEM_CLOCK, AwsEnvironment, Clock

IDLE_LIMIT_SECONDS = 50
"""An older idle connection is replaced. By the wall clock: a monotonic clock may stand still while
the function is frozen.
"""

NO_HEADERS: Mapping[str, str] = MappingProxyType({})


class Response(NamedTuple):
    """An HTTP response, without its headers."""

    status: int
    body: bytes


class PeerClosed(Exception):
    """The peer closed the connection before the first byte of a response."""


class MalformedAnswer(Exception):
    """The peer does not speak HTTP/1.1, or stopped in the middle of a response."""


@cache
def tls() -> ssl.SSLContext:
    """One context for all connections: loading the certificate authorities takes some 40 ms."""
    return ssl.create_default_context()


class HttpConnection:
    """One connection, one exchange at a time. Connects on creation, with TLS if there is a context.

    Raises OSError (TimeoutError and ssl.SSLError are subclasses).
    """

    def __init__(
        self, host: str, port: int, *, tls: ssl.SSLContext | None, timeout_seconds: float
    ) -> None:
        self.is_reusable = True
        """False once the peer closes the connection after its response."""
        plain = socket.create_connection((host, port), timeout_seconds)
        try:
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._socket = tls.wrap_socket(plain, server_hostname=host) if tls else plain
        except BaseException:
            plain.close()
            raise
        self._answers = self._socket.makefile("rb")
        self._readable = select.poll()
        self._readable.register(self._socket, select.POLLIN)

    def is_stale(self) -> bool:
        """Whether the peer closed the connection while it was idle."""
        return bool(self._readable.poll(0))

    def close(self) -> None:
        """Close the socket."""
        self._answers.close()
        self._socket.close()

    def exchange(self, request: bytes, *, timeout_seconds: float) -> Response:
        """Send a whole request and read the response.

        Raises PeerClosed, MalformedAnswer or OSError; then the connection cannot be used again.
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
            raise ValueError("the response ends within a line")
        return line

    def _exactly(self, size: int) -> bytes:
        body = self._answers.read(size)
        if len(body) < size:
            raise ValueError("the response ends within its body")
        return body


class Signer:
    """Signature Version 4 for one service at one host; derives a secret's key once a day.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
    """

    def __init__(self, aws: AwsEnvironment, service: str, host: str) -> None:
        self._aws = aws
        self._service = service
        self._host = host
        self._derived = (("", ""), b"")

    def signed(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes, *, at_seconds: float
    ) -> dict[str, str]:
        """The headers to send: those given, all signed, and the signature's own.

        `path` is percent-encoded, as sent; `at_seconds` is the epoch time of sending. Raises
        KeysUnavailable.
        """
        date = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(at_seconds))
        sent = {name.lower(): value for name, value in headers.items()}
        sent["host"] = self._host
        sent["x-amz-date"] = date
        keys = keys_of(self._aws)
        if keys.session_token is not None:
            sent["x-amz-security-token"] = keys.session_token
        names = sorted(sent)
        signed_names = ";".join(names)
        canonical_headers = "".join(f"{name}:{' '.join(sent[name].split())}\n" for name in names)
        canonical_request = (
            f"{method}\n{quote(path, safe='/~')}\n\n{canonical_headers}\n{signed_names}\n"
            f"{sha256(body).hexdigest()}"
        )
        day = date[:8]
        scope = f"{day}/{self._aws.aws_region}/{self._service}/aws4_request"
        text = (
            f"AWS4-HMAC-SHA256\n{date}\n{scope}\n{sha256(canonical_request.encode()).hexdigest()}"
        )
        signature = _keyed_hash(self._key_of(day, keys.secret_access_key), text).hex()
        sent["authorization"] = (
            f"AWS4-HMAC-SHA256 Credential={keys.access_key_id}/{scope}, "
            f"SignedHeaders={signed_names}, Signature={signature}"
        )
        return sent

    def _key_of(self, day: str, secret: str) -> bytes:
        known, key = self._derived
        if (day, secret) != known:
            key = f"AWS4{secret}".encode()
            for part in (day, self._aws.aws_region, self._service, "aws4_request"):
                key = _keyed_hash(key, part)
            self._derived = ((day, secret), key)
        return key


def _keyed_hash(key: bytes, text: str) -> bytes:
    return hmac.digest(key, text.encode(), "sha256")


class NoAnswer(Exception):
    """No response came; `may_have_arrived` is False only if the request was never sent.

    The text holds neither host nor path.
    """

    def __init__(self, reason: str, *, may_have_arrived: bool) -> None:
        super().__init__(reason)
        self.reason = reason
        self.may_have_arrived = may_have_arrived


class CallFailed(Exception):
    """AWS responded with an error: its HTTP status and its code, which may be empty."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(f"{status} {code}".rstrip())
        self.status = status
        self.code = code


class AwsHttp:
    """A client for one endpoint. Thread-safe: each request has its own connection."""

    def __init__(
        self,
        endpoint: str,
        service: str,
        aws: AwsEnvironment,
        *,
        timeout_seconds: float,
        clock: Clock = SYSTEM_CLOCK,
        trusting: ssl.SSLContext | None = None,
    ) -> None:
        """`timeout_seconds` covers connecting and the response together.

        `trusting` has the certificate authorities for an https endpoint; None: the system's.
        """
        url = urlsplit(endpoint)
        if url.scheme not in ("http", "https") or url.hostname is None:
            raise ValueError(f"{endpoint!r} is not an http or https URL")
        self.service = service
        self._tls = (trusting or tls()) if url.scheme == "https" else None
        self._host = url.hostname
        default_port = 443 if self._tls else 80
        self._port = url.port or default_port
        self._path = url.path.rstrip("/")
        self._timeout_seconds = timeout_seconds
        self._clock = clock
        named = url.hostname if self._port == default_port else f"{url.hostname}:{self._port}"
        self._signer = Signer(aws, service, named)
        self._idle: deque[tuple[HttpConnection, int]] = deque()

    def request(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        headers: Mapping[str, str] = NO_HEADERS,
    ) -> Response:
        """Send one request; `path` is percent-encoded and follows the endpoint's own.

        A connection that the peer closed while it was idle is replaced once, unless a byte of a
        response has come. Raises NoAnswer.
        """
        began_seconds = self._clock.monotonic()
        path = self._path + path
        at_seconds = self._clock.now_ms() / 1000
        try:
            sent = self._signer.signed(method, path, headers, body, at_seconds=at_seconds)
        except KeysUnavailable as failure:
            raise NoAnswer(_reason("not signed", failure), may_have_arrived=False) from None
        lines = "".join(f"{name}: {value}\r\n" for name, value in sent.items())
        text = f"{method} {path} HTTP/1.1\r\ncontent-length: {len(body)}\r\n{lines}\r\n"
        request = text.encode("latin-1") + body
        connection = self._take_idle()
        if connection is not None:
            try:
                return self._exchange(connection, request, began_seconds)
            except PeerClosed:
                pass
        connection = self._connect(began_seconds)
        try:
            return self._exchange(connection, request, began_seconds)
        except PeerClosed:
            raise NoAnswer("connection closed", may_have_arrived=True) from None

    def _take_idle(self) -> HttpConnection | None:
        while True:
            try:
                connection, idle_since_ms = self._idle.pop()
            except IndexError:
                return None
            idle_ms = self._clock.now_ms() - idle_since_ms
            if idle_ms < IDLE_LIMIT_SECONDS * 1000 and not connection.is_stale():
                return connection
            connection.close()

    def _connect(self, began_seconds: float) -> HttpConnection:
        try:
            return HttpConnection(
                self._host,
                self._port,
                tls=self._tls,
                timeout_seconds=self._remaining_seconds(began_seconds),
            )
        except OSError as failure:
            raise NoAnswer(_reason("not connected", failure), may_have_arrived=False) from None

    def _exchange(
        self, connection: HttpConnection, request: bytes, began_seconds: float
    ) -> Response:
        is_reusable = False
        try:
            response = connection.exchange(
                request, timeout_seconds=self._remaining_seconds(began_seconds)
            )
            is_reusable = connection.is_reusable
        except (OSError, MalformedAnswer) as failure:
            raise NoAnswer(_reason("no answer", failure), may_have_arrived=True) from None
        finally:
            if is_reusable:
                self._idle.append((connection, self._clock.now_ms()))
            else:
                connection.close()
        return response

    def _remaining_seconds(self, began_seconds: float) -> float:
        return max(0.001, began_seconds + self._timeout_seconds - self._clock.monotonic())


def _reason(step: str, failure: Exception) -> str:
    kind = "timed out" if isinstance(failure, TimeoutError) else type(failure).__name__
    return f"{step}: {kind}"
