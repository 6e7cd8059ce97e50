"""The events that functions receive, and the routing of client messages."""

import re
import socket as sockets
import struct
import time
from collections.abc import Callable
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection

from tests.local.emulator.sockets import PATIENCE_SECONDS, SocketApi

IDENTIFIER = re.compile(r"[\w-]{15}=")


def test_a_connection_keeps_its_id_and_time_and_each_event_has_its_own(api: SocketApi) -> None:
    before = int(time.time() * 1000)
    with api.connect() as socket:
        first, second = api.ask(socket), api.ask(socket)
    connected = api.event("CONNECT", first["connectionId"])["requestContext"]
    disconnected = api.event("DISCONNECT", first["connectionId"])["requestContext"]
    events = [connected, first, second, disconnected]
    assert IDENTIFIER.fullmatch(first["connectionId"])
    assert len({each["connectedAt"] for each in events}) == 1
    assert before <= first["connectedAt"] <= int(time.time() * 1000)
    assert len({each["requestId"] for each in events}) == 4
    assert first["messageId"] != second["messageId"]
    assert [each["eventType"] for each in events] == [
        "CONNECT",
        "MESSAGE",
        "MESSAGE",
        "DISCONNECT",
    ]


def test_a_message_event_has_the_fields_of_the_service(api: SocketApi) -> None:
    with api.connect(user_agent_header="a client") as socket:
        event = api.ask(socket, action="named")
    assert event["routeKey"] == "named"
    assert event["messageDirection"] == "IN"
    assert event["stage"] == "live"
    assert event["apiId"] == api.api_id
    assert event["domainName"] == f"{api.api_id}.execute-api.us-east-1.amazonaws.com"
    assert event["identity"] == {"sourceIp": "127.0.0.1", "userAgent": "a client"}
    assert event["requestTimeEpoch"] >= event["connectedAt"]
    assert re.fullmatch(r"\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d \+0000", event["requestTime"])
    assert IDENTIFIER.fullmatch(event["messageId"])
    assert IDENTIFIER.fullmatch(event["extendedRequestId"])


def test_every_event_has_the_clients_address(authorized_api: SocketApi) -> None:
    with authorized_api.connect("?token=allow") as socket:
        connection_id = authorized_api.connection_id(socket)
        message = authorized_api.event("MESSAGE", connection_id)
    others = [
        authorized_api.event(kind, connection_id) for kind in ("AUTHORIZE", "CONNECT", "DISCONNECT")
    ]
    for event in (*others, message):
        assert event["requestContext"]["identity"]["sourceIp"] == "127.0.0.1", event


def test_the_connect_event_carries_headers_and_query(api: SocketApi) -> None:
    with api.connect("?token=a%20b&tag=1&tag=2") as socket:
        event = api.event("CONNECT", api.connection_id(socket))
    assert event["queryStringParameters"] == {"token": "a b", "tag": "2"}
    assert event["multiValueQueryStringParameters"] == {"token": ["a b"], "tag": ["1", "2"]}
    assert event["headers"]["sec-websocket-version"] == "13"


@pytest.mark.parametrize(
    "text",
    [
        "no JSON",
        "[1]",
        "7",
        "{}",
        '{"action": null}',
        '{"action": ["named"]}',
        '{"action": "unknown"}',
        "[" * 30_000,
    ],
)
def test_a_message_without_a_matching_action_takes_the_default_route(
    api: SocketApi, text: str
) -> None:
    with api.connect() as socket:
        socket.send(text)
        answer = socket.recv(PATIENCE_SECONDS)
    assert '"routeKey": "$default"' in str(answer)


@pytest.mark.parametrize("action", ["$connect", "$disconnect", "$default"])
def test_a_client_cannot_play_a_lifecycle_event(api: SocketApi, action: str) -> None:
    with api.connect() as socket:
        event = api.ask(socket, action=action)
    assert (event["routeKey"], event["eventType"]) == ("$default", "MESSAGE")


def disconnected(api: SocketApi, connection_id: str) -> tuple[int, str]:
    context: dict[str, Any] = api.event("DISCONNECT", connection_id)["requestContext"]
    return context["disconnectStatusCode"], context["disconnectReason"]


@pytest.mark.parametrize(
    ("code", "reason", "expected"),
    [
        (1000, "", (1000, "Connection Closed Normally")),
        (1001, "", (1001, "Going away")),
        (4321, "enough", (4321, "enough")),
    ],
)
def test_disconnect_has_the_code_and_reason_of_the_client(
    api: SocketApi, code: int, reason: str, expected: tuple[int, str]
) -> None:
    with api.connect() as socket:
        connection_id = api.connection_id(socket)
        socket.close(code, reason)
    assert disconnected(api, connection_id) == expected


def test_disconnect_of_a_client_that_gave_no_code_says_1005(api: SocketApi) -> None:
    with api.connect() as socket:
        connection_id = api.connection_id(socket)
        empty_masked_close_frame = b"\x88\x80\x00\x00\x00\x00"
        socket.socket.sendall(empty_masked_close_frame)
        assert disconnected(api, connection_id) == (1005, "Client-side close frame status not set")


def cut(socket: ClientConnection) -> None:
    """End the connection by a TCP reset, without a close frame."""
    # https://man7.org/linux/man-pages/man7/socket.7.html: no lingering for 0 seconds.
    socket.socket.setsockopt(sockets.SOL_SOCKET, sockets.SO_LINGER, struct.pack("ii", 1, 0))
    socket.socket.shutdown(sockets.SHUT_RD)
    socket.socket.close()


def shut(socket: ClientConnection) -> None:
    """End the connection by a TCP close, without a close frame."""
    socket.socket.shutdown(sockets.SHUT_RDWR)


@pytest.mark.parametrize("lose", [cut, shut])
def test_a_connection_that_is_lost_without_a_close_frame_is_still_there(
    api: SocketApi, lose: Callable[[ClientConnection], None]
) -> None:
    """API Gateway finds out after its idle limit; until then posts to it are accepted."""
    management = api.management
    with api.connect() as socket, api.connect() as other:
        connection_id = api.connection_id(socket)
        lose(socket)
        for _ in range(20):
            # Each answer comes after the emulator has had a turn to notice the loss.
            api.ask(other)
            management.post_to_connection(ConnectionId=connection_id, Data=b"lost")
        assert management.get_connection(ConnectionId=connection_id)["ConnectedAt"]
        assert api.events("DISCONNECT", connection_id) == []
        management.delete_connection(ConnectionId=connection_id)
        assert disconnected(api, connection_id)[0] == 1000
        with pytest.raises(management.exceptions.GoneException):
            management.get_connection(ConnectionId=connection_id)


def test_disconnect_runs_after_the_connection_is_gone(api: SocketApi) -> None:
    with api.connect() as socket:
        connection_id = api.connection_id(socket)
    api.event("DISCONNECT", connection_id)
    management = api.management
    with pytest.raises(management.exceptions.GoneException):
        management.get_connection(ConnectionId=connection_id)


def test_disconnect_runs_when_the_server_closes(api: SocketApi) -> None:
    with api.connect() as socket:
        connection_id = api.connection_id(socket)
        socket.send(b"binary")
        with pytest.raises(ConnectionClosed):
            socket.recv(PATIENCE_SECONDS)
    assert disconnected(api, connection_id)[0] == 1003
