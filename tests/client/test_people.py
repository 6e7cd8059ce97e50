"""Clients of the wire protocol, against a service with one canned reply."""

import json
import threading
from collections.abc import Iterator

import pytest
from websockets.sync.server import ServerConnection, serve

from client.people import Speaker
from client.sockets import FrameMissing


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
