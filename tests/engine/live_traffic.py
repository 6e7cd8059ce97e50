"""People who use a stack without a pause while it is changed."""

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Self

from websockets.exceptions import WebSocketException

from client.people import AnyClient, Participants
from client.sockets import Client, Frame, FrameMissing, HandshakeRefused
from tests.engine.findings import FAILURES, Findings, versions_received, words_read
from tests.local.audio.spoken import sentence
from tests.patience import PATIENCE_SECONDS

LANGUAGES = ("en", "es", "fr")
"""The first is the speaker's."""
LISTENERS = 20
WORDS_A_SENTENCE = 11
VOLUMES = (0.2, 0.4, 0.6, 0.8)
PAUSE_SECONDS = 0.4
"""Between what one person does and the next."""
TICK_PATIENCE_SECONDS = 3 * PATIENCE_SECONDS
"""The rule fires once a minute."""
POLL_SECONDS = 0.2
Doing = Iterator[None]


class Refused(Exception):
    """An error frame came instead of the reply."""


class LiveTraffic:
    """A session with a speaker and listeners in several languages, and others who come and go.

    A context manager. Until `end`, the speaker speaks ten chunks a second and changes the volume,
    which reaches all listeners; a visitor joins, does what listeners can do and leaves; another
    speaker holds short sessions.
    """

    def __init__(self, people: Participants) -> None:
        self._people = people
        self._ending = threading.Event()
        self._findings = Findings()
        self._visitors: list[Client] = []
        self._next_chunk = 0
        self._spoken: list[int] = []
        self._controls: list[Frame] = []

    def __enter__(self) -> Self:
        self.speaker = self._people.speaker()
        self._session_id = self.speaker.create_session(LANGUAGES[0])
        languages = itertools.islice(itertools.cycle(LANGUAGES), LISTENERS)
        self._listeners = list(zip(self._people.listeners(LISTENERS), languages, strict=True))
        for listener, language in self._listeners:
            listener.join(self._session_id, language)
        for listener, _ in self._listeners:
            listener.expect("sessionJoined")
        doings = (self._speak, self._control, self._visit, self._hold_a_short_session)
        self._threads = ThreadPoolExecutor(len(doings))
        self._running = [self._threads.submit(self._repeat, each) for each in doings]
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        self._threads.shutdown()

    def wait_for_a_tick(self) -> None:
        """Wait for a periodic status that comes from now on."""
        before = self._ticks()
        _wait_for(lambda: self._ticks() > before, TICK_PATIENCE_SECONDS)

    def wait_for_captions(self) -> None:
        """Wait until something that is said from now on has been read in each language."""
        word = len(self._spoken) + 2 * WORDS_A_SENTENCE
        for listener, _ in self._listeners[: len(LANGUAGES)]:
            _wait_for(lambda each=listener: max(words_read(each), default=0) >= word)

    def end(self) -> Findings:
        """End it all, wait for what is under way, and return what was found."""
        self._ending.set()
        for each in self._running:
            each.result()
        versions = [each["broadcastState"]["version"] for each in self._controls]
        for listener, language in self._listeners:
            _wait_for(lambda each=listener: words_read(each)[-1:] == self._spoken[-1:])
            _wait_for(lambda each=listener: versions[-1] in versions_received(each))
            self._findings.add_captions(listener, language, self._spoken)
            self._findings.add_controls(listener, range(min(versions), max(versions) + 1))
        steady = [self.speaker, *(listener for listener, _ in self._listeners)]
        for client in steady:
            self._note_if_closed(client)
        for client in (*steady, *self._visitors):
            self._findings.add_frames(client)
        self._findings.done.update(sendAudio=self._next_chunk, words=len(self._spoken))
        return self._findings

    def _ticks(self) -> int:
        statuses = self.speaker.received("sessionStatus")
        return sum(each["updateReason"] == "periodic" for each in statuses)

    def _repeat(self, doing: Callable[[], Doing]) -> None:
        while self.speaker.is_open:
            try:
                for _ in doing():
                    if self._ending.wait(PAUSE_SECONDS):
                        return
            except Refused:
                pass  # found among the client's frames
            except FrameMissing as missing:
                self._findings.without_answer.append(str(missing).partition("; it received")[0])
            except HandshakeRefused as refused:
                self._findings.refused_handshakes.append(str(refused))
                self._ending.wait(PAUSE_SECONDS)
            except (OSError, WebSocketException) as closed:
                self._findings.closed_sockets.append(repr(closed))
                self._ending.wait(PAUSE_SECONDS)

    def _speak(self) -> Doing:
        """Ten chunks a second, without a pause between sentences."""
        while not self._ending.is_set():
            words = range(len(self._spoken) + 1, len(self._spoken) + 1 + WORDS_A_SENTENCE)
            self._next_chunk = self.speaker.speak(sentence(words), first_sequence=self._next_chunk)
            self._spoken += words
        yield

    def _control(self) -> Doing:
        for volume in VOLUMES:
            for action, fields in (
                ("setVolume", {"volumeLevel": volume}),
                ("speakerStateChange", {"state": {"volume": volume / 2}}),
            ):
                self._controls.append(self._ask(self.speaker, action, **fields))
                yield

    def _visit(self) -> Doing:
        """Join, do what listeners can do, go on with another socket, and leave."""
        visitor = self._opened(self._people.listener())
        joined = self._ask(
            visitor, "joinSession", sessionId=self._session_id, targetLanguage=LANGUAGES[1]
        )
        yield
        for action in ("heartbeat", "pausePlayback", "resumePlayback"):
            self._ask(visitor, action)
            yield
        self._ask(visitor, "changeLanguage", targetLanguage=LANGUAGES[2])
        yield
        successor = self._opened(self._people.listener())
        self._ask(
            successor,
            "refreshConnection",
            sessionId=self._session_id,
            connectionId=joined["connectionId"],
            targetLanguage=LANGUAGES[2],
        )
        self._close(visitor)
        yield
        self._ask(successor, "leaveSession")
        self._close(successor)
        yield

    def _hold_a_short_session(self) -> Doing:
        speaker = self._opened(self._people.speaker())
        self._ask(speaker, "createSession", sourceLanguage=LANGUAGES[0])
        yield
        for action in (
            "getSessionStatus",
            "muteBroadcast",
            "unmuteBroadcast",
            "pauseBroadcast",
            "resumeBroadcast",
            "heartbeat",
            "endSession",
        ):
            self._ask(speaker, action)
            yield
        self._close(speaker)

    def _ask(self, client: Client, action: str, **fields: Any) -> Frame:
        """The reply. Raises `Refused` for an error, and `FrameMissing`."""
        self._findings.done[action] += 1
        reply = client.ask(action, PATIENCE_SECONDS, **fields)
        if reply.type in FAILURES:
            raise Refused
        return reply

    def _opened(self, client: AnyClient) -> AnyClient:
        self._visitors.append(client)
        return client

    def _close(self, client: Client) -> None:
        self._note_if_closed(client)
        client.close()

    def _note_if_closed(self, client: Client) -> None:
        if not client.is_open:
            self._findings.closed_sockets.append(f"{client.name}: {client.close_code}")


def _wait_for(condition: Callable[[], bool], seconds: float = PATIENCE_SECONDS) -> None:
    """Wait for what may never come to pass; what is missing then is found afterwards."""
    give_up_at = time.monotonic() + seconds
    while not condition() and time.monotonic() < give_up_at:
        time.sleep(POLL_SECONDS)
