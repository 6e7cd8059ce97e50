"""One stream to Transcribe over a WebSocket, each step of which ends within a limit.

Proxies and redirects are ignored, and nothing is logged: the URL is a secret, and so is the speech.
"""

import contextlib
import logging
import select
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Self, cast
from urllib.parse import urlsplit

from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException
from websockets.sync.client import ClientConnection, connect

from live_sessions.audio.chunks import SAMPLE_BYTES, bytes_per_second
from live_sessions.audio.transcribe import (
    MAX_MESSAGE_BYTES,
    MalformedMessage,
    Result,
    TranscribeFailure,
    decode,
    encode,
    presigned_url,
    results_in,
)
from live_sessions.aws.credentials import KeysUnavailable
from live_sessions.aws.http import tls
from live_sessions.aws.runtime import AwsEnvironment, Clock

UNREAD_MESSAGES = 16
"""Further messages stay with the peer until these are read."""

NORMAL_CLOSE_CODES = frozenset({1000, 1005})
"""Normal closure, and no code at all: AWS does not document which one it sends."""

_AUDIO_EVENT = {
    ":message-type": "event",
    ":event-type": "AudioEvent",
    ":content-type": "application/octet-stream",
}

_SILENT = logging.Logger(__name__)
_SILENT.disabled = True


@dataclass(frozen=True, kw_only=True)
class StreamLimits:
    """The time limits of one stream, in seconds.

    `open` covers the connection, TLS and the handshake, once the name is resolved. `send` also
    limits a read once part of a TLS record has come, so it must be no shorter than `silence`.
    `taken_within`: a peer that accepts no audio for so long has stopped reading; it is much shorter
    than the lease of the processor that sends. `last_results` runs from the end of the audio to
    Transcribe's close. `silence` is without a message and without an answer to a ping: AWS
    documents neither, but one of them comes. `verdict` is the wait for the exception that explains
    a close, `poll` the longest wait of one look at the connection.
    """

    open: float = 5
    send: float = 30
    close: float = 2
    taken_within: float = 3
    last_results: float = 15
    ping_every: float = 10
    silence: float = 30
    verdict: float = 1
    poll: float = 1


LIMITS = StreamLimits()


class Connection(ClientConnection):
    """A WebSocket that stops sending to a peer that does not read, and that any thread can drop."""

    def __init__(
        self, sock: socket.socket, *arguments: Any, send_seconds: float, **options: Any
    ) -> None:
        sock.settimeout(send_seconds)
        self._writable = select.poll()
        self._writable.register(sock, select.POLLOUT)
        super().__init__(sock, *arguments, **options)

    def has_room(self, within_seconds: float) -> bool:
        """Whether a send would not wait long for the peer, or would fail at once."""
        return bool(self._writable.poll(within_seconds * 1000))

    def drop(self) -> None:
        """Break the connection without a closing handshake; sends and reads then fail."""
        with contextlib.suppress(OSError):
            # SSLSocket's own shutdown would let a thread that is sending continue unencrypted.
            socket.socket.shutdown(self.socket, socket.SHUT_RDWR)


