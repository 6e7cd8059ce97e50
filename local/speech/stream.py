"""One stream of audio events in and transcript events out."""

import asyncio
import uuid
from collections.abc import Callable
from concurrent.futures import Executor
from typing import Any

from websockets.asyncio.server import ServerConnection

from local.speech import event_stream
from local.speech.event_stream import BadFrame
from local.speech.faults import StreamFault
from local.speech.recognition import SAMPLE_BYTES, Heard, Recogniser

# https://docs.aws.amazon.com/transcribe/latest/APIReference/API_streaming_AudioEvent.html
MAX_CHUNK_SECONDS = 1
SILENCE_TIMEOUT_SECONDS = 15.0
SEND_TIMEOUT_SECONDS = 10.0
UNREADABLE = (
    "The audio stream that you provided could not be decoded. "
    "Check that it is valid, and try your request again."
)


class StreamFailed(Exception):
    """The stream ends with this exception as its last message to the client."""

    def __init__(self, kind: str, message: str) -> None:
        self.kind = kind
        self.message = message

    def frame(self) -> bytes:
        """Return the message."""
        return event_stream.exception(self.kind, self.message)


class TranscriptionStream:
    """Serves an accepted connection; the recogniser runs on one of `threads` at a time."""

    def __init__(
        self,
        connection: ServerConnection,
        recogniser: Recogniser,
        sample_rate: int,
        threads: Executor,
        fault: StreamFault | None,
    ) -> None:
        self.audio_seconds = 0.0
        self._connection = connection
        self._recogniser = recogniser
        self._bytes_per_second = SAMPLE_BYTES * sample_rate
        self._threads = threads
        self._fault = fault
        self._result_id = str(uuid.uuid4())

    async def serve(self) -> None:
        """Serve until the audio ends; raises StreamFailed or ConnectionClosed."""
        while True:
            await self._fail_if_ordered()
            chunk = await self._chunk()
            if not chunk:
                await self._send_results(await self._recognise(self._recogniser.finish))
                return
            self.audio_seconds += len(chunk) / self._bytes_per_second
            await self._send_results(await self._recognise(self._recogniser.feed, chunk))

    async def close(self) -> None:
        """Release the recogniser."""
        await self._recognise(self._recogniser.close)

    async def _chunk(self) -> bytes:
        """Return the next audio event's samples; empty at the end of the audio."""
        try:
            async with asyncio.timeout(SILENCE_TIMEOUT_SECONDS):
                message = await self._connection.recv()
        except TimeoutError:
            raise StreamFailed(
                "BadRequestException",
                "Your request timed out because no new audio was received for "
                f"{SILENCE_TIMEOUT_SECONDS:g} seconds.",
            ) from None
        try:
            headers, samples = event_stream.decode(message)
        except BadFrame:
            raise StreamFailed("BadRequestException", UNREADABLE) from None
        kind = (headers.get(":message-type"), headers.get(":event-type"))
        if kind != ("event", "AudioEvent") or len(samples) % SAMPLE_BYTES:
            raise StreamFailed("BadRequestException", UNREADABLE)
        if len(samples) > MAX_CHUNK_SECONDS * self._bytes_per_second:
            raise StreamFailed(
                "BadRequestException",
                f"A chunk of {len(samples)} bytes is longer than one second of audio.",
            )
        return samples

    async def _recognise(self, work: Callable[..., Any], *content: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work, *content)

    async def _send_results(self, heard: list[Heard]) -> None:
        if self._fault and self._fault.is_mute:
            return
        for each in heard:
            async with asyncio.timeout(SEND_TIMEOUT_SECONDS):
                await self._connection.send(
                    event_stream.event("TranscriptEvent", self._transcript(each))
                )
            if each.is_final:
                self._result_id = str(uuid.uuid4())

    async def _fail_if_ordered(self) -> None:
        fault = self._fault
        if not fault or self.audio_seconds < fault.after_seconds:
            return
        if fault.is_cut:
            self._connection.transport.abort()
            await self._connection.wait_closed()
        elif fault.exception:
            raise StreamFailed(fault.exception, fault.message)

    def _transcript(self, heard: Heard) -> dict[str, Any]:
        result = {
            "ResultId": self._result_id,
            "StartTime": round(heard.start_seconds, 3),
            "EndTime": round(heard.end_seconds, 3),
            "IsPartial": not heard.is_final,
            "Alternatives": [{"Transcript": heard.text, "Items": _items(heard)}],
            "ChannelId": "ch_0",
        }
        return {"Transcript": {"Results": [result]}}


def _items(heard: Heard) -> list[dict[str, Any]]:
    """Return the words with times, as if each had the same duration."""
    words = heard.text.split()
    each = (heard.end_seconds - heard.start_seconds) / max(1, len(words))
    return [
        {
            "Content": word,
            "StartTime": round(heard.start_seconds + index * each, 3),
            "EndTime": round(heard.start_seconds + (index + 1) * each, 3),
            "Type": "pronunciation",
            "VocabularyFilterMatch": False,
        }
        for index, word in enumerate(words)
    ]
