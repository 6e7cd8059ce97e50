"""A speaker who speaks by the clock, from his socket through the queue to the processors."""

from __future__ import annotations

import dataclasses
import itertools
from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import pytest
from botocore.exceptions import BotoCoreError, ClientError, ConnectTimeoutError

from live_sessions.audio.chunk_queues import BATCH
from live_sessions.audio.chunks import Chunk
from live_sessions.captions.transcript import Transcript
from tests.handlers.audio.clock import Clock
from tests.handlers.audio.recogniser import Plan, Recogniser
from tests.handlers.conftest import Stage
from tests.patience import wait_until


class SteppedClock(Clock):
    """Does on its way what is due at each moment."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__(monkeypatch)
        self._due: list[tuple[float, int, Callable[[], object]]] = []
        self._numbers = itertools.count()

    def at(self, when: float, act: Callable[[], object]) -> None:
        self._due.append((when, next(self._numbers), act))
        self._due.sort(key=lambda each: each[:2])

    @property
    def next_due(self) -> float:
        return self._due[0][0] if self._due else float("inf")

    def sleep(self, seconds: float) -> None:
        until = self.now + seconds
        while self.next_due <= until:
            when, _, act = self._due.pop(0)
            self.now = max(self.now, when)
            act()
        self.now = max(self.now, until)
        self.settle()


class Context:
    """Lambda's context of an invocation that has so much time."""

    def __init__(self, clock: Clock, limit_seconds: float) -> None:
        self._clock = clock
        self._ends_at = clock.now + limit_seconds

    def get_remaining_time_in_millis(self) -> int:
        return round((self._ends_at - self._clock.now) * 1000)


class Queues:
    """The slots' queues in memory: what SQS does with them is tested with ChunkQueues."""

    def __init__(self, broadcast: Broadcast) -> None:
        self._broadcast = broadcast
        self.chunks: defaultdict[int, list[bytes]] = defaultdict(list)
        self.is_out: Callable[[], bool] = lambda: False
        self.repeats = 0
        self._last_taken: list[bytes] = []

    def send(self, slot: int, chunk: Chunk) -> None:
        self.chunks[slot].append(msgspec.json.encode(chunk))

    def take(self, slot: int, *, wait_seconds: int) -> list[Chunk]:
        self._broadcast.be_killed()
        if self.is_out():
            raise ConnectTimeoutError(endpoint_url="https://sqs")
        clock = self._broadcast.clock
        if not self.chunks[slot] and wait_seconds:
            clock.sleep(max(0.0, min(wait_seconds, clock.next_due - clock.now)))
        taken, self.chunks[slot] = self.chunks[slot][:BATCH], self.chunks[slot][BATCH:]
        self._last_taken = (self._last_taken + taken)[-10:]
        return [msgspec.json.decode(each, type=Chunk) for each in taken]

    def repeat(self, slot: int) -> None:
        """Some of the latest that were taken come again."""
        self.chunks[slot] = self._last_taken[10 - self.repeats :] + self.chunks[slot]


class Killed(BaseException):
    """Lambda ended the process."""


