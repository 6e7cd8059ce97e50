"""The HTTP server of the pages, by what it answers to bytes."""

from __future__ import annotations

import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from http import HTTPStatus

import pytest

from local.pages.answers import Answer
from local.pages.server import MAX_HEAD_BYTES, PageServer
from tests.local.pages.raw_http import (
    HANDSHAKE,
    connected,
    everything,
    exchange,
    request,
    status_of,
)
from tests.patience import PATIENCE_SECONDS


def echo(path: str) -> Answer:
    return Answer(HTTPStatus.OK, {"Content-Type": "text/plain", "X-Own": "1"}, path.encode())


@pytest.fixture
def server() -> Iterator[PageServer]:
    with PageServer("127.0.0.1") as server:
        server.answer_with(echo)
        yield server


def test_a_path_is_answered_without_its_query_and_with_the_answers_headers(
    server: PageServer,
) -> None:
    with urllib.request.urlopen(f"{server.url}/assets/a.js?passcode=1") as response:  # noqa: S310
        assert response.read() == b"/assets/a.js"
        assert response.headers["X-Own"] == "1"
        assert response.headers["Content-Length"] == str(len("/assets/a.js"))


def test_head_is_answered_with_the_headers_of_get_alone(server: PageServer) -> None:
    head, _, body = exchange(server.url, request("/page", method="HEAD")).partition(b"\r\n\r\n")
    assert b"Content-Length: 5" in head
    assert body == b""


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "CONNECT", "TRACE"])
def test_another_method_is_refused(server: PageServer, method: str) -> None:
    assert status_of(exchange(server.url, request("/", method=method))) == 405


def test_a_websocket_finds_nothing_without_a_passage(server: PageServer) -> None:
    assert status_of(exchange(server.url, request("/", *HANDSHAKE))) == 404


@pytest.mark.parametrize(
    "sent",
    [
        b"nonsense\r\n\r\n",
        b"GET / HTTP/3.0\r\n\r\n",
        request("/", "Transfer-Encoding: chunked"),
        request("/", "Content-Length: 5"),
        request("/", "no colon"),
    ],
)
def test_what_is_no_request_for_a_page_is_refused(server: PageServer, sent: bytes) -> None:
    assert status_of(exchange(server.url, sent)) == 400


def test_a_head_that_is_too_long_is_refused(server: PageServer) -> None:
    long = exchange(server.url, request("/", f"X-Long: {'x' * MAX_HEAD_BYTES}"))
    assert status_of(long) == 431


def test_only_the_first_request_of_a_connection_is_answered(server: PageServer) -> None:
    answered = exchange(server.url, request("/first") + request("/second"))
    assert b"/first" in answered
    assert answered.count(b"HTTP/1.1") == 1


def test_it_answers_503_until_it_knows_the_pages() -> None:
    with PageServer("127.0.0.1") as server:
        assert status_of(exchange(server.url, request("/"))) == 503
        server.answer_with(echo)
        assert status_of(exchange(server.url, request("/"))) == 200


def test_an_address_that_has_too_many_connections_is_refused_another_until_one_ends() -> None:
    with PageServer("127.0.0.1", max_connections_per_address=2) as server:
        server.answer_with(echo)
        with connected(server.url), connected(server.url):
            refused = exchange(server.url, request("/"))
            assert status_of(refused) == 503
            assert b"Too many connections" in refused
        statuses = iter(lambda: status_of(exchange(server.url, request("/"))), 200)
        assert all(status == 503 for status in statuses)


def test_the_end_does_not_wait_for_clients_that_say_nothing_or_for_answers() -> None:
    answering, answered = threading.Event(), threading.Event()

    def slow(path: str) -> Answer:
        answering.set()
        answered.wait(PATIENCE_SECONDS)
        return echo(path)

    server = PageServer("127.0.0.1")
    server.start()
    server.answer_with(slow)
    with connected(server.url) as silent, connected(server.url) as waiting:
        waiting.sendall(request("/"))
        assert answering.wait(PATIENCE_SECONDS)
        threading.Timer(0.1, answered.set).start()
        server.stop()
        assert everything(silent) == b""
        assert everything(waiting) == b""
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(server.url)  # noqa: S310


def test_a_port_that_is_taken_is_an_error(server: PageServer) -> None:
    port = int(server.url.rpartition(":")[2])
    with pytest.raises(OSError, match="in use"):
        PageServer("127.0.0.1", port).start()
