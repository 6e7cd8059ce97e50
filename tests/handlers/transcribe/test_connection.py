"""Opening a stream, and every way in which that fails."""

from __future__ import annotations

import contextlib
import logging
import socket
import ssl
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from websockets.sync.server import ServerConnection

from live_sessions.audio.slots import LEASE_SECONDS, RENEWED_EVERY_SECONDS
from live_sessions.audio.transcribe import FailureKind, TranscribeFailure, presigned_url
from live_sessions.audio.transcribe_socket import (
    LIMITS,
    StreamLimits,
    TranscribeStream,
    first_reachable,
    open_connection,
    tcp_connection,
)
from live_sessions.aws.runtime import SYSTEM_CLOCK, AwsEnvironment, Clock
from tests.handlers.loopback import HangUp, Received, serving
from tests.handlers.transcribe.frames import result, transcript
from tests.handlers.transcribe.peer import (
    KEY_ID,
    SECRET,
    TOKEN,
    UNLIMITED,
    accepting,
    audio_of,
    aws_at,
    transcribing,
)
from tests.patience import PATIENCE_SECONDS

TRANSIENT, PERMANENT = FailureKind.TRANSIENT, FailureKind.PERMANENT


def take_audio(connection: ServerConnection) -> None:
    list(audio_of(connection))


def opened(aws: AwsEnvironment, limits: StreamLimits = UNLIMITED) -> TranscribeStream:
    return TranscribeStream.open(
        aws, "en-US", 16_000, stability=None, clock=SYSTEM_CLOCK, limits=limits
    )


SOON_OVER = replace(UNLIMITED, open=0.3)


