"""The passage for listeners beside this machine: what goes through it, and what must not."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from http import HTTPStatus

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Subprotocol

from local.pages.answers import Answer
from local.pages.passage import Passage
from local.pages.server import PageServer
from tests.local.emulator.sockets import SocketApi, patient_connect
from tests.local.pages.raw_http import (
    HANDSHAKE,
    connected,
    everything,
    exchange,
    request,
    status_of,
)
from tests.patience import PATIENCE_SECONDS, wait_until

PATH = "/live"
Serve = Callable[..., PageServer]


@pytest.fixture
def serve(api: SocketApi) -> Iterator[Serve]:
    """Starts a server with a passage to the API, or to another URL."""
    with ExitStack() as running:

        def start(url: str = api.url, host: str = "127.0.0.1", **limits: int) -> PageServer:
            server = running.enter_context(PageServer(host))
            header = api.emulator.client_address_header
            server.answer_with(not_found, Passage(url, PATH, header, **limits))
            return server

        yield start


@pytest.fixture
def server(serve: Serve) -> PageServer:
    return serve()


def not_found(path: str) -> Answer:
    return Answer.plain(HTTPStatus.NOT_FOUND)


def socket_url(server: PageServer, path: str = PATH) -> str:
    return f"ws{server.url.removeprefix('http')}{path}"


def refused_status(url: str, **options: object) -> int:
    with pytest.raises(InvalidStatus) as refusal:
        patient_connect(url, **options)
    return refusal.value.response.status_code


def test_frames_go_both_ways_and_the_clients_close_code_arrives(
    api: SocketApi, server: PageServer
) -> None:
    with patient_connect(socket_url(server)) as client:
        connection_id = api.connection_id(client)
        assert api.ask(client, x="é" * 10_000)["length"] > 10_000
        api.management.post_to_connection(ConnectionId=connection_id, Data=b"posted")
        assert client.recv(PATIENCE_SECONDS) == "posted"
        client.close(4000, "enough")
    context = api.event("DISCONNECT", connection_id)["requestContext"]
    assert (context["disconnectStatusCode"], context["disconnectReason"]) == (4000, "enough")


def test_the_apis_close_codes_arrive(api: SocketApi, server: PageServer) -> None:
    for message, code in ((b"binary", 1003), ("x" * 40_000, 1009)):
        with patient_connect(socket_url(server), compression=None) as client:
            client.send(message)
            with pytest.raises(ConnectionClosed) as closed:
                client.recv(PATIENCE_SECONDS)
            assert closed.value.rcvd
            assert closed.value.rcvd.code == code
    with patient_connect(socket_url(server)) as client:
        api.management.delete_connection(ConnectionId=api.connection_id(client))
        with pytest.raises(ConnectionClosed):
            client.recv(PATIENCE_SECONDS)
        assert client.close_code == 1000


def test_offered_subprotocols_and_compression_are_negotiated_with_the_api(
    api: SocketApi, server: PageServer
) -> None:
    offered = [Subprotocol("one"), Subprotocol("live-sessions.v1")]
    with patient_connect(socket_url(server), subprotocols=offered) as client:
        connection_id = api.connection_id(client)
        assert client.response
        assert "permessage-deflate" in client.response.headers["Sec-WebSocket-Extensions"]
    headers = api.event("CONNECT", connection_id)["headers"]
    assert headers["sec-websocket-protocol"] == "one, live-sessions.v1"


def test_a_refusal_of_the_api_arrives_whole_and_ends_the_connection(
    api: SocketApi, serve: Serve
) -> None:
    server = serve(f"{api.url}-that-is-not-deployed")
    # The API keeps its connection open: what follows must not become a request to the emulator.
    follows = request("/_ministack/ready")
    answered = exchange(server.url, request(PATH, *HANDSHAKE) + follows)
    assert status_of(answered) == 403
    assert set(json.loads(answered.partition(b"\r\n\r\n")[2])) >= {"message", "connectionId"}


def test_what_follows_a_handshake_is_never_a_request(api: SocketApi, server: PageServer) -> None:
    with connected(server.url) as client:
        client.sendall(request(PATH, *HANDSHAKE) + request("/_ministack/ready"))
        answered = everything(client)
    assert status_of(answered) == 101
    assert answered.count(b"HTTP/1.1") == 1


@pytest.mark.parametrize(
    "offered",
    [
        ["live-sessions.v1, bearer.secret"],
        ["live-sessions.v1,BEARER.secret"],
        ["live-sessions.v1", "bearer.secret"],
        ["bearer."],
    ],
)
def test_a_token_among_the_subprotocols_is_refused_and_does_not_reach_the_api(
    api: SocketApi, server: PageServer, offered: list[str]
) -> None:
    before = len(list(api.notes.glob("CONNECT-*")))
    lines = [f"Sec-WebSocket-Protocol: {each}" for each in offered]
    assert status_of(exchange(server.url, request(PATH, *HANDSHAKE, *lines))) == 403
    assert len(list(api.notes.glob("CONNECT-*"))) == before


@pytest.mark.parametrize("query", ["token=secret", "%74oken=secret", "connectionAgeMinutes=110"])
def test_a_query_is_refused_and_does_not_reach_the_api(
    api: SocketApi, server: PageServer, query: str
) -> None:
    before = len(list(api.notes.glob("CONNECT-*")))
    assert refused_status(f"{socket_url(server)}?{query}") == 403
    assert len(list(api.notes.glob("CONNECT-*"))) == before


def test_no_other_path_of_the_emulator_is_reached(api: SocketApi, server: PageServer) -> None:
    stage = f"/_aws/execute-api/{api.api_id}/live"
    paths = [stage, f"{PATH}/", f"{PATH}/@connections/x", f"{stage}/@connections/x", "/", "//live"]
    for path in paths:
        assert refused_status(socket_url(server, path)) == 404
        for method in ("GET", "POST", "DELETE"):
            host = f"Host: {api.api_id}.execute-api.us-east-1.amazonaws.com"
            answered = exchange(server.url, request(path, host, method=method))
            assert status_of(answered) in (404, 405)


@pytest.mark.parametrize("upgrade", ["h2c", "websocket, h2c", "h2c, websocket"])
def test_no_other_protocol_goes_through(server: PageServer, upgrade: str) -> None:
    headers = (f"Upgrade: {upgrade}", *HANDSHAKE[1:])
    assert status_of(exchange(server.url, request(PATH, *headers))) == 400


def test_the_api_sees_each_clients_own_address(api: SocketApi, serve: Serve) -> None:
    server = serve()
    for source in ("127.0.0.1", another_loopback_address()):
        with connected(server.url, source=source) as client:
            assert source_ip(api, client, server) == source


def test_an_address_that_a_client_claims_is_not_believed(
    api: SocketApi, server: PageServer
) -> None:
    claims = {
        "X-Forwarded-For": "10.1.1.1",
        "Forwarded": "for=10.1.1.1",
        "X-Real-IP": "10.1.1.1",
        # Even with the name that nobody outside knows.
        api.emulator.client_address_header: "10.1.1.1",
    }
    with patient_connect(socket_url(server), additional_headers=claims) as client:
        event = api.event("CONNECT", api.connection_id(client))
    assert event["requestContext"]["identity"]["sourceIp"] == "127.0.0.1"
    assert not set(event["headers"]) & {name.lower() for name in claims}


def test_the_emulator_believes_nobody_who_does_not_know_the_name(api: SocketApi) -> None:
    claims = {"X-Client-Address": "10.1.1.1", "X-Forwarded-For": "10.1.1.1"}
    with api.connect(additional_headers=claims) as client:
        assert api.ask(client)["identity"]["sourceIp"] == "127.0.0.1"


def test_an_address_with_too_many_sockets_is_refused_another_until_one_closes(
    serve: Serve,
) -> None:
    server = serve(max_sockets_per_address=2)
    with patient_connect(socket_url(server)):
        with patient_connect(socket_url(server)):
            assert refused_status(socket_url(server)) == 503
        # The server may not have seen yet that it is closed.
        wait_until(lambda: can_open(server))


def test_too_many_sockets_of_all_addresses_are_refused(serve: Serve) -> None:
    server = serve(max_sockets=1)
    with patient_connect(socket_url(server)):
        assert refused_status(socket_url(server)) == 503


def test_an_api_that_is_gone_is_a_bad_gateway(serve: Serve) -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    server = serve(f"ws://127.0.0.1:{port}/live")
    assert refused_status(socket_url(server)) == 502


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 403 Forbidden\r\nContent-Length: 50\r\n\r\ncut",
        b"HTTP/1.1 403 Forbidden\r\nContent-Le",
        b"",
    ],
    ids=["in the body", "in the head", "before it"],
)
def test_an_api_whose_answer_is_cut_off_is_a_bad_gateway(serve: Serve, answer: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as api:
        server = serve(f"ws://127.0.0.1:{api.getsockname()[1]}/live")
        with connected(server.url) as client:
            client.sendall(request(PATH, *HANDSHAKE))
            asked, _ = api.accept()
            with asked:
                assert asked.recv(65_536)
                asked.sendall(answer)
            assert status_of(everything(client)) == 502


def test_the_end_of_the_server_ends_the_sockets(api: SocketApi) -> None:
    server = PageServer("127.0.0.1")
    server.start()
    header = api.emulator.client_address_header
    server.answer_with(not_found, Passage(api.url, PATH, header))
    with patient_connect(socket_url(server)) as client:
        api.connection_id(client)
        server.stop()
        with pytest.raises(ConnectionClosed):
            client.recv(PATIENCE_SECONDS)


def can_open(server: PageServer) -> bool:
    try:
        patient_connect(socket_url(server)).close()
    except InvalidStatus:
        return False
    return True


def source_ip(api: SocketApi, client: socket.socket, server: PageServer) -> str:
    with patient_connect(socket_url(server), sock=client) as opened:
        return api.ask(opened)["identity"]["sourceIp"]


def another_loopback_address() -> str:
    """Skips where there is none: macOS has 127.0.0.1 alone."""
    try:
        socket.create_server(("127.0.0.3", 0)).close()
    except OSError:
        pytest.skip("this machine has one loopback address")
    return "127.0.0.3"
