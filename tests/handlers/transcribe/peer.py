"""A peer on loopback that a test scripts: a real WebSocket server, or bytes of the test's own."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import logging
import re
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from websockets.exceptions import ConnectionClosed
from websockets.sync.server import ServerConnection, serve

from live_sessions.audio.transcribe import Message, decode
from live_sessions.audio.transcribe_socket import StreamLimits
from live_sessions.aws.runtime import AwsEnvironment
from tests.patience import OUT_OF_REACH_SECONDS, PATIENCE_SECONDS

SECRET, TOKEN = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "IQoJb3JpZ2luX2VjE//+token=="
KEY_ID = "AKIAIOSFODNN7EXAMPLE"

UNHURRIED = {
    "open_timeout": OUT_OF_REACH_SECONDS,
    "close_timeout": OUT_OF_REACH_SECONDS,
    "ping_interval": None,
    # A close could wait for ever behind audio that no script takes.
    "max_queue": None,
}

UNLIMITED = StreamLimits(
    open=OUT_OF_REACH_SECONDS,
    send=OUT_OF_REACH_SECONDS,
    close=OUT_OF_REACH_SECONDS,
    taken_within=OUT_OF_REACH_SECONDS,
    last_results=OUT_OF_REACH_SECONDS,
    silence=OUT_OF_REACH_SECONDS,
    verdict=OUT_OF_REACH_SECONDS,
    poll=0.001,
)
"""Of a stream's limits a test meets only those that it sets itself."""

_QUIET = logging.Logger("peer")
_QUIET.disabled = True


def aws_at(endpoint: str) -> AwsEnvironment:
    return AwsEnvironment(
        aws_region="eu-central-1",
        aws_access_key_id=KEY_ID,
        aws_secret_access_key=SECRET,
        aws_session_token=TOKEN,
        aws_endpoint_url_transcribe_streaming=endpoint,
    )


@dataclass
class Peer:
    endpoint: str
    connections: list[ServerConnection] = field(default_factory=list)
    connected: threading.Event = field(default_factory=threading.Event)
    ended: threading.Event = field(default_factory=threading.Event)
    """Set when a script has run to its end or its connection is gone."""

    is_over: threading.Event = field(default_factory=threading.Event)
    """Set when the test has no more use for the peer: a script that hangs may go."""

    def aws(self) -> AwsEnvironment:
        return aws_at(self.endpoint)

    def connection(self) -> ServerConnection:
        """The first one, as soon as the server has it."""
        assert self.connected.wait(PATIENCE_SECONDS)
        return self.connections[0]


def audio_of(connection: ServerConnection) -> Iterator[bytes]:
    """The audio that comes, up to the empty event that ends it."""
    while True:
        frame = connection.recv(PATIENCE_SECONDS)
        message: Message = decode(frame)
        assert message.headers == {
            ":message-type": "event",
            ":event-type": "AudioEvent",
            ":content-type": "application/octet-stream",
        }
        if not message.payload:
            return
        yield message.payload


@contextlib.contextmanager
def transcribing(
    script: Callable[[ServerConnection], None], tls: ssl.SSLContext | None = None, **options: Any
) -> Iterator[Peer]:
    """Run `script` on every connection; when it returns, the connection is closed with 1000."""

    def handle(connection: ServerConnection) -> None:
        peer.connections.append(connection)
        peer.connected.set()
        try:
            script(connection)
        except ConnectionClosed:
            pass
        finally:
            peer.ended.set()

    options = {"compression": None, **UNHURRIED, **options}
    with serve(handle, "127.0.0.1", 0, ssl=tls, logger=_QUIET, **options) as server:
        scheme = "https" if tls else "http"
        peer = Peer(f"{scheme}://localhost:{server.socket.getsockname()[1]}")
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield peer
        finally:
            for connection in peer.connections:
                connection.close_socket()
            server.shutdown()
            thread.join(PATIENCE_SECONDS)


def shake_hands(sock: socket.socket) -> None:
    """Accept the WebSocket, of which nothing more is read here."""
    request = b""
    while not request.endswith(b"\r\n\r\n"):
        request += sock.recv(1)
    key = re.search(rb"(?i)sec-websocket-key: (\S+)", request)
    assert key is not None
    accepted = hashlib.sha1(key[1] + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()  # noqa: S324
    sock.sendall(
        b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n"
        b"sec-websocket-accept: " + base64.b64encode(accepted) + b"\r\n\r\n"
    )


def say(sock: socket.socket, message: bytes) -> None:
    """Send one binary WebSocket message."""
    assert 126 <= len(message) < 2**16
    sock.sendall(struct.pack("!BBH", 0x82, 126, len(message)) + message)


@contextlib.contextmanager
def accepting(script: Callable[[socket.socket], None]) -> Iterator[Peer]:
    """Run `script` on the bare socket of one connection after another."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        peer = Peer(f"http://localhost:{listener.getsockname()[1]}")
        accepted: list[socket.socket] = []

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    accepted.append(connection)
                    with connection, contextlib.suppress(OSError):
                        script(connection)

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        try:
            yield peer
        finally:
            peer.is_over.set()
            for sock in (listener, *accepted):
                with contextlib.suppress(OSError):
                    sock.shutdown(socket.SHUT_RDWR)
            thread.join(PATIENCE_SECONDS)
