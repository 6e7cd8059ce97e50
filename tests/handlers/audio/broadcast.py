"""A speaker who speaks by the clock, from their socket through the queue to the processors.

DynamoDB, the queues, Transcribe and the pipeline are in memory.
"""

from __future__ import annotations

import io
import itertools
from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, cast

import msgspec
from botocore.exceptions import BotoCoreError, ClientError, ConnectTimeoutError

from live_sessions.audio.processing import AudioProcessor
from live_sessions.captions.transcripts import Transcript, TranscriptQueue
from tests.handlers.audio.chunk_maker import broadcasting
from tests.handlers.audio.clock import StandingClock
from tests.handlers.audio.recogniser import Plan, Recogniser
from tests.handlers.conftest import Stage, StageClients
from tests.handlers.environment import ENVIRONMENT
from tests.handlers.faults.direct_client import DirectClient
from tests.handlers.faults.dynamodb import DynamoDB
from tests.patience import OUT_OF_REACH_SECONDS, wait_until

SETTLED_AFTER_SECONDS = 15
"""After that everything that was said is final, whatever has failed meanwhile."""


class SteppedClock(StandingClock):
    """Does on its way what is due at each moment."""

    def __init__(self) -> None:
        super().__init__()
        self._due: list[tuple[float, int, Callable[[], object]]] = []
        self._numbers = itertools.count()
        self._acted_at = self.now

    @property
    def idle_seconds(self) -> float:
        """Since the last thing that was due."""
        return self.now - self._acted_at

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
            self.now = self._acted_at = max(self.now, when)
            act()
        self.now = max(self.now, until)
        self.settle()


class Context:
    """Lambda's context of an invocation that has so much time."""

    def __init__(self, clock: StandingClock, limit_seconds: float) -> None:
        self._clock = clock
        self._ends_at = clock.now + limit_seconds

    def get_remaining_time_in_millis(self) -> int:
        return round((self._ends_at - self._clock.now) * 1000)


class Killed(BaseException):
    """Lambda ended the process."""


class Queues:
    """SQS in memory: what the real one does with messages is tested with ChunkQueues."""

    def __init__(self, clock: SteppedClock) -> None:
        self.clock = clock
        self.bodies: defaultdict[str, list[str]] = defaultdict(list)
        self.is_out: Callable[[], bool] = lambda: False
        self.repeats = 0
        self.kill_at = float("inf")
        self.killed_at: list[float] = []
        self.stops_after = float("inf")
        self._last_taken: list[str] = []

    def send_message(self, *, QueueUrl: str, MessageBody: str, **_: object) -> None:
        self.bodies[QueueUrl].append(MessageBody)

    def receive_message(
        self, *, QueueUrl: str, MaxNumberOfMessages: int, WaitTimeSeconds: int
    ) -> dict[str, Any]:
        if self.clock.now >= self.kill_at:
            self.kill_at = float("inf")
            self.killed_at.append(self.clock.now)
            raise Killed
        if self.clock.next_due == float("inf") and self.clock.idle_seconds > self.stops_after:
            raise Killed
        if self.is_out():
            raise ConnectTimeoutError(endpoint_url="https://sqs")
        if not self.bodies[QueueUrl] and WaitTimeSeconds:
            wait_seconds = self.clock.next_due - self.clock.now
            self.clock.sleep(max(0.0, min(WaitTimeSeconds, wait_seconds)))
        waiting = self.bodies[QueueUrl]
        taken, self.bodies[QueueUrl] = (
            waiting[:MaxNumberOfMessages],
            waiting[MaxNumberOfMessages:],
        )
        self._last_taken = (self._last_taken + taken)[-10:]
        return {"Messages": [{"Body": body} for body in taken]}

    def delete_message_batch(self, **_: Any) -> None:
        """Taken messages have gone already."""

    def repeat(self, slot: int) -> None:
        """Some of the latest that were taken come again."""
        url = f"{ENVIRONMENT['AUDIO_QUEUE_URL_PREFIX']}{slot}"
        self.bodies[url] = self._last_taken[10 - self.repeats :] + self.bodies[url]


class Pipeline:
    """The translation function: `act` gets each transcript first, and may raise."""

    def __init__(self) -> None:
        self.sent: list[Transcript] = []
        self.act: Callable[[Transcript], object] = lambda transcript: None

    def invoke(self, *, FunctionName: str, Payload: bytes) -> dict[str, Any]:
        assert FunctionName == ENVIRONMENT["TRANSLATION_FUNCTION"]
        transcript = msgspec.json.decode(Payload, type=Transcript)
        self.act(transcript)
        self.sent.append(transcript)
        return {"Payload": io.BytesIO(b"null")}


class BroadcastClients(StageClients):
    """`line` wraps the client of DynamoDB."""

    def __init__(
        self,
        stage: Stage,
        queues: Queues,
        pipeline: Pipeline,
        line: Callable[[Any], Any] = lambda client: client,
    ) -> None:
        super().__init__(stage)
        self._queues, self._pipeline, self._line = queues, pipeline, line

    def dynamodb(self, **_: Any) -> Any:
        return self._line(self._stage.dynamodb)

    def sqs(self, *, attempts: int = 2) -> Any:
        return self._queues

    def lambda_at_most_once(self, timeout_seconds: float, *, connections: int = 10) -> Any:
        return self._pipeline


