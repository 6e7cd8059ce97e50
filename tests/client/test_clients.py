"""Sockets, speakers and AWS clients when the service or the environment misbehaves."""

import json
import threading
import traceback
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from websockets.sync.server import ServerConnection, serve
from websockets.typing import Subprotocol

from client import sockets
from client.account import Account
from client.people import Participants, Speaker
from client.sockets import Client, FrameMissing, SocketNotOpened, SubprotocolNotAnswered
from contract.handshake import SUBPROTOCOL


@pytest.fixture
def refusing() -> Iterator[str]:
    """The URL of a service that refuses every message."""

    def refuse(connection: ServerConnection) -> None:
        for message in connection:
            error = {"type": "error", "code": "RATE_LIMITED", "message": "Try again later."}
            connection.send(json.dumps({**error, "requestId": json.loads(message)["requestId"]}))

    with serve(refuse, "127.0.0.1", 0) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"ws://127.0.0.1:{server.socket.getsockname()[1]}"


def test_a_refused_session_raises_with_the_refusal_instead_of_timing_out(refusing: str) -> None:
    speaker = Speaker(refusing, name="Ada")
    with pytest.raises(FrameMissing, match=r"Ada has no session.*RATE_LIMITED.*Try again later"):
        speaker.create_session("en")
    speaker.close()


TOKEN = "header.claims.signature"


@pytest.mark.parametrize("address", ["https://live.example.com", "live.example.com", "wss://"])
def test_an_invalid_address_is_reported_without_the_token(address: str) -> None:
    with pytest.raises(SocketNotOpened) as raised:
        Client(f"{address}?token={TOKEN}")
    assert address in str(raised.value)
    assert "ws:// or wss://" in str(raised.value)
    assert TOKEN not in "".join(traceback.format_exception(raised.value))


def test_any_other_error_is_reported_without_the_token(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(url: str, **_: object) -> None:
        raise RuntimeError(f"nothing at {url}")

    monkeypatch.setattr(sockets, "connect", fails)
    for query in (f"token={TOKEN}", f"token={TOKEN}&sessionId=calm-sea-1"):
        with pytest.raises(SocketNotOpened, match="RuntimeError") as raised:
            Client(f"ws://127.0.0.1:1?{query}")
        assert TOKEN not in "".join(traceback.format_exception(raised.value))


def test_errors_do_not_show_a_token_among_the_subprotocols() -> None:
    for url, token in (("live.example.com", TOKEN), ("ws://127.0.0.1:1", "no\nheader")):
        with pytest.raises(SocketNotOpened) as raised:
            Client(url, subprotocols=(SUBPROTOCOL, f"bearer.{token}"))
        assert token not in "".join(traceback.format_exception(raised.value))


def test_a_speakers_token_is_sent_as_a_subprotocol_or_in_the_query_alone() -> None:
    offers: list[tuple[str | None, str]] = []

    def note(connection: ServerConnection) -> None:
        assert connection.request
        offered = connection.request.headers.get("Sec-WebSocket-Protocol")
        offers.append((offered, connection.request.path))

    def answer(_: ServerConnection, offered: Sequence[Subprotocol]) -> Subprotocol | None:
        return Subprotocol(SUBPROTOCOL) if offered else None

    with serve(note, "127.0.0.1", 0, select_subprotocol=answer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"ws://127.0.0.1:{server.socket.getsockname()[1]}/live"
        with Participants({"websocketUrl": url}) as people:
            people.speaker(token=TOKEN)
            people.listener()
            people.listener(age_minutes=101)
            people.handshake(("chat", SUBPROTOCOL), ["a", "b"])
        with Participants({"websocketUrl": url}, with_subprotocols=False) as people:
            people.speaker(token=TOKEN)
            people.listener()
    assert sorted(offers, key=str) == sorted(
        [
            (f"{SUBPROTOCOL}, bearer.{TOKEN}", "/live"),
            (None, f"/live?token={TOKEN}"),
            (SUBPROTOCOL, "/live"),
            (None, "/live"),
            (SUBPROTOCOL, "/live?connectionAgeMinutes=101"),
            (f"chat, {SUBPROTOCOL}", "/live?token=a&token=b"),
        ],
        key=str,
    )


def test_a_service_that_answers_without_the_subprotocol_is_reported() -> None:
    with serve(lambda connection: None, "127.0.0.1", 0) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"ws://127.0.0.1:{server.socket.getsockname()[1]}"
        with pytest.raises(SubprotocolNotAnswered, match="of a release without them") as raised:
            Client(url, subprotocols=(SUBPROTOCOL, f"bearer.{TOKEN}"))
    assert TOKEN not in str(raised.value)


def test_an_error_without_the_token_is_raised_unchanged(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(url: str, **_: object) -> None:
        raise ConnectionRefusedError("refused")

    monkeypatch.setattr(sockets, "connect", fails)
    with pytest.raises(ConnectionRefusedError):
        Client(f"ws://127.0.0.1:1?token={TOKEN}")


def test_the_local_clouds_clients_ignore_the_shells_aws_profile(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    config = tmp_path / "config"
    config.write_text("[default]\nregion = eu-central-1\nendpoint_url = http://127.0.0.1:9\n")
    monkeypatch.setenv("AWS_PROFILE", "gone")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    account = Account("http://127.0.0.1:1", "us-east-1", "000000000000", "AKIA", "secret")
    client = account.client("sqs")
    assert client.meta.region_name == "us-east-1"
    assert client.meta.endpoint_url == "http://127.0.0.1:1"
