"""What a socket that does not open says of its URL: never the token in it."""

import traceback

import pytest

from client import sockets
from client.sockets import Client, SocketNotOpened

TOKEN = "header.claims.signature"


@pytest.mark.parametrize("address", ["https://live.example.com", "live.example.com", "wss://"])
def test_an_address_that_is_none_is_told_without_the_token(address: str) -> None:
    with pytest.raises(SocketNotOpened) as told:
        Client(f"{address}?token={TOKEN}")
    assert address in str(told.value)
    assert "ws:// or wss://" in str(told.value)
    assert TOKEN not in "".join(traceback.format_exception(told.value))


def test_an_error_of_any_kind_is_told_without_the_token(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(url: str, **_: object) -> None:
        raise RuntimeError(f"nothing at {url}")

    monkeypatch.setattr(sockets, "connect", fails)
    for query in (f"token={TOKEN}", f"token={TOKEN}&sessionId=calm-sea-1"):
        with pytest.raises(SocketNotOpened, match="RuntimeError") as told:
            Client(f"ws://127.0.0.1:1?{query}")
        assert TOKEN not in "".join(traceback.format_exception(told.value))


def test_an_error_that_tells_nothing_stays_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(url: str, **_: object) -> None:
        raise ConnectionRefusedError("refused")

    monkeypatch.setattr(sockets, "connect", fails)
    with pytest.raises(ConnectionRefusedError):
        Client(f"ws://127.0.0.1:1?token={TOKEN}")