class Broadcast:
    """One session; `run` carries out what is due, and the processors as they are started.

    `line` is on the processors' way to DynamoDB alone; `variables` change their environment.
    """

    def __init__(
        self,
        stage: Stage,
        *plans: Plan,
        tier: str = "standard",
        line: Callable[[Any], Any] = lambda client: client,
        **variables: str,
    ) -> None:
        self.stage = stage
        self.clock = SteppedClock()
        self.clock.settle = self._settle
        self.began_at = self.clock.now
        self.queues = Queues(self.clock)
        self.pipeline = Pipeline()
        self.recogniser = Recogniser(deque(plans))
        self.opened: list[tuple[str, str | None]] = []
        self.limit_seconds = 900.0
        self.handled_after_seconds = 0.0
        """By ingest, after a chunk was sent."""
        self.runs: list[tuple[float, float]] = []
        self.events: list[dict[str, Any]] = []
        self.failures: list[Exception] = []
        self._transcripts: list[TranscriptQueue] = []
        self._sequence = itertools.count()
        memory = DynamoDB()
        stage.dynamodb = DirectClient(
            "dynamodb", 1, lambda _, operation, request, __: memory.carry_out(operation, request)
        )
        stage.clock = self.clock.handlers
        stage.connected_at = self.clock.now_ms
        stage.clients = BroadcastClients(stage, self.queues, self.pipeline, line)
        processor = cast(AudioProcessor, stage.build("audio_processor", **variables))
        self.processor = replace(processor, open_stream=self._open, new_queue=self._new_queue)
        stage.clients = BroadcastClients(stage, self.queues, self.pipeline)
        self.speaker, self.session_id = broadcasting(stage, "user-1", quality_tier=tier)

    def _open(self, language_code: str, sample_rate_hertz: int, *, stability: str | None) -> Any:
        self.opened.append((language_code, stability))
        return self.recogniser.open(sample_rate_hertz)

    def _new_queue(self, send: Callable[[Transcript], None]) -> TranscriptQueue:
        self._transcripts.append(TranscriptQueue(send, closing_seconds=OUT_OF_REACH_SECONDS))
        return self._transcripts[-1]

    def _settle(self) -> None:
        self.recogniser.settle()
        for each in self._transcripts[-1:]:
            if not each.is_idle():
                wait_until(each.is_idle)

    @property
    def seconds(self) -> float:
        return self.clock.now - self.began_at

    def at(self, at_seconds: float, act: Callable[[], object]) -> None:
        self.clock.at(self.began_at + at_seconds, act)

    def kill_after(self, seconds: float) -> None:
        """The processor is killed when it next receives."""
        self.queues.kill_at = self.clock.now + seconds

    def says(
        self, audio: Sequence[bytes], at_seconds: float = 0.1, chunk_seconds: float = 0.1
    ) -> float:
        """Chunk after chunk in real time; returns when the last one has been sent."""
        for number, each in enumerate(audio):
            self.at(at_seconds + number * chunk_seconds, lambda each=each: self.send(each))
        return at_seconds + len(audio) * chunk_seconds

    def send(self, audio: bytes) -> None:
        speaker, sequence, sent_at_ms = self.speaker, next(self._sequence), self.clock.now_ms

        def handle() -> None:
            self.stage.send_audio(speaker, sequence, audio, arrived_at_ms=sent_at_ms)

        if self.handled_after_seconds:
            self.at(self.seconds + self.handled_after_seconds, handle)
        else:
            handle()

    def control(self, action: str, **fields: Any) -> None:
        answer = self.stage.send(self.speaker, action, **fields)
        assert answer["type"] != "error", answer

    def refresh(self) -> None:
        self.speaker = self.stage.connect_speaker()
        self._sequence = itertools.count()
        self.control("refreshConnection", sessionId=self.session_id)

    def run(self, until_seconds: float = 3600, stops_after: float = SETTLED_AFTER_SECONDS) -> None:
        """Until nothing more is due and no processor is left to start.

        The last processor stops so long after the last chunk, before a minute of idle renewals.
        """
        self.queues.stops_after = stops_after
        while self.stage.processor_starts or self.clock.next_due < float("inf"):
            if self.seconds > until_seconds:
                return
            if self.stage.processor_starts:
                self.run_processor(self.stage.processor_starts.pop(0))
            else:
                self.clock.sleep(max(0.0, self.clock.next_due - self.clock.now))

    def run_processor(self, event: dict[str, Any]) -> None:
        began_at = self.seconds
        self.events.append(event)
        self.queues.repeat(event["slot"])
        try:
            self.invoke(event)
        except Killed:
            pass
        except (BotoCoreError, ClientError) as failure:
            self.failures.append(failure)
        self.runs.append((began_at, self.seconds))

    def invoke(self, event: dict[str, Any]) -> None:
        self.processor(event, Context(self.clock, self.limit_seconds))

    @property
    def sent(self) -> list[Transcript]:
        return self.pipeline.sent

    def finals(self) -> list[Transcript]:
        return [each for each in self.sent if not each.is_partial]

    def words(self) -> list[int]:
        return [int(each) for final in self.finals() for each in final.text.split()]

    def claim(self) -> dict[str, Any]:
        return self.stage.session(self.session_id)["audioClaim"]

    def slot(self, number: int) -> dict[str, Any]:
        key = {"slot": {"N": str(number)}}
        item = self.stage.dynamodb.get_item(TableName="audio-slots", Key=key)["Item"]
        return {"claimId": item["claimId"]["S"], "leaseUntil": int(item["leaseUntil"]["N"])}

    def left_in_queues(self) -> int:
        return sum(map(len, self.queues.bodies.values()))
