"""The process of the stand-ins; `process.py` starts it with the path of its settings file."""

import asyncio
import json
import logging
import os
import signal
import socket
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from websockets.asyncio.server import serve

from local.speech.apertium import Translator
from local.speech.authorisation import Authorisation
from local.speech.faults import Faults
from local.speech.recognisers import Recognisers, Recognition
from local.speech.transcribe import MAX_STREAMS, TranscribeServer
from local.speech.translate import TranslateServer

PARENT_POLL_SECONDS = 0.5
# One for each stream: one that waits for a decoder must not keep others from giving theirs back.
RECOGNISING_THREADS = MAX_STREAMS
CLOSE_SECONDS = 1.0
MAX_MESSAGE_BYTES = 256 * 1024
# Messages of one stream that are read ahead: pings are answered only while reading continues.
MAX_WAITING_MESSAGES = 256


@dataclass(frozen=True)
class Settings:
    """File descriptors of the listening sockets, the emulator's URL, and the parent's id."""

    transcribe_fd: int
    translate_fd: int
    emulator_url: str
    recognition: str
    parent_pid: int


def main() -> None:
    settings = Settings(**json.loads(Path(sys.argv[1]).read_text()))
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    logging.getLogger("websockets").setLevel(logging.WARNING)
    threading.Thread(target=_end_with, args=(settings.parent_pid,), daemon=True).start()
    faults = Faults()
    authorisation = Authorisation(settings.emulator_url)
    recognition = Recognition(settings.recognition)
    recognisers = Recognisers(recognition)
    translate = TranslateServer(
        socket.socket(fileno=settings.translate_fd),
        authorisation,
        faults,
        Translator(is_real=recognition is Recognition.SPEECH),
    )
    threading.Thread(target=translate.serve_forever, daemon=True).start()
    with ThreadPoolExecutor(RECOGNISING_THREADS, thread_name_prefix="recognise") as threads:
        transcribe = TranscribeServer(authorisation, recognisers, faults, threads)
        asyncio.run(_serve(transcribe, socket.socket(fileno=settings.transcribe_fd)))
    recognisers.close()
    sys.stdout.flush()
    os._exit(0)  # without waiting for translations in progress


async def _serve(transcribe: TranscribeServer, listener: socket.socket) -> None:
    signalled = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, signalled.set)
    async with serve(
        transcribe.serve,
        sock=listener,
        process_request=transcribe.check_handshake,
        compression=None,
        ping_interval=None,
        close_timeout=CLOSE_SECONDS,
        max_size=MAX_MESSAGE_BYTES,
        max_queue=MAX_WAITING_MESSAGES,
    ):
        await signalled.wait()


def _end_with(parent_pid: int) -> None:
    while os.getppid() == parent_pid:
        time.sleep(PARENT_POLL_SECONDS)
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    main()
