"""Requests over real connections to a server on loopback."""

from __future__ import annotations

import socket
import ssl
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from live_sessions.aws import http as aws_http
from live_sessions.aws import http_connection
from live_sessions.aws.http import AwsHttp, NoAnswer
from live_sessions.environment import AwsEnvironment
from tests.handlers.loopback import OK, HangUp, Received, serving, status
from tests.patience import OUT_OF_REACH_SECONDS, PATIENCE_SECONDS

AWS = AwsEnvironment("eu-central-1", "AKIDEXAMPLE", "secret", "token")


def api(url: str) -> AwsHttp:
    return AwsHttp(f"{url}/live", "execute-api", AWS, timeout_seconds=OUT_OF_REACH_SECONDS)


def test_a_request_arrives_whole_and_signed_and_its_answer_comes_back() -> None:
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


def test_requests_one_after_another_share_one_connection() -> None:
    with serving(lambda _: OK) as server:
        client = api(server.url)
        for _ in range(5):
            assert client.request("POST", "/x") == (200, b"ok")
    assert len(server.connections) == 1


def test_a_connection_that_was_idle_for_too_long_is_not_used_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(aws_http, "IDLE_LIMIT_SECONDS", 0)
    with serving(lambda _: OK) as server:
        client = api(server.url)
        for _ in range(2):
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
def test_every_framing_of_an_answer_is_understood(
    answer: bytes, body: bytes, is_kept: bool
) -> None:
    with serving(lambda _: answer) as server:
        client = api(server.url)
        for _ in range(2):
            assert client.request("GET", "/x").body == body
    assert len(server.connections) == (1 if is_kept else 2)


def test_an_answer_without_a_length_ends_with_its_connection() -> None:
    def answer(_: Received) -> bytes:
        raise HangUp(b"HTTP/1.1 200 OK\r\n\r\nall of it")

    with serving(answer) as server:
        client = api(server.url)
        assert [client.request("GET", "/x").body for _ in range(2)] == [b"all of it"] * 2


def test_a_connection_that_was_closed_while_idle_is_replaced_before_it_is_used() -> None:
    with serving(lambda _: OK) as server:
        client = api(server.url)
        client.request("POST", "/x")
        server.close_idle()
        assert client.request("POST", "/x") == (200, b"ok")
    assert [request.connection for request in server.requests] == [0, 1]


def test_a_reused_connection_that_closes_before_an_answer_is_tried_once_on_a_fresh_one() -> None:
    def answer(request: Received) -> bytes:
        if request.number:
            raise HangUp
        return OK

    with serving(answer) as server:
        client = api(server.url)
        for _ in range(2):
            assert client.request("POST", "/x") == (200, b"ok")
    assert [(each.connection, each.number) for each in server.requests] == [(0, 0), (0, 1), (1, 0)]


def test_a_fresh_connection_that_closes_before_an_answer_is_not_tried_again() -> None:
    def answer(_: Received) -> bytes:
        raise HangUp

    with serving(answer) as server:
        with pytest.raises(NoAnswer) as failure:
            api(server.url).request("POST", "/x")
        assert failure.value.may_have_arrived
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "last_words",
    [
        b"HTTP/1.1 2",
        b"HTTP/1.1 200 OK\r\ncontent-le",
        b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nab",
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"\r\n",
    ],
)
def test_an_answer_that_breaks_off_is_none_and_is_not_tried_again(last_words: bytes) -> None:
    def answer(request: Received) -> bytes:
        if request.number:
            raise HangUp(last_words)
        return OK

    with serving(answer) as server:
        client = api(server.url)
        client.request("POST", "/x")
        with pytest.raises(NoAnswer) as failure:
            client.request("POST", "/x")
        assert failure.value.may_have_arrived
        assert client.request("POST", "/x") == (200, b"ok")
    assert [request.connection for request in server.requests] == [0, 0, 1]


def test_a_time_out_after_sending_is_told_and_not_tried_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    has_arrived, may_answer = threading.Event(), threading.Event()

    def answer(request: Received) -> bytes:
        if request.number:
            has_arrived.set()
            may_answer.wait(PATIENCE_SECONDS)
        return OK

    with serving(answer) as server:
        client = api(server.url)
        client.request("POST", "/x")
        with monkeypatch.context() as hurried:
            hurried.setattr(client, "_timeout_seconds", 0.1)
            with pytest.raises(NoAnswer, match="timed out") as failure:
                client.request("POST", "/x")
        assert failure.value.may_have_arrived
        assert has_arrived.wait(PATIENCE_SECONDS)
        may_answer.set()
        assert client.request("POST", "/x") == (200, b"ok")
    served = [(each.connection, each.number) for each in server.requests]
    assert served == [(0, 0), (0, 1), (1, 0)], "the late answer must not become another request's"


def test_a_refused_connection_has_sent_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        port = nobody.getsockname()[1]
    with pytest.raises(NoAnswer, match="not connected") as failure:
        api(f"http://127.0.0.1:{port}").request("POST", "/x")
    assert not failure.value.may_have_arrived


def test_https_is_spoken_over_tls_and_kept_alive(
    monkeypatch: pytest.MonkeyPatch, certificate: Path, server_tls: ssl.SSLContext
) -> None:
    trusting = ssl.create_default_context(cafile=str(certificate))
    monkeypatch.setattr(http_connection, "tls", lambda: trusting)
    with serving(lambda _: OK, server_tls) as server:
        client = api(server.url)
        for _ in range(3):
            assert client.request("POST", "/x", b"body") == (200, b"ok")
        server.close_idle()
        assert client.request("POST", "/x", b"body") == (200, b"ok")
    assert [request.connection for request in server.requests] == [0, 0, 0, 1]


def test_a_server_whose_certificate_nobody_vouches_for_is_sent_nothing(
    server_tls: ssl.SSLContext,
) -> None:
    with serving(lambda _: OK, server_tls) as server:
        with pytest.raises(NoAnswer, match="not connected: SSLCert") as failure:
            api(server.url).request("POST", "/x")
        assert not failure.value.may_have_arrived
    assert server.requests == []


def test_requests_at_the_same_time_have_a_connection_each_and_keep_them() -> None:
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
def test_an_endpoint_that_is_no_http_url_is_refused(endpoint: str) -> None:
    with pytest.raises(ValueError, match="is not an http or https URL"):
        AwsHttp(endpoint, "execute-api", AWS, timeout_seconds=1)
