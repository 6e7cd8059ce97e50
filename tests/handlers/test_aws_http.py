"""AwsHttp over real connections to a server on loopback."""

from __future__ import annotations

import itertools
import socket
import ssl
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from live_sessions.aws.http import IDLE_LIMIT_SECONDS, AwsHttp, NoAnswer
from live_sessions.aws.runtime import SYSTEM_CLOCK, AwsEnvironment, Clock
from tests.handlers.loopback import OK, HangUp, Received, serving, status
from tests.patience import OUT_OF_REACH_SECONDS, PATIENCE_SECONDS

AWS = AwsEnvironment("eu-central-1", "AKIDEXAMPLE", "secret", "token")


def api(
    url: str, *, clock: Clock = SYSTEM_CLOCK, trusting: ssl.SSLContext | None = None
) -> AwsHttp:
    return AwsHttp(
        f"{url}/live",
        "execute-api",
        AWS,
        timeout_seconds=OUT_OF_REACH_SECONDS,
        clock=clock,
        trusting=trusting,
    )


def test_a_request_is_sent_signed_and_its_response_returned() -> None:
    with serving(lambda _: status(418, b"teapot")) as server:
        response = api(server.url).request("POST", "/@connections/a%3D", b"{}", {"x-a": "b"})
    assert response == (418, b"teapot")
    (request,) = server.requests
    assert (request.method, request.path) == ("POST", "/live/@connections/a%3D")
    assert request.body == b"{}"
    assert request.headers["host"] == server.url.removeprefix("http://")
    assert request.headers["x-amz-security-token"] == "token"
    assert (
        "SignedHeaders=host;x-a;x-amz-date;x-amz-security-token,"
        in (request.headers["authorization"])
    )


def test_consecutive_requests_share_one_connection() -> None:
    with serving(lambda _: OK) as server:
        client = api(server.url)
        for _ in range(5):
            assert client.request("POST", "/x") == (200, b"ok")
    assert len(server.connections) == 1


def test_a_connection_that_was_idle_for_too_long_is_not_used_again() -> None:
    now_ms = 0
    with serving(lambda _: OK) as server:
        client = api(server.url, clock=Clock(now_ms=lambda: now_ms))
        for _ in range(2):
            assert client.request("POST", "/x") == (200, b"ok")
        assert len(server.connections) == 1
        now_ms += IDLE_LIMIT_SECONDS * 1000
        assert client.request("POST", "/x") == (200, b"ok")
    assert len(server.connections) == 2


@pytest.mark.parametrize(
    ("answer", "body", "is_kept"),
    [
        (b"HTTP/1.1 204 No Content\r\n\r\n", b"", True),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", b"", True),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
            b"3;x=y\r\nabc\r\n1\r\nd\r\n0\r\n\r\n",
            b"abcd",
            True,
        ),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\na", b"a", True),
        (b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 1\r\n\r\na", b"a", False),
        (b"HTTP/1.0 200 OK\r\ncontent-length: 1\r\n\r\na", b"a", False),
    ],
)
def test_each_framing_of_a_response_is_understood(
    answer: bytes, body: bytes, is_kept: bool
) -> None:
    with serving(lambda _: answer) as server:
        client = api(server.url)
        for _ in range(2):
            assert client.request("GET", "/x").body == body
    assert len(server.connections) == (1 if is_kept else 2)


def test_a_response_without_a_length_ends_with_its_connection() -> None:
    def answer(_: Received) -> bytes:
        raise HangUp(b"HTTP/1.1 200 OK\r\n\r\nall of it")

    with serving(answer) as server:
        client = api(server.url)
        assert [client.request("GET", "/x").body for _ in range(2)] == [b"all of it"] * 2


def test_a_connection_that_the_peer_closed_while_idle_is_replaced_before_it_is_used() -> None:
    with serving(lambda _: OK) as server:
        client = api(server.url)
        client.request("POST", "/x")
        server.close_idle()
        assert client.request("POST", "/x") == (200, b"ok")
    assert [request.connection for request in server.requests] == [0, 1]


def test_a_request_on_a_reused_connection_that_closes_is_sent_once_more_on_a_new_one() -> None:
    def answer(request: Received) -> bytes:
        if request.number:
            raise HangUp
        return OK

    with serving(answer) as server:
        client = api(server.url)
        for _ in range(2):
            assert client.request("POST", "/x") == (200, b"ok")
    assert [(each.connection, each.number) for each in server.requests] == [(0, 0), (0, 1), (1, 0)]


