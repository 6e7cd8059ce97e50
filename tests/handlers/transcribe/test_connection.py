"""Opening a stream, and every way in which that fails."""

from __future__ import annotations

import contextlib
import logging
import math
import socket
import ssl
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from websockets.sync.server import ServerConnection

from live_sessions.audio.lease import LEASE_SECONDS, RENEWED_EVERY_SECONDS
from live_sessions.transcribe import connection as connection_module
from live_sessions.transcribe.connection import OPEN_LIMIT_SECONDS, SEND_LIMIT_SECONDS
from live_sessions.transcribe.failures import FailureKind, TranscribeFailure
from live_sessions.transcribe.stream import SILENCE_LIMIT_SECONDS, TranscribeStream
from tests.handlers.loopback import HangUp, Received, serving
from tests.handlers.transcribe.clock import Clock
from tests.handlers.transcribe.frames import result, transcript
from tests.handlers.transcribe.peer import (
    KEY_ID,
    SECRET,
    TOKEN,
    accepting,
    audio_of,
    aws_at,
    transcribing,
)
from tests.patience import PATIENCE_SECONDS

PASSING, PERMANENT = FailureKind.PASSING, FailureKind.PERMANENT


def failure_of_opening(endpoint: str) -> TranscribeFailure:
    with pytest.raises(TranscribeFailure) as failure:
        TranscribeStream.open(aws_at(endpoint), "en-US", stability=None)
    chain = failure.value
    assert chain.__cause__ is None
    assert chain.__suppress_context__, "what websockets says may hold the URL"
    return failure.value


def answer(status: int, headers: str = "", body: bytes = b"") -> bytes:
    length = f"content-length: {len(body)}\r\n"
    return f"HTTP/1.1 {status} Status\r\n{length}{headers}\r\n".encode() + body


