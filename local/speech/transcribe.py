"""Amazon Transcribe's streaming over WebSocket: the handshake and the limit of streams.

https://docs.aws.amazon.com/transcribe/latest/dg/streaming-websocket.html
"""

import asyncio
import http
import json
import logging
from concurrent.futures import Executor
from functools import partial
from typing import Any
from urllib.parse import parse_qs, urlsplit

from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from local.speech.authorisation import Authorisation, Refused
from local.speech.faults import Faults, StreamFault
from local.speech.recognisers import Recognisers
from local.speech.resampling import Resampled
from local.speech.stream import StreamFailed, TranscriptionStream

PATH = "/stream-transcription-websocket"
SERVICE, ACTION = "transcribe", "StartStreamTranscriptionWebSocket"
# https://docs.aws.amazon.com/transcribe/latest/dg/limits-guidelines.html
MAX_STREAMS = 25
MAX_URL_SECONDS = 300
# Read from AWS's page, not from the program's own table.
# https://docs.aws.amazon.com/transcribe/latest/dg/supported-languages.html: those that stream.
STREAMING_LANGUAGES = frozenset(
    """
    af-ZA ar-AE ar-SA ca-ES cs-CZ da-DK de-CH de-DE el-GR en-AB en-AU en-GB en-IE en-IN en-NZ
    en-US en-WL en-ZA es-ES es-US eu-ES fa-IR fi-FI fr-CA fr-FR gl-ES he-IL hi-IN hr-HR id-ID
    it-IT ja-JP ko-KR lv-LV ms-MY nl-NL no-NO pl-PL pt-BR pt-PT ro-RO ru-RU sk-SK so-SO sr-RS
    sv-SE th-TH tl-PH uk-UA vi-VN zh-CN zh-HK zh-TW zu-ZA
""".split()
)
# https://docs.aws.amazon.com/transcribe/latest/APIReference/API_streaming_StartStreamTranscription.html
SAMPLE_RATES = range(8_000, 48_001)
STABILISATION = "enable-partial-results-stabilization"
STABILITY = "partial-results-stability"
TAKEN_PARAMETERS = {
    "language-code": STREAMING_LANGUAGES,
    "media-encoding": {"pcm"},
    STABILISATION: {"true", "false"},
    STABILITY: {"low", "medium", "high"},
}
NEEDED_PARAMETERS = ("language-code", "media-encoding")

_logger = logging.getLogger("transcribe")


class TranscribeServer:
    """Checks each handshake, then serves its stream; recognisers run on `threads`."""

    def __init__(
        self,
        authorisation: Authorisation,
        recognisers: Recognisers,
        faults: Faults,
        threads: Executor,
    ) -> None:
        self._authorisation = authorisation
        self._recognisers = recognisers
        self._faults = faults
        self._threads = threads
        self._open = 0
        self._ordered: dict[Any, StreamFault] = {}

    async def check_handshake(
        self, connection: ServerConnection, request: Request
    ) -> Response | None:
        """Refuse who asks for something else, is not signed well or may not open streams."""
        url = urlsplit(request.path)
        if url.path != PATH:
            return _refusal(connection, 404, "UnknownOperationException", "")
        expires = parse_qs(url.query).get("X-Amz-Expires", [""])[0]
        if not (expires.isdecimal() and 1 <= int(expires) <= MAX_URL_SECONDS):
            message = f"X-Amz-Expires must be between 1 and {MAX_URL_SECONDS} seconds."
            return _refusal(connection, 403, "AccessDeniedException", message)
        check = partial(
            self._authorisation.check,
            SERVICE,
            ACTION,
            method="GET",
            url=request.path,
            headers=dict(request.headers.raw_items()),
        )
        try:
            await asyncio.get_running_loop().run_in_executor(self._threads, check)
        except Refused as refused:
            return _refusal(connection, 403, refused.code, refused.message)
        fault = self._faults.next_stream()
        if fault and fault.handshake_status:
            return _refusal(connection, fault.handshake_status, "Ordered", fault.message)
        if fault:
            self._ordered[connection.id] = fault
        return None

    async def serve(self, connection: ServerConnection) -> None:
        fault = self._ordered.pop(connection.id, None)
        path = connection.request.path if connection.request else ""
        self._open += 1
        try:
            await self._serve(connection, urlsplit(path).query, fault)
        except (ConnectionClosed, TimeoutError):
            _logger.info("the client left, or did not read")
        finally:
            self._open -= 1

    async def _serve(
        self, connection: ServerConnection, query: str, fault: StreamFault | None
    ) -> None:
        try:
            language_code, sample_rate = _language_and_rate(query)
            if self._open > MAX_STREAMS:
                raise StreamFailed(
                    "LimitExceededException",
                    "You have reached your limit of concurrent streams. Wait, and try again.",
                )
            recogniser = Resampled(self._recognisers.open(language_code), sample_rate)
            stream = TranscriptionStream(connection, recogniser, sample_rate, self._threads, fault)
            self._faults.stream_opened()
            try:
                await stream.serve()
            finally:
                self._faults.stream_closed(stream.audio_seconds)
                await stream.close()
        except StreamFailed as failure:
            _logger.info("%s: %s", failure.kind, failure.message)
            await connection.send(failure.frame())


def _language_and_rate(query: str) -> tuple[str, int]:
    """The query's language and sample rate; raises StreamFailed if a parameter is invalid."""
    parameters = parse_qs(query, keep_blank_values=True)
    for name, taken in TAKEN_PARAMETERS.items():
        values = parameters.get(name, [])
        if not values and name not in NEEDED_PARAMETERS:
            continue
        if len(values) != 1 or values[0] not in taken:
            raise StreamFailed(
                "BadRequestException",
                f"1 validation error detected: Value at '{name}' failed to satisfy constraint: "
                f"Member must satisfy enum value set: {sorted(taken)}",
            )
    if STABILITY in parameters and parameters.get(STABILISATION) != ["true"]:
        raise StreamFailed("BadRequestException", f"{STABILITY} needs {STABILISATION}.")
    rates = parameters.get("sample-rate", [])
    if len(rates) != 1 or not rates[0].isdecimal() or int(rates[0]) not in SAMPLE_RATES:
        raise StreamFailed(
            "BadRequestException",
            f"sample-rate must be between {SAMPLE_RATES.start} and {SAMPLE_RATES.stop - 1}.",
        )
    return parameters["language-code"][0], int(rates[0])


def _refusal(connection: ServerConnection, status: int, code: str, message: str) -> Response:
    _logger.info("refused a handshake with %d: %s", status, code)
    response = connection.respond(http.HTTPStatus(status), json.dumps({"Message": message}))
    response.headers["x-amzn-ErrorType"] = code
    return response
