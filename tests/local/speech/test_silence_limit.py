"""A stream to which no audio comes, with the limit shortened."""

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from websockets.asyncio.server import serve
from websockets.sync.client import connect

from local.speech import stream as served
from local.speech.authorisation import Authorisation
from local.speech.faults import Faults
from local.speech.recognisers import Recognisers, Recognition
from local.speech.transcribe import TranscribeServer
from tests.local.speech.callers import audio_event, results, speak
from tests.local.speech.sounds import silence

QUERY = "language-code=en-US&media-encoding=pcm&sample-rate=16000"


@pytest.fixture
def address(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Of a server that takes anyone and hears out nobody for more than half a second."""
    assert served.SILENCE_TIMEOUT_SECONDS == 15
    monkeypatch.setattr(served, "SILENCE_TIMEOUT_SECONDS", 0.5)
    started, ended = threading.Event(), threading.Event()
    ports: list[int] = []

    async def run() -> None:
        recognisers = Recognisers(Recognition.NUMBERS)
        server = TranscribeServer(Authorisation(""), recognisers, Faults(), ThreadPoolExecutor(2))
        async with serve(server.serve, "127.0.0.1", 0) as listening:
            [listener] = listening.sockets
            ports.append(listener.getsockname()[1])
            started.set()
            await asyncio.to_thread(ended.wait, 30)

    thread = threading.Thread(target=asyncio.run, args=(run(),))
    thread.start()
    assert started.wait(10)
    yield f"ws://127.0.0.1:{ports[0]}/stream-transcription-websocket?{QUERY}"
    ended.set()
    thread.join(10)


def test_a_stream_without_new_audio_is_told_and_ended(address: str) -> None:
    with connect(address, proxy=None) as stream:
        [failure] = results(stream)
    assert failure["exception"] == "BadRequestException"
    assert "no new audio was received for" in failure["Message"]


def test_silence_that_is_sent_is_audio(address: str) -> None:
    with connect(address, proxy=None) as stream:
        for _ in range(4):
            speak(stream, silence(100))
            threading.Event().wait(0.3)
        stream.send(audio_event(b""))
        assert results(stream) == []