class TranscribeStream:
    """One thread sends while another reads the results; both get the first failure.

    Transcribe takes at most a second of audio at once:
    https://docs.aws.amazon.com/transcribe/latest/APIReference/API_streaming_AudioEvent.html
    """

    def __init__(
        self,
        connection: Connection,
        sample_rate_hertz: int,
        clock: Clock,
        limits: StreamLimits = LIMITS,
    ) -> None:
        self._connection = connection
        self._max_audio_bytes = bytes_per_second(sample_rate_hertz)
        self._clock = clock
        self._limits = limits
        self._lock = threading.Lock()
        self._failure: TranscribeFailure | None = None
        self._has_failed = threading.Event()
        self._last_results_due: float | None = None

    @classmethod
    def open(
        cls,
        aws: AwsEnvironment,
        language_code: str,
        sample_rate_hertz: int,
        *,
        stability: str | None,
        clock: Clock,
        limits: StreamLimits = LIMITS,
    ) -> Self:
        """Open a stream; see `presigned_url` for the arguments. Raises TranscribeFailure.

        Transcribe may report what is wrong with the request only among the results.
        """
        try:
            url = presigned_url(aws, language_code, sample_rate_hertz, stability=stability)
        except KeysUnavailable:
            raise TranscribeFailure.transient("no keys to sign with") from None
        return cls(open_connection(url, clock, limits), sample_rate_hertz, clock, limits)

    def send(self, audio: bytes) -> None:
        """Send up to one second of audio. Raises TranscribeFailure once the stream is over, and
        ValueError for a length that Transcribe does not accept.
        """
        if not 0 < len(audio) <= self._max_audio_bytes or len(audio) % SAMPLE_BYTES:
            raise ValueError(f"{len(audio)} bytes are not between one sample and one second")
        if self._last_results_due is not None:
            raise self._failure or TranscribeFailure.transient("the audio has ended")
        self._send(audio)

    def end(self) -> None:
        """End the audio; the last results come within a limit. Raises TranscribeFailure."""
        if self._last_results_due is None:
            self._last_results_due = self._clock.monotonic() + self._limits.last_results
            self._send(b"")

    def results(self) -> Iterator[Result]:
        """The results as they come, until Transcribe closes the stream after its end.

        For one reader. Raises TranscribeFailure.
        """
        while True:
            try:
                results = results_in(decode(self._next_frame()))
            except ConnectionClosed as closed:
                if self._last_results_due is not None and _is_normal_end(closed):
                    return
                raise self._failed(_failure_of(closed)) from None
            except MalformedMessage as problem:
                failure = TranscribeFailure.transient(f"malformed message: {problem}")
                raise self._failed(failure) from None
            except TranscribeFailure as failure:
                raise self._failed(failure) from None
            yield from results

    def close(self) -> None:
        """Close at once; later sends and reads fail. Never raises."""
        self._failed(TranscribeFailure.transient("closed by this function"))

    def _send(self, audio: bytes) -> None:
        if self._failure is not None:
            raise self._failure
        if not self._connection.has_room(self._limits.taken_within):
            raise self._failed(TranscribeFailure.transient("the audio is not accepted"))
        try:
            self._connection.send(encode(_AUDIO_EVENT, audio))
        except ConnectionClosed as closed:
            # The reader may be about to receive the exception that explains it.
            self._has_failed.wait(self._limits.verdict)
            raise self._failed(_failure_of(closed)) from None

    def _next_frame(self) -> str | bytes:
        last_sign = pinged = self._clock.monotonic()
        pong: threading.Event | None = None
        while True:
            try:
                return self._connection.recv(self._poll_seconds())
            except TimeoutError:
                now = self._clock.monotonic()
            if self._last_results_due is not None and now >= self._last_results_due:
                raise TranscribeFailure.transient("not closed after the end of the audio")
            if pong is not None and pong.is_set():
                last_sign = now
            if now - last_sign >= self._limits.silence:
                raise TranscribeFailure.transient("silent")
            if now - pinged >= self._limits.ping_every:
                pong, pinged = self._connection.ping(), now

    def _poll_seconds(self) -> float:
        if self._last_results_due is None:
            return self._limits.poll
        remaining_seconds = self._last_results_due - self._clock.monotonic()
        return min(self._limits.poll, max(0.0, remaining_seconds))

    def _failed(self, failure: TranscribeFailure) -> TranscribeFailure:
        """The stream's failure, which is `failure` if it is the first; drops the connection."""
        with self._lock:
            if self._failure is None:
                self._failure = failure
        self._has_failed.set()
        self._connection.drop()
        return self._failure


