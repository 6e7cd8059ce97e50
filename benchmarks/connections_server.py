"""A stand-in for @connections that answers every request with 200 after a given latency.

`python connections_server.py MILLISECONDS` prints its port and serves until it is terminated.
"""

import asyncio
import sys
from typing import cast

ANSWER = (
    b"HTTP/1.1 200 OK\r\n"
    b"Date: Mon, 02 Mar 2026 06:00:00 GMT\r\n"
    b"Content-Length: 0\r\n"
    b"Connection: keep-alive\r\n"
    b"x-amzn-RequestId: 6c7bcdf9-8b7e-11ee-b9d1-0242ac120002\r\n"
    b"x-amz-apigw-id: ABCDEFGHIJKLMNO=\r\n\r\n"
)


class Connection(asyncio.Protocol):
    """Parses requests just enough to find their end."""

    def __init__(self, latency_seconds: float) -> None:
        self._latency_seconds = latency_seconds
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._received += data
        while (end := self._received.find(b"\r\n\r\n")) >= 0:
            head = self._received[:end].lower()
            _, found, length = head.partition(b"content-length:")
            size = end + 4 + (int(length.split(b"\r\n", 1)[0]) if found else 0)
            if len(self._received) < size:
                return
            self._received = self._received[size:]
            if self._latency_seconds:
                asyncio.get_running_loop().call_later(self._latency_seconds, self._answer)
            else:
                self._answer()

    def _answer(self) -> None:
        self._transport.write(ANSWER)


async def serve(latency_seconds: float) -> None:
    """Listen on a free loopback port and print it."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: Connection(latency_seconds), "127.0.0.1", 0, backlog=512
    )
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(float(sys.argv[1]) / 1000))