@pytest.mark.parametrize(
    ("refusal", "kind", "message"),
    [
        (answer(429), PASSING, "handshake refused: 429"),
        (answer(500, body=b"oops"), PASSING, "handshake refused: 500"),
        (answer(503), PASSING, "handshake refused: 503"),
        (answer(400, body=b"{}"), PERMANENT, "handshake refused: 400"),
        (answer(403), PERMANENT, "handshake refused: 403"),
        (answer(404), PERMANENT, "handshake refused: 404"),
        (answer(200), PERMANENT, "handshake refused: 200"),
        (
            answer(403, "x-amzn-ErrorType: AccessDeniedException:http://internal/\r\n"),
            PERMANENT,
            "handshake refused: 403 AccessDeniedException",
        ),
        (
            answer(
                403,
                "x-amzn-errortype: InvalidSignatureException\r\n",
                b'{"message":"Signature expired: 1 is now earlier than 2"}',
            ),
            PASSING,
            "handshake refused: 403 InvalidSignatureException, signature out of time",
        ),
        (
            answer(400, "x-amzn-errortype: A\r\nx-amzn-errortype: B\r\n", b"\xff"),
            PERMANENT,
            "handshake refused: 400 A",
        ),
        (
            answer(302, "location: /elsewhere?secret\r\n"),
            PERMANENT,
            "handshake refused: redirect",
        ),
        (answer(302), PERMANENT, "handshake refused: 302"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", PASSING, "no connection: InvalidMessage"),
        (b"\xff" * 100_000, PASSING, "no connection: StatusLineTooLong"),
        (
            answer(101, "upgrade: websocket\r\nconnection: upgrade\r\n"),
            PASSING,
            "no connection: InvalidHeader",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_handshake_that_opens_no_stream_fails_by_its_kind(
    refusal: bytes, kind: FailureKind, message: str
) -> None:
    def refuse(_: Received) -> bytes:
        raise HangUp(refusal)

    with serving(refuse) as server:
        failure = failure_of_opening(server.url)
    assert (failure.kind, failure.message) == (kind, message)
    assert len(server.requests) == 1, "neither a redirect nor a second attempt"


def test_a_peer_that_hangs_up_during_the_handshake_is_a_passing_failure() -> None:
    with accepting(lambda sock: None) as peer:
        assert failure_of_opening(peer.endpoint).kind is PASSING


def test_nobody_there_is_a_passing_failure() -> None:
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        port = nobody.getsockname()[1]
    failure = failure_of_opening(f"http://127.0.0.1:{port}")
    assert failure.message == "no connection: ConnectionRefusedError"
    assert failure.kind is PASSING


@pytest.mark.parametrize("manner", ["silent", "dribbling", "endless refusal"])
def test_a_handshake_that_never_ends_is_left_in_time(
    monkeypatch: pytest.MonkeyPatch, manner: str
) -> None:
    monkeypatch.setattr(connection_module, "OPEN_LIMIT_SECONDS", 0.3)

    def hang(sock: socket.socket) -> None:
        if manner == "endless refusal":
            sock.sendall(b"HTTP/1.1 403 No\r\ncontent-length: 1000\r\n\r\nsome")
        while manner == "dribbling" and not peer.is_over.wait(0.05):
            sock.sendall(b"H")
        peer.is_over.wait(PATIENCE_SECONDS)

    with accepting(hang) as peer:
        failure = failure_of_opening(peer.endpoint)
    assert (failure.kind, failure.message) == (PASSING, "no connection: timed out")


@pytest.fixture
def nobody_answers() -> Iterator[int]:
    """A port of the loopback where no connection comes about, nor is refused."""
    with socket.socket() as full, contextlib.ExitStack() as waiting:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        address = full.getsockname()
        waiting.enter_context(socket.create_connection(address))
        for _ in range(3):
            each = waiting.enter_context(socket.socket())
            each.setblocking(False)
            each.connect_ex(address)
        yield address[1]


def resolve_to(monkeypatch: pytest.MonkeyPatch, *ports: int) -> None:
    found = [
        (socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", ("127.0.0.1", port))
        for port in ports
    ]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)


def connecting_takes(monkeypatch: pytest.MonkeyPatch, seconds: float) -> list[float]:
    """Sockets connect by a clock of their own, or are timed out by it; what each one took."""
    clock, taken = Clock(), []
    monkeypatch.setattr(connection_module, "time", clock)

    class Socket(socket.socket):
        def connect(self, address: Any) -> None:
            limit_seconds = self.gettimeout()
            assert limit_seconds is not None
            taken.append(min(limit_seconds, seconds))
            clock.jump(taken[-1])
            if taken[-1] == limit_seconds:
                raise TimeoutError
            super().connect(address)

    monkeypatch.setattr(socket, "socket", Socket)
    return taken


def test_several_addresses_of_which_none_answers_share_the_limit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A lease does not last for as many limits as Transcribe has addresses."""
    monkeypatch.setattr(connection_module, "OPEN_LIMIT_SECONDS", OPEN_LIMIT_SECONDS)
    resolve_to(monkeypatch, *[9] * 8)
    taken = connecting_takes(monkeypatch, math.inf)
    failure = failure_of_opening("http://localhost:9")
    assert taken == pytest.approx([OPEN_LIMIT_SECONDS / 8] * 8)
    assert OPEN_LIMIT_SECONDS < LEASE_SECONDS - RENEWED_EVERY_SECONDS
    assert (failure.kind, failure.message) == (PASSING, "no connection: timed out")


def test_the_handshake_has_what_connecting_left_of_the_limit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    granted: list[float] = []

    def connect(url: str, **options: Any) -> None:
        granted.append(options["open_timeout"])
        options["sock"].close()
        raise TimeoutError

    with accepting(lambda sock: None) as peer:
        port = urlsplit(peer.endpoint).port
        assert port is not None
        resolve_to(monkeypatch, port)
        monkeypatch.setattr(connection_module, "OPEN_LIMIT_SECONDS", OPEN_LIMIT_SECONDS)
        monkeypatch.setattr(connection_module, "connect", connect)
        taken = connecting_takes(monkeypatch, 2)
        failure_of_opening(peer.endpoint)
    assert taken == [2]
    assert granted == pytest.approx([OPEN_LIMIT_SECONDS - 2])


def test_the_next_address_is_tried_where_one_does_not_answer(
    monkeypatch: pytest.MonkeyPatch, nobody_answers: int
) -> None:
    """Of many, so that the share of the one is soon over."""
    with transcribing(lambda c: list(audio_of(c)) and None) as peer:
        port = urlsplit(peer.endpoint).port
        assert port is not None
        resolve_to(monkeypatch, nobody_answers, *[port] * 5000)
        stream = TranscribeStream.open(peer.aws(), "en-US", stability=None)
        stream.end()
        assert list(stream.results()) == []


def test_a_slow_handshake_within_the_limit_opens_the_stream() -> None:
    def slowly(connection: ServerConnection, _: object) -> None:
        time.sleep(0.2)

    with transcribing(lambda c: list(audio_of(c)) and None, process_request=slowly) as peer:
        stream = TranscribeStream.open(peer.aws(), "en-US", stability=None)
        stream.end()
        assert list(stream.results()) == []


def test_a_tls_handshake_that_never_ends_is_left_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection_module, "OPEN_LIMIT_SECONDS", 0.3)

    def hang(sock: socket.socket) -> None:
        peer.is_over.wait(PATIENCE_SECONDS)

    with accepting(hang) as peer:
        failure = failure_of_opening(peer.endpoint.replace("http", "https"))
    assert (failure.kind, failure.message) == (PASSING, "no connection: timed out")


def test_speech_goes_over_tls(
    monkeypatch: pytest.MonkeyPatch, certificate: Path, server_tls: ssl.SSLContext
) -> None:
    trusting = ssl.create_default_context(cafile=str(certificate))
    monkeypatch.setattr(connection_module, "tls", lambda: trusting)
    heard: list[bytes] = []

    def script(connection: ServerConnection) -> None:
        heard.extend(audio_of(connection))
        connection.send(transcript(result("secret")))

    with transcribing(script, server_tls) as peer:
        stream = TranscribeStream.open(peer.aws(), "en-US", stability=None)
        stream.send(b"\x01\x00" * 16_000)
        stream.end()
        assert [each.text for each in stream.results()] == ["secret"]
    assert heard == [b"\x01\x00" * 16_000]


def test_closing_over_tls_sends_nothing_in_the_clear(
    monkeypatch: pytest.MonkeyPatch, certificate: Path, server_tls: ssl.SSLContext
) -> None:
    trusting = ssl.create_default_context(cafile=str(certificate))
    monkeypatch.setattr(connection_module, "tls", lambda: trusting)

    def read(connection: ServerConnection) -> None:
        for _ in connection:
            pass

    with transcribing(read, server_tls) as peer:
        stream = TranscribeStream.open(peer.aws(), "en-US", stability=None)
        stream.send(b"\x01\x00")
        stream.close()
        assert peer.ended.wait(PATIENCE_SECONDS)
        with pytest.raises(TranscribeFailure, match="closed here"):
            stream.send(b"\x01\x00")


def test_a_server_whose_certificate_nobody_vouches_for_hears_nothing(
    server_tls: ssl.SSLContext,
) -> None:
    with transcribing(lambda connection: None, server_tls) as peer:
        failure = failure_of_opening(peer.endpoint)
        assert (failure.kind, failure.message) == (PERMANENT, "certificate not trusted")
        assert not peer.connections


def test_a_peer_may_be_silent_as_long_as_a_read_may_take() -> None:
    """Of TLS, a record that holds no message can begin a read."""
    assert SEND_LIMIT_SECONDS >= SILENCE_LIMIT_SECONDS


def test_a_proxy_of_the_environment_is_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "ws_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with transcribing(lambda c: list(audio_of(c)) and None) as peer:
        stream = TranscribeStream.open(peer.aws(), "en-US", stability=None)
        stream.end()
        assert list(stream.results()) == []


def test_nothing_is_logged_of_url_credentials_audio_or_transcript(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)

    def script(connection: ServerConnection) -> None:
        list(audio_of(connection))
        connection.send(transcript(result("whispered")))
        connection.send(b"rubbish")

    with transcribing(script) as peer:
        stream = TranscribeStream.open(peer.aws(), "en-US", stability=None)
        stream.send(b"loud" * 100)
        stream.end()
        with pytest.raises(TranscribeFailure) as failure:
            list(stream.results())
    assert not stream._connection.logger.isEnabledFor(logging.CRITICAL), "websockets' own"
    printed = capfd.readouterr()
    told = "".join((printed.out, printed.err, caplog.text, repr(failure.value), repr(stream)))
    for secret in ("Amz", KEY_ID, SECRET, TOKEN, "loud", "whispered", "wss:", "ws:"):
        assert secret not in told
