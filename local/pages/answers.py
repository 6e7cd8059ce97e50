"""What a request for a page is answered with."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Self

from websockets.datastructures import Headers
from websockets.http11 import Response


@dataclass(frozen=True)
class Answer:
    """A response; Content-Length and Connection are added to its headers."""

    status: HTTPStatus
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    body: bytes = b""

    @classmethod
    def plain(cls, status: HTTPStatus, text: str = "") -> Self:
        """Return a line of text, by default the status's phrase."""
        headers = {"Content-Type": "text/plain; charset=utf-8", "Cache-Control": "no-store"}
        return cls(status, headers, f"{text or status.phrase}\n".encode())


Answering = Callable[[str], Answer]
"""Returns what a path, without its query, is answered with; called on threads."""


async def send(writer: asyncio.StreamWriter, answer: Answer, *, with_body: bool = True) -> None:
    """Send the answer, after which the connection is to be closed. Raises OSError."""
    headers = Headers(answer.headers)
    headers["Content-Length"] = str(len(answer.body))
    headers["Connection"] = "close"
    body = answer.body if with_body else b""
    writer.write(Response(answer.status, answer.status.phrase, headers, body).serialize())
    await writer.drain()
