"""Processes that run pocketsphinx's English model, which decodes with Python's global lock held.

Each loads the model once (90 MB, half a second) and decodes one utterance at a time. They run at a
lower priority than everything else: a late caption is better than a chunk that is refused.
"""

import contextlib
import multiprocessing
import os
import threading
from multiprocessing.connection import Connection
from typing import Any

from local.speech.recognition import SAMPLE_RATE

# Fewer hypotheses at a time than by default: the same words in half the time.
SEARCH_LIMITS = {"maxhmmpf": 3000, "maxwpf": 5}
# Two for each core; an utterance takes some 15 % of a core.
MAX_DECODERS = max(2, min(8, 2 * (os.cpu_count() or 1)))
ANSWER_TIMEOUT_SECONDS = 60.0
NICENESS = 10
STOP_SECONDS = 2.0


class DecoderLost(Exception):
    """The process ended or did not answer."""


class Decoder:
    """One process. `acoustics` describes the voice, and is passed on to the next utterance."""

    def __init__(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=_decode, args=(theirs,), daemon=True)
        self._process.start()
        theirs.close()

    @property
    def process_id(self) -> int:
        return self._process.pid or 0

    def start(self, acoustics: str) -> None:
        """Begin an utterance; this and all further methods raise DecoderLost."""
        self._send(("start", acoustics))

    def hear(self, pcm: bytes) -> None:
        """Add samples, s16le mono at 16 kHz."""
        self._send(("hear", pcm))

    def words(self) -> str:
        """Return the words of the utterance so far."""
        self._send(("words", None))
        return self._answer()

    def end(self) -> tuple[str, str]:
        """Return the words of the whole utterance, and the acoustics after it."""
        self._send(("end", None))
        return self._answer()

    def stop(self) -> None:
        """End the process."""
        self._connection.close()
        self._process.join(STOP_SECONDS)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()

    def _send(self, message: tuple[str, Any]) -> None:
        try:
            self._connection.send(message)
        except OSError as error:
            raise DecoderLost from error

    def _answer(self) -> Any:
        try:
            if self._connection.poll(ANSWER_TIMEOUT_SECONDS):
                return self._connection.recv()
        except (OSError, EOFError) as error:
            raise DecoderLost from error
        raise DecoderLost


class Decoders:
    """A pool of at most MAX_DECODERS, each started when it is first needed."""

    def __init__(self) -> None:
        self._lock = threading.Condition()
        self._idle: list[Decoder] = []
        self._all: set[Decoder] = set()
        self._is_closed = False

    @property
    def process_ids(self) -> list[int]:
        with self._lock:
            return [decoder.process_id for decoder in self._all]

    def take(self, wait_seconds: float = 0) -> Decoder | None:
        """Return an idle decoder, or None if all are busy for as long as that."""
        with self._lock:
            self._lock.wait_for(self._has_one, wait_seconds)
            if self._idle:
                return self._idle.pop()
            if len(self._all) == MAX_DECODERS or self._is_closed:
                return None
            decoder = Decoder()
            self._all.add(decoder)
            return decoder

    def _has_one(self) -> bool:
        return bool(self._idle) or len(self._all) < MAX_DECODERS or self._is_closed

    def give_back(self, decoder: Decoder) -> None:
        """Return a decoder to the pool after its utterance."""
        with self._lock:
            if not self._is_closed:
                self._idle.append(decoder)
                self._lock.notify()
                return
        decoder.stop()

    def drop(self, decoder: Decoder) -> None:
        """Remove a decoder that raised DecoderLost."""
        with self._lock:
            self._all.discard(decoder)
            self._lock.notify()
        decoder.stop()

    def close(self) -> None:
        """End all decoders; those in use end when they are given back."""
        with self._lock:
            self._is_closed = True
            idle, self._idle = self._idle, []
            self._lock.notify_all()
        for decoder in idle:
            decoder.stop()


def _decode(connection: Connection) -> None:
    """Serve until the other end is closed."""
    os.nice(NICENESS)
    import pocketsphinx  # pyright: ignore[reportMissingImports]

    decoder = pocketsphinx.Decoder(samprate=SAMPLE_RATE, loglevel="FATAL", **SEARCH_LIMITS)
    unheard = decoder.get_cmn(False)

    def words() -> str:
        hypothesis = decoder.hyp()
        return hypothesis.hypstr if hypothesis else ""

    with contextlib.suppress(EOFError, OSError):
        while True:
            asked, content = connection.recv()
            if asked == "start":
                decoder.set_cmn(content or unheard)
                decoder.start_utt()
            elif asked == "hear":
                decoder.process_raw(content)
            elif asked == "words":
                connection.send(words())
            elif asked == "end":
                decoder.end_utt()
                connection.send((words(), decoder.get_cmn(False)))
