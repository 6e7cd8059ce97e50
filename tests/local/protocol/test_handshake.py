"""The HTTP exchange that opens a socket, to the byte."""

import socket
from urllib.parse import urlsplit

import pytest

from client.sign_in import sign_in
from contract.handshake import SUBPROTOCOL
from local.cloud import LocalCloud
from tests.patience import PATIENCE_SECONDS

OPENED = 101


def shake_hands(url: str, *lines: str) -> tuple[int, list[str]]:
    """The status, and the subprotocols of the answer, to a request with these header lines."""
    address = urlsplit(url)
    request = [
        f"GET {address.path}?{address.query} HTTP/1.1",
        f"Host: {address.netloc}",
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        *lines,
        "\r\n",
    ]
    assert address.hostname
    with socket.create_connection((address.hostname, address.port or 80), PATIENCE_SECONDS) as peer:
        peer.sendall("\r\n".join(request).encode())
        head = b""
        while b"\r\n\r\n" not in head and (part := peer.recv(4096)):
            head += part
    status, *answered = head.partition(b"\r\n\r\n")[0].decode().split("\r\n")
    fields = [line.partition(": ") for line in answered]
    protocols = [value for name, _, value in fields if name.lower() == "sec-websocket-protocol"]
    return int(status.split()[1]), protocols


@pytest.mark.parametrize(
    "lines",
    [
        ["Sec-WebSocket-Protocol: live-sessions.v1, bearer.{}"],
        ["Sec-WebSocket-Protocol: live-sessions.v1,bearer.{}"],
        ["sec-websocket-protocol:bearer.{} ,\tlive-sessions.v1"],
        ["SEC-WEBSOCKET-PROTOCOL: live-sessions.v1", "Sec-WebSocket-Protocol: bearer.{}"],
        ["Sec-WebSocket-Protocol: bearer.{}", "Sec-WebSocket-Protocol: chat, live-sessions.v1"],
    ],
    ids=str,
)
def test_our_subprotocol_is_the_only_answer_however_the_client_writes_its_list(
    cloud: LocalCloud, lines: list[str]
) -> None:
    token = sign_in(cloud.outputs)
    sent = [line.format(token) for line in lines]
    assert shake_hands(cloud.outputs["websocketUrl"], *sent) == (OPENED, [SUBPROTOCOL])
    # The token was read: a bad one in its place is refused.
    bad = [line.format("not-a-token") for line in lines]
    assert shake_hands(cloud.outputs["websocketUrl"], *bad) == (403, [])


@pytest.mark.parametrize(
    ("status", "query", "lines"),
    [
        (OPENED, "", []),
        (OPENED, "token={}", []),
        (400, "", ["bearer.{}"]),
        (400, "", ["chat"]),
        (400, "token={}", ["chat"]),
        (400, "", ["Live-Sessions.v1"]),
        (403, "", ["live-sessions.v1, bearer.{}, bearer.{}"]),
        (403, "", ["live-sessions.v1, bearer.{}", "bearer.{}"]),
        (403, "token={}", ["live-sessions.v1, bearer.{}"]),
        (403, "token={}&token={}", []),
        (403, "token=", ["live-sessions.v1"]),
        (403, "", ["live-sessions.v1, bearer."]),
    ],
)
def test_a_handshake_is_refused_by_its_status_and_without_a_subprotocol(
    cloud: LocalCloud, status: int, query: str, lines: list[str]
) -> None:
    token = sign_in(cloud.outputs)
    url = f"{cloud.outputs['websocketUrl']}?{query.replace('{}', token)}"
    sent = [f"Sec-WebSocket-Protocol: {line.replace('{}', token)}" for line in lines]
    assert shake_hands(url, *sent) == (status, [])
