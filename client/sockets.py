"""One socket of the wire protocol, and the frames that came over it."""

import itertools
import json
import socket
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from websockets.exceptions import ConnectionClosed, InvalidStatus, InvalidURI
from websockets.sync.client import ClientConnection, connect

REPLY_TIMEOUT_SECONDS = 10.0
OPEN_TIMEOUT_SECONDS = 20.0
CLOSE_TIMEOUT_SECONDS = 5.0
PARALLEL_OPENS = 16
CHUNK_MILLISECONDS = 100

FrameHook = Callable[["Client", "Frame"], None]


class HandshakeRefused(Exception):
    """The WebSocket handshake was answered with an HTTP status other than 101."""

    def __init__(self, status: int) -> None:
        super().__init__(f"the handshake was refused with HTTP {status}")
        self.status = status


class SocketNotOpened(OSError):
    """No handshake came about; the message is without the URL's query, which may hold a token."""


class FrameMissing(AssertionError):
    """A frame that was waited for did not come; the message lists those that did."""


@dataclass(frozen=True)
class Frame:
    """One message from the server; `received_at` is of the monotonic clock, in seconds."""

    body: Mapping[str, Any]
    received_at: float

    @property
    def type(self) -> str:
        """The frame's type, or "" for an answer of API Gateway's own, which has none."""
        return str(self.body.get("type", ""))

    def __getitem__(self, name: str) -> Any:
        return self.body[name]

    def get(self, name: str, default: Any = None) -> Any:
        return self.body.get(name, default)