def failure_of_opening(endpoint: str, limits: StreamLimits = UNLIMITED) -> TranscribeFailure:
    with pytest.raises(TranscribeFailure) as failure:
        opened(aws_at(endpoint), limits)
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
        (answer(429), TRANSIENT, "handshake refused: 429"),
        (answer(500, body=b"oops"), TRANSIENT, "handshake refused: 500"),
        (answer(503), TRANSIENT, "handshake refused: 503"),
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
            TRANSIENT,
            "handshake refused: 403 InvalidSignatureException, signature expired",
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
        (b"SSH-2.0-OpenSSH_9.2\r\n", TRANSIENT, "no connection: InvalidMessage"),
        (b"\xff" * 100_000, TRANSIENT, "no connection: StatusLineTooLong"),
        (
            answer(101, "upgrade: websocket\r\nconnection: upgrade\r\n"),
            TRANSIENT,
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


def test_a_peer_that_hangs_up_during_the_handshake_is_a_transient_failure() -> None:
    with accepting(lambda sock: None) as peer:
        assert failure_of_opening(peer.endpoint).kind is TRANSIENT


def test_a_refused_connection_is_a_transient_failure() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    failure = failure_of_opening(f"http://127.0.0.1:{port}")
    assert failure.message == "no connection: ConnectionRefusedError"
    assert failure.kind is TRANSIENT


@pytest.mark.parametrize("manner", ["silent", "dribbling", "endless refusal"])
def test_a_handshake_that_never_ends_is_left_in_time(manner: str) -> None:
    def hang(sock: socket.socket) -> None:
        if manner == "endless refusal":
            sock.sendall(b"HTTP/1.1 403 No\r\ncontent-length: 1000\r\n\r\nsome")
        while manner == "dribbling" and not peer.is_over.wait(0.05):
            sock.sendall(b"H")
        peer.is_over.wait(PATIENCE_SECONDS)

    with accepting(hang) as peer:
        failure = failure_of_opening(peer.endpoint, SOON_OVER)
    assert (failure.kind, failure.message) == (TRANSIENT, "no connection: timed out")


@pytest.fixture
def unanswered_port() -> Iterator[int]:
    """A loopback port where connections are neither accepted nor refused."""
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


def test_several_addresses_of_which_none_answers_share_the_limit() -> None:
    """A lease does not last for as many limits as Transcribe has addresses."""
    remaining_seconds = float(LIMITS.open)
    taken: list[float] = []

    def time_out(_: int, __: Any, timeout_seconds: float) -> socket.socket:
        nonlocal remaining_seconds
        remaining_seconds -= timeout_seconds
        taken.append(timeout_seconds)
        raise TimeoutError

    with pytest.raises(TimeoutError):
        first_reachable([(socket.AF_INET, "address")] * 8, lambda: remaining_seconds, time_out)
    assert taken == pytest.approx([LIMITS.open / 8] * 8)
    assert LIMITS.open < LEASE_SECONDS - RENEWED_EVERY_SECONDS


def test_the_handshake_has_what_connecting_left_of_the_limit() -> None:
    """By a clock that the first look, before the connection, does not find at its end."""
    looks = iter([0.0])
    clock = Clock(monotonic=lambda: next(looks, UNLIMITED.open - 0.2))

    def hang(_: socket.socket) -> None:
        peer.is_over.wait(PATIENCE_SECONDS)

    with accepting(hang) as peer, pytest.raises(TranscribeFailure, match="timed out"):
        TranscribeStream.open(
            peer.aws(), "en-US", 16_000, stability=None, clock=clock, limits=UNLIMITED
        )


def test_the_next_address_is_tried_where_one_does_not_answer(unanswered_port: int) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        addresses = [("127.0.0.1", unanswered_port), listening.getsockname()]
        connection = first_reachable(
            [(socket.AF_INET, address) for address in addresses],
            lambda: 0.3,
            lambda family, address, seconds: tcp_connection(
                family, address, seconds if address[1] == unanswered_port else PATIENCE_SECONDS
            ),
        )
        with connection:
            assert connection.getpeername() == listening.getsockname()


def test_a_slow_handshake_within_the_limit_opens_the_stream() -> None:
    def slowly(connection: ServerConnection, _: object) -> None:
        time.sleep(0.2)

    with transcribing(take_audio, process_request=slowly) as peer:
        stream = opened(peer.aws())
        stream.end()
        assert list(stream.results()) == []


def test_a_tls_handshake_that_never_ends_is_left_in_time() -> None:
    def hang(sock: socket.socket) -> None:
        peer.is_over.wait(PATIENCE_SECONDS)

    with accepting(hang) as peer:
        failure = failure_of_opening(peer.endpoint.replace("http", "https"), SOON_OVER)
    assert (failure.kind, failure.message) == (TRANSIENT, "no connection: timed out")


@pytest.mark.usefixtures("trusted")
def test_speech_goes_over_tls(server_tls: ssl.SSLContext) -> None:
    heard: list[bytes] = []

    def script(connection: ServerConnection) -> None:
        heard.extend(audio_of(connection))
        connection.send(transcript(result("secret")))

    with transcribing(script, server_tls) as peer:
        stream = opened(peer.aws())
        stream.send(b"\x01\x00" * 16_000)
        stream.end()
        assert [each.text for each in stream.results()] == ["secret"]
    assert heard == [b"\x01\x00" * 16_000]


@pytest.mark.usefixtures("trusted")
def test_closing_over_tls_sends_nothing_in_the_clear(server_tls: ssl.SSLContext) -> None:
    def read(connection: ServerConnection) -> None:
        for _ in connection:
            pass

    with transcribing(read, server_tls) as peer:
        stream = opened(peer.aws())
        stream.send(b"\x01\x00")
        stream.close()
        assert peer.ended.wait(PATIENCE_SECONDS)
        with pytest.raises(TranscribeFailure, match="closed by this function"):
            stream.send(b"\x01\x00")


def test_a_server_with_an_untrusted_certificate_receives_nothing(
    server_tls: ssl.SSLContext,
) -> None:
    with transcribing(lambda connection: None, server_tls) as peer:
        failure = failure_of_opening(peer.endpoint)
        assert (failure.kind, failure.message) == (PERMANENT, "certificate not trusted")
        assert not peer.connections


def test_a_peer_may_be_silent_as_long_as_a_read_may_take() -> None:
    """Of TLS, a record that holds no message can begin a read."""
    assert LIMITS.send >= LIMITS.silence


def test_a_proxy_of_the_environment_is_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "ws_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with transcribing(take_audio) as peer:
        stream = opened(peer.aws())
        stream.end()
        assert list(stream.results()) == []


def test_websockets_own_logger_is_disabled() -> None:
    """At DEBUG it logs the URL and every frame."""
    with transcribing(take_audio) as peer:
        url = presigned_url(peer.aws(), "en-US", 16_000, stability=None)
        connection = open_connection(url, SYSTEM_CLOCK, UNLIMITED)
        assert not connection.logger.isEnabledFor(logging.CRITICAL)
        connection.drop()


def test_nothing_is_logged_of_url_credentials_audio_or_transcript(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)

    def script(connection: ServerConnection) -> None:
        list(audio_of(connection))
        connection.send(transcript(result("whispered")))
        connection.send(b"rubbish")

    with transcribing(script) as peer:
        stream = opened(peer.aws())
        stream.send(b"loud" * 100)
        stream.end()
        with pytest.raises(TranscribeFailure) as failure:
            list(stream.results())
    printed = capfd.readouterr()
    visible = "".join((printed.out, printed.err, caplog.text, repr(failure.value), repr(stream)))
    for secret in ("Amz", KEY_ID, SECRET, TOKEN, "loud", "whispered", "wss:", "ws:"):
        assert secret not in visible
