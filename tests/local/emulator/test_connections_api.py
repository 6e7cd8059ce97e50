"""The @connections API, from a client of AWS's own SDK."""

from datetime import UTC, datetime
from typing import Any

import pytest
from botocore import UNSIGNED
from botocore.config import Config
from websockets.exceptions import ConnectionClosed

from tests.local.emulator.sockets import PATIENCE_SECONDS, SocketApi

KIB = 1024


def test_a_post_reaches_its_client(api: SocketApi) -> None:
    with api.connect() as first, api.connect() as second:
        management = api.management
        for socket, data in ((first, "für eins"), (second, "for two")):
            connection_id = api.connection_id(socket)
            management.post_to_connection(ConnectionId=connection_id, Data=data.encode())
        assert first.recv(PATIENCE_SECONDS) == "für eins"
        assert second.recv(PATIENCE_SECONDS) == "for two"


def test_posts_of_one_sender_arrive_in_order(api: SocketApi) -> None:
    with api.connect() as socket:
        connection_id, management = api.connection_id(socket), api.management
        texts = [str(number) for number in range(20)]
        for text in texts:
            management.post_to_connection(ConnectionId=connection_id, Data=text)
        assert [socket.recv(PATIENCE_SECONDS) for _ in texts] == texts


def test_a_post_of_128_kib_is_taken_and_one_more_byte_is_too_large(api: SocketApi) -> None:
    with api.connect() as socket:
        connection_id, management = api.connection_id(socket), api.management
        management.post_to_connection(ConnectionId=connection_id, Data=b"x" * 128 * KIB)
        assert len(socket.recv(PATIENCE_SECONDS)) == 128 * KIB
        with pytest.raises(management.exceptions.PayloadTooLargeException) as refusal:
            management.post_to_connection(ConnectionId=connection_id, Data=b"x" * (128 * KIB + 1))
    assert refusal.value.response["ResponseMetadata"]["HTTPStatusCode"] == 413


def test_get_returns_when_and_from_where_the_client_connected(api: SocketApi) -> None:
    before = datetime.now(UTC)
    with api.connect(user_agent_header="a client") as socket:
        event, management = api.ask(socket), api.management
        found = management.get_connection(ConnectionId=event["connectionId"])
    assert found["Identity"] == {"SourceIp": "127.0.0.1", "UserAgent": "a client"}
    assert int(found["ConnectedAt"].timestamp() * 1000) == event["connectedAt"]
    assert before <= found["LastActiveAt"] <= datetime.now(UTC)
    assert found["LastActiveAt"] > found["ConnectedAt"]


def test_delete_closes_the_socket_after_what_was_posted_before(api: SocketApi) -> None:
    with api.connect() as socket:
        connection_id, management = api.connection_id(socket), api.management
        management.post_to_connection(ConnectionId=connection_id, Data=b"farewell")
        management.delete_connection(ConnectionId=connection_id)
        assert socket.recv(PATIENCE_SECONDS) == "farewell"
        with pytest.raises(ConnectionClosed) as closing:
            socket.recv(PATIENCE_SECONDS)
    assert closing.value.rcvd
    assert closing.value.rcvd.code == 1000
    context = api.event("DISCONNECT", connection_id)["requestContext"]
    assert context["disconnectStatusCode"] == 1000
    assert context["disconnectReason"] == "Connection Closed Normally"


def test_delete_waits_for_a_client_that_is_behind(api: SocketApi) -> None:
    with api.connect(max_queue=1, compression=None) as socket:
        connection_id, management = api.connection_id(socket), api.management
        for _ in range(90):
            management.post_to_connection(ConnectionId=connection_id, Data=b"x" * 128 * KIB)
        management.delete_connection(ConnectionId=connection_id)
        assert [len(frame) for frame in socket] == [128 * KIB] * 90
        assert socket.close_code == 1000


@pytest.mark.parametrize("call", ["post_to_connection", "get_connection", "delete_connection"])
def test_a_connection_that_is_gone_is_gone(api: SocketApi, call: str) -> None:
    with api.connect() as socket:
        connection_id, management = api.connection_id(socket), api.management
        management.delete_connection(ConnectionId=connection_id)
        data = {"Data": b""} if call == "post_to_connection" else {}
        with pytest.raises(management.exceptions.GoneException) as refusal:
            getattr(management, call)(ConnectionId=connection_id, **data)
    assert refusal.value.response["ResponseMetadata"]["HTTPStatusCode"] == 410


def test_a_connection_is_unknown_to_another_api(api: SocketApi, authorized_api: SocketApi) -> None:
    with api.connect() as socket:
        connection_id, management = api.connection_id(socket), authorized_api.management
        with pytest.raises(management.exceptions.GoneException):
            management.post_to_connection(ConnectionId=connection_id, Data=b"strange")


def test_a_client_that_does_not_read_is_reported_by_429(api: SocketApi) -> None:
    with api.connect(max_queue=1, compression=None, close_timeout=0) as socket:
        connection_id, management = api.connection_id(socket), api.management

        def post_much() -> None:
            for _ in range(1_000):
                management.post_to_connection(ConnectionId=connection_id, Data=b"x" * 128 * KIB)

        with pytest.raises(management.exceptions.LimitExceededException):
            post_much()


@pytest.mark.parametrize(
    ("caller", "refusal"),
    [
        ({"config": Config(signature_version=UNSIGNED)}, "MissingAuthenticationToken"),
        (
            {"aws_access_key_id": "AKIASTRANGER00000000", "aws_secret_access_key": "guess"},
            "UnrecognizedClientException",
        ),
    ],
    ids=["unsigned", "unknown"],
)
def test_callers_without_credentials_of_the_account_are_refused(
    api: SocketApi, caller: dict[str, Any], refusal: str
) -> None:
    endpoint = api.management.meta.endpoint_url
    stranger = api.emulator.client("apigatewaymanagementapi", endpoint_url=endpoint, **caller)
    with api.connect() as socket:
        connection_id = api.connection_id(socket)
        with pytest.raises(stranger.exceptions.ClientError, match=refusal):
            stranger.post_to_connection(ConnectionId=connection_id, Data=b"psst")
        assert api.ask(socket)["eventType"] == "MESSAGE", "the stranger's post arrived"