class Client:
    """One open socket. Frames are collected as they arrive; `expect` hands out each one once."""

    def __init__(
        self, url: str, *, name: str = "client", on_frame: FrameHook | None = None
    ) -> None:
        """Open the socket; raises HandshakeRefused, SocketNotOpened, OSError, WebSocketException.

        No message of theirs holds the URL's query.
        """
        self.name = name
        self.close_code: int | None = None
        self._on_frame = on_frame
        self._frames: list[Frame] = []
        self._taken: set[int] = set()
        self._news = threading.Condition()
        self._closed = False
        self._request_numbers = itertools.count(1)
        self._connection = _opened(url)
        self._reader = threading.Thread(target=self._read, name=f"{name}-reader", daemon=True)
        self._reader.start()

    def send(self, action: str, **fields: Any) -> str:
        """Send one action with a fresh requestId, and return that."""
        request_id = f"{self.name}-{next(self._request_numbers)}"
        self.send_text(json.dumps({"action": action, "requestId": request_id, **fields}))
        return request_id

    def send_text(self, text: str | Iterable[str]) -> None:
        """Send text as it is; several strings go out as the frames of one message."""
        self._connection.send(text)

    def send_bytes(self, data: bytes) -> None:
        """Send one binary frame."""
        self._connection.send(data)

    def ask(
        self, action: str, timeout_seconds: float = REPLY_TIMEOUT_SECONDS, **fields: Any
    ) -> Frame:
        """Send one action and return its reply, or its error frame."""
        return self.answer_to(self.send(action, **fields), timeout_seconds)

    def answer_to(self, request_id: str, timeout_seconds: float = REPLY_TIMEOUT_SECONDS) -> Frame:
        """Return the reply, or the error frame, to what was sent before."""
        return self._take(
            lambda frame: frame.get("requestId") == request_id,
            f"the reply to {request_id}",
            timeout_seconds,
        )

    def expect(
        self, frame_type: str, timeout_seconds: float = REPLY_TIMEOUT_SECONDS, **fields: Any
    ) -> Frame:
        """Return the oldest frame of this type, with these fields, that was not yet handed out.

        Raises FrameMissing when none comes in time, or none can come any more.
        """
        return self._take(
            lambda frame: (
                frame.type == frame_type
                and all(frame.get(name) == value for name, value in fields.items())
            ),
            f"{frame_type} {fields or ''}".rstrip(),
            timeout_seconds,
        )

    def expect_no(self, frame_type: str, for_seconds: float) -> None:
        """Wait out the time; raises AssertionError as soon as such a frame arrives."""
        try:
            frame = self.expect(frame_type, timeout_seconds=for_seconds)
        except FrameMissing:
            return
        raise AssertionError(f"{self.name} received {dict(frame.body)}, which nobody awaited")

    def expect_close(self, timeout_seconds: float = REPLY_TIMEOUT_SECONDS) -> int | None:
        """Wait until the server has closed the socket; return its close code, None without one."""
        with self._news:
            if not self._news.wait_for(lambda: self._closed, timeout_seconds):
                raise FrameMissing(f"{self.name}'s socket is still open after {timeout_seconds} s")
        return self.close_code

    def received(self, frame_type: str | None = None) -> list[Frame]:
        """Return all frames so far, of one type or of any, handed out or not."""
        with self._news:
            return [frame for frame in self._frames if frame_type in (None, frame.type)]

    @property
    def is_open(self) -> bool:
        return not self._closed

    def close(self) -> None:
        """Close the socket as a well-behaved client does."""
        self._connection.close()
        self._reader.join(CLOSE_TIMEOUT_SECONDS)

    def drop(self) -> None:
        """Cut the connection without a close frame, as a lost network does."""
        self._connection.socket.shutdown(socket.SHUT_RDWR)
        self._reader.join(CLOSE_TIMEOUT_SECONDS)

    def _take(
        self, wanted: Callable[[Frame], bool], description: str, timeout_seconds: float
    ) -> Frame:
        deadline = time.monotonic() + timeout_seconds
        seen = 0
        with self._news:
            while True:
                for index in range(seen, len(self._frames)):
                    if index not in self._taken and wanted(self._frames[index]):
                        self._taken.add(index)
                        return self._frames[index]
                seen = len(self._frames)
                remaining = deadline - time.monotonic()
                if self._closed or remaining <= 0:
                    break
                self._news.wait(remaining)
            state = f"closed with {self.close_code}" if self._closed else "open"
            raise FrameMissing(
                f"{self.name} did not receive {description} within {timeout_seconds:g} s; "
                f"its socket is {state}; it received {[dict(f.body) for f in self._frames]}"
            )

    def _read(self) -> None:
        try:
            while True:
                self._keep(self._connection.recv())
        except ConnectionClosed as closed:
            with self._news:
                self.close_code = closed.rcvd.code if closed.rcvd else None
                self._closed = True
                self._news.notify_all()

    def _keep(self, message: str | bytes) -> None:
        frame = Frame(json.loads(message), time.monotonic())
        with self._news:
            self._frames.append(frame)
            self._news.notify_all()
        if self._on_frame:
            self._on_frame(self, frame)


def _opened(url: str) -> ClientConnection:
    try:
        return connect(
            url,
            # The local cloud is on loopback; a deployed one may be behind the host's proxy.
            proxy=True if url.startswith("wss:") else None,
            compression=None,
            open_timeout=OPEN_TIMEOUT_SECONDS,
            close_timeout=CLOSE_TIMEOUT_SECONDS,
            ping_interval=None,
            max_queue=None,
            legacy=True,
        )
    except InvalidStatus as refusal:
        raise HandshakeRefused(refusal.response.status_code) from None
    except InvalidURI:
        raise SocketNotOpened(
            f"{_without_query(url)!r} is no WebSocket URL: it takes ws:// or wss:// and a host"
        ) from None
    except Exception as error:
        if _tells_query(url, str(error)):
            raise SocketNotOpened(
                f"no socket at {_without_query(url)!r}: {type(error).__name__}"
            ) from None
        raise


def _without_query(url: str) -> str:
    return url.partition("?")[0]


def _tells_query(url: str, text: str) -> bool:
    query = url.partition("?")[2]
    return any(secret and secret in text for secret in (query, *dict(parse_qsl(query)).values()))
