"""A network between a client and the local cloud, which a test can cut."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Iterator
from typing import Self
from urllib.parse import urlsplit

BUFFER_BYTES = 65_536
RESET = struct.pack("ii", 1, 0)
"""SO_LINGER that sends a reset instead of what is left."""


class Network:
    """Forwards TCP connections to the server of a URL; `url` is the way through it."""

    def __init__(self, url: str) -> None:
        target = urlsplit(url)
        assert target.hostname is not None
        assert target.port is not None
        self._target = (target.hostname, target.port)
        self._server = socket.create_server(("127.0.0.1", 0))
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._lock = threading.Lock()
        port = self._server.getsockname()[1]
        self.url = target._replace(netloc=f"127.0.0.1:{port}").geturl()
        self.cuts = 0
        self._is_down = False

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.close()
        self.cut()

    def cut(self) -> None:
        """Reset every connection, on both sides; new ones are forwarded."""
        with self._lock:
            pairs, self._pairs = self._pairs, []
        self.cuts += len(pairs)
        for pair in pairs:
            for each in pair:
                with contextlib.suppress(OSError):
                    each.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                    each.shutdown(socket.SHUT_RDWR)
                each.close()

    @contextlib.contextmanager
    def down(self) -> Iterator[None]:
        """Cut, and let no new connection through until the end."""
        self._is_down = True
        self.cut()
        try:
            yield
        finally:
            self._is_down = False

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._server.accept()
                if self._is_down:
                    client.close()
                    continue
                server = socket.create_connection(self._target)
            except OSError:
                return
            with self._lock:
                self._pairs.append((client, server))
            for source, destination in ((client, server), (server, client)):
                threading.Thread(
                    target=self._forward, args=(source, destination), daemon=True
                ).start()

    def _forward(self, source: socket.socket, destination: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(BUFFER_BYTES):
                destination.sendall(data)
        for each in (source, destination):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
