"""The process of both stand-ins; `process.py` starts it with its settings in a file."""

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
from local.speech.transcribe import TranscribeServer
from local.speech.translate import TranslateServer

PARENT_POLL_SECONDS = 0.5
RECOGNISING_THREADS = 12
CLOSE_SECONDS = 1.0
MAX_MESSAGE_BYTES = 256 * 1024
# Of one stream, before TCP makes its client wait: it must go on to answer pings.
MAX_WAITING_MESSAGES = 256


@dataclass(frozen=True)
class Settings:
    """What the process is given: file descriptors of listening sockets, and whom to ask."""

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
    os._exit(0)  # not waiting for translations under way


async def _serve(transcribe: TranscribeServer, listener: socket.socket) -> None:
    told_to_end = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, told_to_end.set)
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
        await told_to_end.wait()


def _end_with(parent_pid: int) -> None:
    while os.getppid() == parent_pid:
        time.sleep(PARENT_POLL_SECONDS)
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    main()