def test_a_request_on_a_new_connection_that_closes_is_not_sent_again() -> None:
    def answer(_: Received) -> bytes:
        raise HangUp

    with serving(answer) as server:
        with pytest.raises(NoAnswer) as failure:
            api(server.url).request("POST", "/x")
        assert failure.value.may_have_arrived
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "last_bytes",
    [
        b"HTTP/1.1 2",
        b"HTTP/1.1 200 OK\r\ncontent-le",
        b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nab",
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"\r\n",
    ],
)
def test_a_truncated_response_raises_no_answer_and_its_request_is_not_sent_again(
    last_bytes: bytes,
) -> None:
    def answer(request: Received) -> bytes:
        if request.number:
            raise HangUp(last_bytes)
        return OK

    with serving(answer) as server:
        client = api(server.url)
        client.request("POST", "/x")
        with pytest.raises(NoAnswer) as failure:
            client.request("POST", "/x")
        assert failure.value.may_have_arrived
        assert client.request("POST", "/x") == (200, b"ok")
    assert [request.connection for request in server.requests] == [0, 0, 1]


def test_a_request_that_times_out_after_sending_is_not_sent_again() -> None:
    seconds_per_look = 0
    looks = itertools.count()
    clock = Clock(monotonic=lambda: next(looks) * seconds_per_look)
    has_arrived, may_answer = threading.Event(), threading.Event()

    def answer(request: Received) -> bytes:
        if request.number:
            has_arrived.set()
            may_answer.wait(PATIENCE_SECONDS)
        return OK

    with serving(answer) as server:
        client = api(server.url, clock=clock)
        client.request("POST", "/x")
        seconds_per_look = OUT_OF_REACH_SECONDS
        with pytest.raises(NoAnswer, match="timed out") as failure:
            client.request("POST", "/x")
        seconds_per_look = 0
        assert failure.value.may_have_arrived
        assert has_arrived.wait(PATIENCE_SECONDS)
        may_answer.set()
        assert client.request("POST", "/x") == (200, b"ok")
    served = [(each.connection, each.number) for each in server.requests]
    assert served == [(0, 0), (0, 1), (1, 0)], "a late response is not another request's"


def test_a_refused_connection_is_reported_as_not_arrived() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with pytest.raises(NoAnswer, match="not connected") as failure:
        api(f"http://127.0.0.1:{port}").request("POST", "/x")
    assert not failure.value.may_have_arrived


def test_an_https_endpoint_is_used_over_tls_and_kept_alive(
    certificate: Path, server_tls: ssl.SSLContext
) -> None:
    trusting = ssl.create_default_context(cafile=str(certificate))
    with serving(lambda _: OK, server_tls) as server:
        client = api(server.url, trusting=trusting)
        for _ in range(3):
            assert client.request("POST", "/x", b"body") == (200, b"ok")
        server.close_idle()
        assert client.request("POST", "/x", b"body") == (200, b"ok")
    assert [request.connection for request in server.requests] == [0, 0, 0, 1]


def test_nothing_is_sent_to_a_server_with_an_untrusted_certificate(
    server_tls: ssl.SSLContext,
) -> None:
    with serving(lambda _: OK, server_tls) as server:
        with pytest.raises(NoAnswer, match="not connected: SSLCert") as failure:
            api(server.url).request("POST", "/x")
        assert not failure.value.may_have_arrived
    assert server.requests == []


def test_concurrent_requests_have_a_connection_each_and_keep_them() -> None:
    together = threading.Barrier(8)

    def answer(request: Received) -> bytes:
        if request.path == "/live/together":
            together.wait(PATIENCE_SECONDS)
        return status(200, request.body)

    with serving(answer) as server:
        client = api(server.url)
        bodies = [str(number).encode() for number in range(8)]
        with ThreadPoolExecutor(8) as pool:
            for _ in range(3):
                answers = pool.map(lambda body: client.request("POST", "/together", body), bodies)
                assert [each.body for each in answers] == bodies
        many = [str(number).encode() for number in range(400)]
        with ThreadPoolExecutor(8) as pool:
            answers = pool.map(lambda body: client.request("POST", "/x", body), many)
            assert [each.body for each in answers] == many
    assert len(server.connections) == 8


@pytest.mark.parametrize("endpoint", ["api.example.com/live", "ws://127.0.0.1", "http://"])
def test_an_endpoint_that_is_not_an_http_url_is_refused(endpoint: str) -> None:
    with pytest.raises(ValueError, match="is not an http or https URL"):
        AwsHttp(endpoint, "execute-api", AWS, timeout_seconds=1)