class Broadcast:
    """One session; `run` carries out what is due, and the processors as they are started."""

    def __init__(
        self, monkeypatch: pytest.MonkeyPatch, stage: Stage, *plans: Plan, tier: str = "standard"
    ) -> None:
        self.stage = stage
        self.clock = SteppedClock(monkeypatch)
        self.clock.settle = self._settle
        self.began_at = self.clock.now
        self.entry = stage.entries["audio_processor"]
        self.queues = Queues(self)
        self.recogniser = Recogniser(deque(plans))
        self.opened: list[tuple[str, str | None]] = []
        self.sent: list[Transcript] = []
        self.limit_seconds = 900.0
        self.runs: list[tuple[float, float]] = []
        self.kill_at = float("inf")
        self.killed_at: list[float] = []
        self.failures: list[Exception] = []
        self.captions: list[Any] = []
        self.pipeline: Callable[[Transcript], None] = self.sent.append
        self._sequence = itertools.count()
        self._watch(monkeypatch)
        stage.connected_at = self.clock.now_ms
        self.speaker = stage.connect_speaker()
        answer = stage.send(self.speaker, "createSession", sourceLanguage="en", qualityTier=tier)
        self.session_id: str = answer["sessionId"]

    def _watch(self, monkeypatch: pytest.MonkeyPatch) -> None:
        entry, ingest = self.entry, self.stage.entries["audio_ingest"]
        plain_captions = entry.CaptionQueue
        admission = dataclasses.replace(ingest.ADMISSION, queues=self.queues)

        def open_stream(_: object, language_code: str, *, stability: str | None) -> object:
            self.opened.append((language_code, stability))
            return self.recogniser.open()

        def caption_queue(_: object) -> object:
            self.captions.append(plain_captions(lambda transcript: self.pipeline(transcript)))
            return self.captions[-1]

        monkeypatch.setattr(ingest, "ADMISSION", admission)
        monkeypatch.setattr(entry, "QUEUES", self.queues)
        monkeypatch.setattr(entry.TranscribeStream, "open", open_stream)
        monkeypatch.setattr(entry, "CaptionQueue", caption_queue)

    def _settle(self) -> None:
        self.recogniser.settle()
        wait_until(
            lambda: all(each.is_idle() or not each._worker.is_alive() for each in self.captions)
        )

    @property
    def seconds(self) -> float:
        return self.clock.now - self.began_at

    def at(self, at_seconds: float, act: Callable[[], object]) -> None:
        self.clock.at(self.began_at + at_seconds, act)

    def says(
        self, audio: Sequence[bytes], at_seconds: float = 0.1, chunk_seconds: float = 0.1
    ) -> float:
        """Chunk after chunk in real time; returns when the last one has been sent."""
        for number, each in enumerate(audio):
            self.at(at_seconds + number * chunk_seconds, lambda each=each: self.send(each))
        return at_seconds + len(audio) * chunk_seconds

    def send(self, audio: bytes) -> None:
        self.stage.send_audio(self.speaker, next(self._sequence), audio)

    def control(self, action: str, **fields: Any) -> None:
        answer = self.stage.send(self.speaker, action, **fields)
        assert answer["type"] != "error", answer

    def refresh(self) -> None:
        self.speaker = self.stage.connect_speaker()
        self._sequence = itertools.count()
        self.control("refreshConnection", sessionId=self.session_id)

    def run(self, until_seconds: float = 3600) -> None:
        """Until nothing more is due and no processor is left to start."""
        while self.stage.processor_starts or self.clock.next_due < float("inf"):
            if self.seconds > until_seconds:
                return
            if self.stage.processor_starts:
                self.run_processor(self.stage.processor_starts.pop(0))
            else:
                self.clock.sleep(max(0.0, self.clock.next_due - self.clock.now))

    def run_processor(self, event: dict[str, Any]) -> None:
        began_at = self.seconds
        self.queues.repeat(event["slot"])
        try:
            self.entry.handler(event, Context(self.clock, self.limit_seconds))
        except Killed:
            pass
        except (BotoCoreError, ClientError) as failure:
            self.failures.append(failure)
        self.runs.append((began_at, self.seconds))

    def finals(self) -> list[Transcript]:
        return [each for each in self.sent if not each.is_partial]

    def words(self) -> list[int]:
        return [int(each) for final in self.finals() for each in final.text.split()]

    def claim(self) -> dict[str, Any]:
        return self.stage.session(self.session_id)["audioClaim"]

    def slot(self, number: int) -> dict[str, Any]:
        return self.stage._row("audio-slots", {"slot": number})  # pyright: ignore

    def left_in_queues(self) -> int:
        return sum(map(len, self.queues.chunks.values()))

    def be_killed(self) -> None:
        if self.clock.now >= self.kill_at:
            self.kill_at = float("inf")
            self.killed_at.append(self.seconds)
            raise Killed
