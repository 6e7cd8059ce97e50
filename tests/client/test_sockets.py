"""Errors about a socket that cannot be opened never contain the token in its URL."""

import traceback

import pytest

from client import sockets
from client.sockets import Client, SocketNotOpened

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


def test_an_error_without_the_token_is_raised_unchanged(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(url: str, **_: object) -> None:
        raise ConnectionRefusedError("refused")

    monkeypatch.setattr(sockets, "connect", fails)
    with pytest.raises(ConnectionRefusedError):
        Client(f"ws://127.0.0.1:1?token={TOKEN}")
