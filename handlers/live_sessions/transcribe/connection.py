"""A WebSocket to Transcribe, each step of which ends within a limit.

Proxies and redirects are ignored, and nothing is logged: the URL is a secret, and so is the speech.
"""

import contextlib
import logging
import select
import socket
import ssl
import time
from typing import Any, cast
from urllib.parse import urlsplit

from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException
from websockets.sync.client import ClientConnection, connect

from live_sessions.aws.http_connection import tls
from live_sessions.transcribe import failures
from live_sessions.transcribe.event_stream import MAX_MESSAGE_BYTES
from live_sessions.transcribe.failures import TranscribeFailure

OPEN_LIMIT_SECONDS = 5
"""For the connection, for TLS and for the handshake together, once the name has its addresses."""

SEND_LIMIT_SECONDS = 30
"""Holds for a read, too, once a part of a TLS record has come: it must be no shorter than the
silence that the peer is granted.
"""

CLOSE_LIMIT_SECONDS = 2
FAULTLESS_CODES = frozenset({1000, 1005})
"""Done, and none given: AWS does not document which it is."""

UNREAD_MESSAGES = 16
"""More are left with the peer until somebody reads."""

_SILENT = logging.Logger(__name__)
_SILENT.disabled = True


class Connection(ClientConnection):
    """Gives up sending to a peer that does not read, and can be dropped by any thread."""

    def __init__(self, sock: socket.socket, *arguments: Any, **options: Any) -> None:
        sock.settimeout(SEND_LIMIT_SECONDS)
        self._writable = select.poll()
        self._writable.register(sock, select.POLLOUT)
        super().__init__(sock, *arguments, **options)

    def has_room(self, within_seconds: float) -> bool:
        """Whether a send would not wait long for the peer, or would fail at once."""
        return bool(self._writable.poll(within_seconds * 1000))

    def drop(self) -> None:
        """At once, without a closing handshake; whoever sends or receives sees it closed."""
        with contextlib.suppress(OSError):
            # SSLSocket's own shutdown would let a thread that is sending go on in the clear.
            socket.socket.shutdown(self.socket, socket.SHUT_RDWR)


def open_connection(url: str) -> Connection:
    """Raises TranscribeFailure."""
    try:
        return _connected(url)
    except InvalidStatus as refusal:
        answer = refusal.response
        error_type = next(iter(answer.headers.get_all("x-amzn-ErrorType")), "")
        body = bytes(answer.body).decode(errors="replace")
        raise failures.of_handshake(
            answer.status_code, error_type.partition(":")[0], body
        ) from None
    except ssl.SSLCertVerificationError:
        raise failures.permanent("certificate not trusted") from None
    except TimeoutError:
        raise failures.passing("no connection: timed out") from None
    except (OSError, WebSocketException) as failure:
        raise failures.passing(f"no connection: {type(failure).__name__}") from None
    except ValueError:
        # What websockets makes of a redirect when the socket is not its own.
        raise failures.permanent("handshake refused: redirect") from None


def _connected(url: str) -> Connection:
    parts = urlsplit(url)
    encrypted = parts.scheme == "wss"
    found = socket.getaddrinfo(
        parts.hostname, parts.port or (443 if encrypted else 80), type=socket.SOCK_STREAM
    )
    until_seconds = time.monotonic() + OPEN_LIMIT_SECONDS
    plain = _reached([(family, address) for family, *_, address in found], until_seconds)
    return cast(
        Connection,
        connect(
            url,
            sock=plain,
            ssl=tls() if encrypted else None,
            compression=None,
            user_agent_header=None,
            open_timeout=_left(until_seconds),
            ping_interval=None,
            close_timeout=CLOSE_LIMIT_SECONDS,
            max_size=MAX_MESSAGE_BYTES,
            max_queue=UNREAD_MESSAGES,
            logger=_SILENT,
            legacy=True,
            create_connection=Connection,
        ),
    )


def _reached(addresses: list[tuple[Any, Any]], until_seconds: float) -> socket.socket:
    """The first address that answers; each has an even share of the time that is left."""
    for number, (family, address) in enumerate(addresses):
        plain = socket.socket(family, socket.SOCK_STREAM)
        plain.settimeout(_left(until_seconds) / (len(addresses) - number))
        try:
            plain.connect(address)
        except OSError:
            plain.close()
            if number == len(addresses) - 1:
                raise
        else:
            return plain
    raise OSError("no address")


def _left(until_seconds: float) -> float:
    return max(0.001, until_seconds - time.monotonic())


def is_normal_end(closed: ConnectionClosed) -> bool:
    """The peer closed, and finds no fault."""
    if closed.rcvd is None or _is_closed_here(closed):
        return False
    return closed.rcvd.code in FAULTLESS_CODES


def failure_of(closed: ConnectionClosed) -> TranscribeFailure:
    if closed.sent is not None and _is_closed_here(closed):
        return failures.passing(f"broken off here: {closed.sent.code}")
    return failures.of_close(None if closed.rcvd is None else closed.rcvd.code)


def _is_closed_here(closed: ConnectionClosed) -> bool:
    """By websockets, for what the peer sent: too much, no UTF-8, no WebSocket frame."""
    return closed.sent is not None and not closed.rcvd_then_sent
