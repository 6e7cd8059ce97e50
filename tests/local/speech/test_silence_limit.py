"""A stream to which no audio comes; the server's clock is the test's."""

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from queue import Queue
from typing import Any

import pytest
from websockets.asyncio.server import serve
from websockets.sync.client import ClientConnection, connect

from local.speech import event_stream
from local.speech.authorisation import Authorisation
from local.speech.faults import Faults
from local.speech.stream import SILENCE_TIMEOUT_SECONDS
from local.speech.transcribe import TranscribeServer
from tests.local.speech.callers import PATIENCE_SECONDS, audio_event, results, speak
from tests.local.speech.sounds import silence

QUERY = "language-code=en-US&media-encoding=pcm&sample-rate=16000"


class Deaf:
    """A recogniser that recognises nothing and records the audio it receives."""

    def __init__(self) -> None:
        self.given: Queue[bytes] = Queue()

    def open(self, language_code: str) -> "Deaf":
        return self

    def feed(self, pcm: bytes) -> list[Any]:
        self.given.put(pcm)
        return []

    def finish(self) -> list[Any]:
        return []

    def close(self) -> None:
        pass


class Server:
    """Takes anyone. Its time stands still but for `let_pass`."""

    def __init__(self) -> None:
        self.recogniser = Deaf()
        self.address = ""
        self._now = 0.0
        self._is_ready = threading.Event()

    async def run(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._loop.time = lambda: self._now  # pyright: ignore[reportAttributeAccessIssue]
        self._should_end = asyncio.Event()
        with ThreadPoolExecutor(2) as threads:
            server = TranscribeServer(
                Authorisation(""),
                self.recogniser,  # pyright: ignore[reportArgumentType]
                Faults(),
                threads,
            )
            async with serve(
                server.serve, "127.0.0.1", 0, open_timeout=None, ping_interval=None
            ) as listening:
                [listener] = listening.sockets
                port = listener.getsockname()[1]
                self.address = f"ws://127.0.0.1:{port}/stream-transcription-websocket?{QUERY}"
                self._is_ready.set()
                await self._should_end.wait()

    def wait_until_ready(self) -> None:
        assert self._is_ready.wait(PATIENCE_SECONDS)

    def let_pass(self, seconds: float) -> None:
        passed = threading.Event()

        def step() -> None:
            self._now += seconds
            self._loop.call_soon(passed.set)

        self._loop.call_soon_threadsafe(step)
        assert passed.wait(PATIENCE_SECONDS)

    def end(self) -> None:
        self._loop.call_soon_threadsafe(self._should_end.set)


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    thread = threading.Thread(target=asyncio.run, args=(server.run(),))
    thread.start()
    server.wait_until_ready()
    yield server
    server.end()
    thread.join(PATIENCE_SECONDS)
    assert not thread.is_alive()


def connected(server: Server) -> ClientConnection:
    return connect(
        server.address,
        proxy=None,
        ping_interval=None,
        open_timeout=PATIENCE_SECONDS,
        close_timeout=PATIENCE_SECONDS,
    )


def test_the_limit_is_that_of_the_service() -> None:
    assert SILENCE_TIMEOUT_SECONDS == 15


def test_a_stream_without_new_audio_is_ended_with_an_exception(server: Server) -> None:
    with connected(server) as stream:
        message = None
        while message is None:
            # Repeated, because the test cannot see when the server begins to wait.
            server.let_pass(SILENCE_TIMEOUT_SECONDS + 1)
            with suppress(TimeoutError):
                message = stream.recv(0.05, decode=False)
        headers, payload = event_stream.decode(message)
        assert results(stream) == []
    assert headers[":exception-type"] == "BadRequestException"
    assert b"no new audio was received for 15 seconds" in payload


def test_silence_that_is_sent_is_audio(server: Server) -> None:
    with connected(server) as stream:
        for _ in range(4):
            speak(stream, silence(100))
            assert server.recogniser.given.get(timeout=PATIENCE_SECONDS) == silence(100)
            server.let_pass(SILENCE_TIMEOUT_SECONDS - 1)
        stream.send(audio_event(b""))
        assert results(stream) == []
