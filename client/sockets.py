"""One WebSocket of the wire protocol, and the frames received on it."""

import itertools
import json
import socket
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from websockets.exceptions import ConnectionClosed, InvalidStatus, InvalidURI
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

REPLY_TIMEOUT_SECONDS = 10.0
OPEN_TIMEOUT_SECONDS = 20.0
CLOSE_TIMEOUT_SECONDS = 5.0

FrameHook = Callable[["Client", "Frame"], None]


class HandshakeRefused(Exception):
    """The WebSocket handshake was answered with an HTTP status other than 101."""

    def __init__(self, status: int) -> None:
        super().__init__(f"the handshake was refused with HTTP {status}")
        self.status = status


class SocketNotOpened(OSError):
    """The socket could not be opened. The message omits the URL's query, which may hold a token."""


class SubprotocolNotAnswered(SocketNotOpened):
    """The service speaks none of the offered subprotocols, so it has not seen a token in them."""


class FrameMissing(AssertionError):
    """An expected frame was not received; the message lists the frames that were."""


@dataclass(frozen=True)
class Frame:
    """One message from the server; `received_at` is in seconds of `time.monotonic()`."""

    body: Mapping[str, Any]
    received_at: float

    @property
    def type(self) -> str:
        """The frame's type, or "" for a frame sent by API Gateway itself, which has none."""
        return str(self.body.get("type", ""))

    def __getitem__(self, name: str) -> Any:
        return self.body[name]

    def get(self, name: str, default: Any = None) -> Any:
        """Return a field of the body, or the default if it is missing."""
        return self.body.get(name, default)


class Client:
    """One open socket. Frames are collected as they arrive; `expect` returns each one once."""

    def __init__(
        self,
        url: str,
        *,
        subprotocols: Sequence[str] = (),
        name: str = "client",
        on_frame: FrameHook | None = None,
    ) -> None:
        """Open the socket; raises HandshakeRefused, SocketNotOpened, OSError, WebSocketException.

        The service has to choose one of the `subprotocols`, if there are any. The messages of these
        errors omit the URL's query and the subprotocols.
        """
        self.name = name
        self.close_code: int | None = None
        self._on_frame = on_frame
        self._frames: list[Frame] = []
        self._taken: set[int] = set()
        self._changed = threading.Condition()
        self._closed = False
        self._request_numbers = itertools.count(1)
        self._connection = _opened(url, subprotocols)
        self._reader = threading.Thread(target=self._read, name=f"{name}-reader", daemon=True)
        self._reader.start()

    def send(self, action: str, **fields: Any) -> str:
        """Send one action with a new requestId; return the requestId."""
        request_id = f"{self.name}-{next(self._request_numbers)}"
        self.send_text(json.dumps({"action": action, "requestId": request_id, **fields}))
        return request_id

    def send_text(self, text: str | Iterable[str]) -> None:
        """Send text unchanged; several strings are sent as the fragments of one message."""
        self._connection.send(text)

    def send_bytes(self, data: bytes) -> None:
        """Send one binary frame."""
        self._connection.send(data)

    def ask(
        self, action: str, timeout_seconds: float = REPLY_TIMEOUT_SECONDS, **fields: Any
    ) -> Frame:
        """Send one action; return its reply or its error frame. Raises FrameMissing."""
        return self.answer_to(self.send(action, **fields), timeout_seconds)

    def answer_to(self, request_id: str, timeout_seconds: float = REPLY_TIMEOUT_SECONDS) -> Frame:
        """Return the reply, or the error frame, to an earlier `send`. Raises FrameMissing."""
        return self._take(
            lambda frame: frame.get("requestId") == request_id,
            f"the reply to {request_id}",
            timeout_seconds,
        )

    def expect(
        self, frame_type: str, timeout_seconds: float = REPLY_TIMEOUT_SECONDS, **fields: Any
    ) -> Frame:
        """Return the oldest frame of this type, with these fields, that was not returned before.

        Raises FrameMissing when the time is over, or at once when the socket has closed.
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
        """Wait for the given time; raises AssertionError as soon as such a frame arrives."""
        try:
            frame = self.expect(frame_type, timeout_seconds=for_seconds)
        except FrameMissing:
            return
        raise AssertionError(f"{self.name} received an unexpected {dict(frame.body)}")

    def expect_close(self, timeout_seconds: float = REPLY_TIMEOUT_SECONDS) -> int | None:
        """Wait until the server closes the socket; return the close code, None if it sent none."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._closed, timeout_seconds):
                raise FrameMissing(f"{self.name}'s socket is still open after {timeout_seconds} s")
        return self.close_code

    def received(self, frame_type: str | None = None) -> list[Frame]:
        """Return all frames received so far, of one type or of any, including returned ones."""
        with self._changed:
            return [frame for frame in self._frames if frame_type in (None, frame.type)]

    @property
    def is_open(self) -> bool:
        """Whether the connection is still open."""
        return not self._closed

    def close(self) -> None:
        """Close the socket with a close frame."""
        self._connection.close()
        self._reader.join(CLOSE_TIMEOUT_SECONDS)

    def drop(self) -> None:
        """Drop the connection without a close frame: API Gateway does not notice it, as if the
        network were cut.
        """
        self._connection.socket.shutdown(socket.SHUT_RDWR)
        self._reader.join(CLOSE_TIMEOUT_SECONDS)

    def _take(
        self, wanted: Callable[[Frame], bool], description: str, timeout_seconds: float
    ) -> Frame:
        deadline = time.monotonic() + timeout_seconds
        seen = 0
        with self._changed:
            while True:
                for index in range(seen, len(self._frames)):
                    if index not in self._taken and wanted(self._frames[index]):
                        self._taken.add(index)
                        return self._frames[index]
                seen = len(self._frames)
                remaining = deadline - time.monotonic()
                if self._closed or remaining <= 0:
                    break
                self._changed.wait(remaining)
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
            with self._changed:
                self.close_code = closed.rcvd.code if closed.rcvd else None
                self._closed = True
                self._changed.notify_all()

    def _keep(self, message: str | bytes) -> None:
        frame = Frame(json.loads(message), time.monotonic())
        with self._changed:
            self._frames.append(frame)
            self._changed.notify_all()
        if self._on_frame:
            self._on_frame(self, frame)


def _opened(url: str, subprotocols: Sequence[str]) -> ClientConnection:
    try:
        connection = connect(
            url,
            subprotocols=[Subprotocol(each) for each in subprotocols] or None,
            # The local cloud is on loopback; AWS may be reachable only through the host's proxy.
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
            f"{_without_query(url)!r} is not a WebSocket URL: it needs ws:// or wss:// and a host"
        ) from None
    except Exception as error:
        if _contains_secret(url, subprotocols, str(error)):
            raise SocketNotOpened(
                f"no socket at {_without_query(url)!r}: {type(error).__name__}"
            ) from None
        raise
    if subprotocols and connection.subprotocol is None:
        connection.close()
        raise SubprotocolNotAnswered(
            f"{_without_query(url)!r} chose none of the offered subprotocols: the stack is of a "
            "release without them; update it"
        )
    return connection


def _without_query(url: str) -> str:
    return url.partition("?")[0]


def _contains_secret(url: str, subprotocols: Sequence[str], text: str) -> bool:
    query = url.partition("?")[2]
    secrets = (query, *dict(parse_qsl(query)).values(), *subprotocols)
    return any(secret and secret in text for secret in secrets)