def open_connection(url: str, clock: Clock, limits: StreamLimits = LIMITS) -> Connection:
    """Connect and open the WebSocket. Raises TranscribeFailure."""
    try:
        return _connected(url, clock, limits)
    except InvalidStatus as refusal:
        response = refusal.response
        error_type = next(iter(response.headers.get_all("x-amzn-ErrorType")), "")
        body = bytes(response.body).decode(errors="replace")
        raise TranscribeFailure.of_handshake(
            response.status_code, error_type.partition(":")[0], body
        ) from None
    except ssl.SSLCertVerificationError:
        raise TranscribeFailure.permanent("certificate not trusted") from None
    except TimeoutError:
        raise TranscribeFailure.transient("no connection: timed out") from None
    except (OSError, WebSocketException) as failure:
        reason = f"no connection: {type(failure).__name__}"
        raise TranscribeFailure.transient(reason) from None
    except ValueError:
        # websockets raises it for a redirect when it was given the socket.
        raise TranscribeFailure.permanent("handshake refused: redirect") from None


def _connected(url: str, clock: Clock, limits: StreamLimits) -> Connection:
    parts = urlsplit(url)
    encrypted = parts.scheme == "wss"
    found = socket.getaddrinfo(
        parts.hostname, parts.port or (443 if encrypted else 80), type=socket.SOCK_STREAM
    )
    until_seconds = clock.monotonic() + limits.open

    def remaining_seconds() -> float:
        return max(0.001, until_seconds - clock.monotonic())

    def create_connection(*arguments: Any, **options: Any) -> Connection:
        return Connection(*arguments, send_seconds=limits.send, **options)

    addresses = [(family, address) for family, *_, address in found]
    plain = first_reachable(addresses, remaining_seconds)
    return cast(
        Connection,
        connect(
            url,
            sock=plain,
            ssl=tls() if encrypted else None,
            compression=None,
            user_agent_header=None,
            open_timeout=remaining_seconds(),
            ping_interval=None,
            close_timeout=limits.close,
            max_size=MAX_MESSAGE_BYTES,
            max_queue=UNREAD_MESSAGES,
            logger=_SILENT,
            legacy=True,
            create_connection=cast(type[ClientConnection], create_connection),
        ),
    )


def tcp_connection(family: int, address: Any, timeout_seconds: float) -> socket.socket:
    """A connected socket. Raises OSError."""
    plain = socket.socket(family, socket.SOCK_STREAM)
    try:
        plain.settimeout(timeout_seconds)
        plain.connect(address)
    except OSError:
        plain.close()
        raise
    return plain


def first_reachable(
    addresses: Sequence[tuple[int, Any]],
    remaining_seconds: Callable[[], float],
    connect_to: Callable[[int, Any, float], socket.socket] = tcp_connection,
) -> socket.socket:
    """A connection to the first address that answers; the remaining time is shared evenly.

    `addresses` are pairs of a socket family and an address. Raises OSError if none answers.
    """
    for number, (family, address) in enumerate(addresses):
        share_seconds = remaining_seconds() / (len(addresses) - number)
        try:
            return connect_to(family, address, share_seconds)
        except OSError:
            if number == len(addresses) - 1:
                raise
    raise OSError("no address")


def _is_normal_end(closed: ConnectionClosed) -> bool:
    if closed.rcvd is None or _is_closed_here(closed):
        return False
    return closed.rcvd.code in NORMAL_CLOSE_CODES


def _failure_of(closed: ConnectionClosed) -> TranscribeFailure:
    if closed.sent is not None and _is_closed_here(closed):
        return TranscribeFailure.transient(f"closed by this function: {closed.sent.code}")
    return TranscribeFailure.of_close(None if closed.rcvd is None else closed.rcvd.code)


def _is_closed_here(closed: ConnectionClosed) -> bool:
    """By websockets, for what the peer sent: too much, invalid UTF-8, an invalid frame."""
    return closed.sent is not None and not closed.rcvd_then_sent
