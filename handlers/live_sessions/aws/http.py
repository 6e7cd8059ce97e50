"""One AWS endpoint over kept-alive connections, signed, without boto3.

Proxies and redirects are ignored. Whether an answer's status is a failure is the caller's to say.
"""

import time
from collections import deque
from collections.abc import Mapping
from types import MappingProxyType
from urllib.parse import urlsplit

from live_sessions.aws.http_connection import (
    HttpConnection,
    MalformedAnswer,
    PeerClosed,
    Response,
    tls,
)
from live_sessions.aws.signing import Signer
from live_sessions.environment import AwsEnvironment

IDLE_LIMIT_SECONDS = 50
"""A connection that was given up while the function was frozen may not show it; by the wall clock,
since others may stand still in that time.
"""

NO_HEADERS: Mapping[str, str] = MappingProxyType({})


class NoAnswer(Exception):
    """No answer came; `may_have_arrived` unless the request was not sent at all.

    Its text holds neither host nor path.
    """

    def __init__(self, reason: str, *, may_have_arrived: bool) -> None:
        super().__init__(reason)
        self.reason = reason
        self.may_have_arrived = may_have_arrived


class CallFailed(Exception):
    """AWS answered with an error: its status and its code, which may be empty."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(f"{status} {code}".rstrip())
        self.status = status
        self.code = code


class AwsHttp:
    """Safe to use from many threads: each request has a connection to itself."""

    def __init__(
        self, endpoint: str, service: str, aws: AwsEnvironment, *, timeout_seconds: float
    ) -> None:
        """`timeout_seconds` is for connecting and for the answer together."""
        url = urlsplit(endpoint)
        if url.scheme not in ("http", "https") or url.hostname is None:
            raise ValueError(f"{endpoint!r} is not an http or https URL")
        self.service = service
        self._encrypted = url.scheme == "https"
        self._host = url.hostname
        self._port = url.port or (443 if self._encrypted else 80)
        self._path = url.path.rstrip("/")
        self._timeout_seconds = timeout_seconds
        default_port = 443 if self._encrypted else 80
        named = url.hostname if self._port == default_port else f"{url.hostname}:{self._port}"
        self._signer = Signer(aws, service, named)
        self._idle: deque[tuple[HttpConnection, float]] = deque()
        if self._encrypted:
            tls()

    def request(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        headers: Mapping[str, str] = NO_HEADERS,
    ) -> Response:
        """Send one request; `path` is percent-encoded and follows the endpoint's own.

        A connection that its peer closed while it was idle is replaced, once, if no byte of an
        answer has come. Raises NoAnswer.
        """
        began_seconds = time.monotonic()
        path = self._path + path
        sent = self._signer.signed(method, path, headers, body, at_seconds=time.time())
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
                connection, idle_since_seconds = self._idle.pop()
            except IndexError:
                return None
            idle_seconds = time.time() - idle_since_seconds
            if idle_seconds < IDLE_LIMIT_SECONDS and not connection.is_stale():
                return connection
            connection.close()

    def _connect(self, began_seconds: float) -> HttpConnection:
        try:
            return HttpConnection(
                self._host,
                self._port,
                encrypted=self._encrypted,
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
                self._idle.append((connection, time.time()))
            else:
                connection.close()
        return response

    def _remaining_seconds(self, began_seconds: float) -> float:
        return max(0.001, began_seconds + self._timeout_seconds - time.monotonic())


def _reason(step: str, failure: Exception) -> str:
    kind = "timed out" if isinstance(failure, TimeoutError) else type(failure).__name__
    return f"{step}: {kind}"
