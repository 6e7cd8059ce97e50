"""Chunks of audio: their format, their queues, their order, their rate, and pauses in them.

A session's audio is s16le mono PCM at the session's sample rate:
https://docs.aws.amazon.com/transcribe/latest/dg/how-input.html
"""

import heapq
import math
import sys
from array import array
from collections import defaultdict, deque
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import TYPE_CHECKING

import msgspec
from botocore.exceptions import BotoCoreError, ClientError

from contract import metrics
from live_sessions.aws.runtime import emit, logger
from live_sessions.wire.messages import DEFAULT_SAMPLE_RATE_HERTZ

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import MessageTypeDef

SAMPLE_BYTES = 2

RECEIVED_AT_ONCE = 10
"""https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ReceiveMessage.html"""

GAP_SECONDS = 2.0
"""How long a missing chunk delays those behind it."""

SETTLING_SECONDS = 0.2
"""Time for a chunk that was overtaken when a stream epoch begins and the first one is unknown."""

MS_PER_SECOND = 1000
WARNED_AFTER_SECONDS = 5
CLOSED_AFTER_SECONDS = 30
COUNTED_SECONDS = 120
"""Longer than the retention of a slot's queue."""

TOLERATED_SPEED = 1.25
"""Seconds of audio that may arrive in a second: clocks differ, and a backlog is caught up."""

BACKLOG_SECONDS = 5.0
"""Audio that may arrive at once after a stall or a cold start."""

MEASURED_SECONDS = 10
"""How far back the bytes per second are measured."""

REMEMBERED_SECONDS = 60
"""How far back it is known how much audio came."""

LARGEST_LEAP = 1000
"""How far a sequence number may be ahead of the last one."""

PAUSE_SECONDS = 0.3
"""Longer than the silence within a word."""

QUIET_SHARE = 0.1
"""A stretch is quiet below this share of the loudest one."""

QUIET_LEVEL = 100
"""Out of 32,768; anything below is background noise."""

LOUDEST_FADES_PER_SECOND = 0.9


class Chunk(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A message of a slot's queue. `arrived_at` is epoch milliseconds."""

    session_id: str
    stream_epoch: int
    connection_id: str
    sequence: int
    arrived_at: int
    sample_rate_hertz: int = DEFAULT_SAMPLE_RATE_HERTZ
    audio: bytes

    @property
    def seconds(self) -> float:
        """How long the audio is."""
        return len(self.audio) / bytes_per_second(self.sample_rate_hertz)


def bytes_per_second(sample_rate_hertz: int) -> int:
    """How many bytes a second of audio has."""
    return SAMPLE_BYTES * sample_rate_hertz


class ChunkQueues:
    """The slots' queues; the URL of one is `url_prefix` followed by the slot's number."""

    def __init__(self, client: "SQSClient", url_prefix: str) -> None:
        self._client = client
        self._url_prefix = url_prefix

    def send(self, slot: int, chunk: Chunk) -> None:
        """Put a chunk into the slot's queue. Raises botocore's errors."""
        self._client.send_message(
            QueueUrl=f"{self._url_prefix}{slot}",
            MessageBody=msgspec.json.encode(chunk).decode(),
        )

    def take(self, slot: int, *, wait_seconds: int) -> list[Chunk]:
        """Remove up to RECEIVED_AT_ONCE chunks, in any order; empty after `wait_seconds`.

        Raises botocore's errors if none could be received.
        """
        url = f"{self._url_prefix}{slot}"
        response = self._client.receive_message(
            QueueUrl=url, MaxNumberOfMessages=RECEIVED_AT_ONCE, WaitTimeSeconds=wait_seconds
        )
        messages = response.get("Messages", [])
        if messages:
            self._delete(url, messages)
        return [chunk for message in messages if (chunk := _read(message)) is not None]

    def _delete(self, url: str, messages: "list[MessageTypeDef]") -> None:
        """Messages that are not deleted are received again, and ChunkOrder discards them."""
        try:
            self._client.delete_message_batch(
                QueueUrl=url,
                Entries=[
                    {"Id": str(number), "ReceiptHandle": message.get("ReceiptHandle", "")}
                    for number, message in enumerate(messages)
                ],
            )
        except (ClientError, BotoCoreError):
            logger.exception("Chunks that were received could not be deleted from their queue")


def _read(message: "MessageTypeDef") -> Chunk | None:
    try:
        return msgspec.json.decode(message.get("Body", ""), type=Chunk)
    except msgspec.MsgspecError:
        emit({metrics.CHUNKS_UNREADABLE: 1})
        return None


@dataclass(order=True)
class _Waiting:
    stream_epoch: int
    sequence: int
    is_dropped: bool
    added_at: float = field(compare=False)
    connection_id: str = field(compare=False)
    chunk: Chunk = field(compare=False)


class ChunkOrder:
    """Chunks in the order in which they were spoken, each once, with a limit on the wait for one.

    A standard queue delivers in any order, and some messages twice:
    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/standard-queues.html
    Times are seconds of a monotonic clock. `connection_id`, `stream_epoch` and `next_sequence` are
    the position of the order. Each epoch has one connection; a connection's sequence continues from
    epoch to epoch. `lost` counts chunks that never came, `discarded` those that came too late or
    again.
    """

    def __init__(
        self, connection_id: str = "", stream_epoch: int = -1, next_sequence: int | None = None
    ) -> None:
        self.connection_id: str = connection_id
        self.stream_epoch: int = stream_epoch
        self.next_sequence: int | None = next_sequence
        self.lost = 0
        self.discarded = 0
        self._waiting: list[_Waiting] = []

    def add(self, chunk: Chunk, now_seconds: float, *, dropped: bool = False) -> None:
        """Add a chunk; a `dropped` one is never returned, but nothing waits for it either."""
        waiting = _Waiting(
            chunk.stream_epoch,
            chunk.sequence,
            dropped,
            now_seconds,
            chunk.connection_id,
            chunk,
        )
        heapq.heappush(self._waiting, waiting)

    @property
    def is_waiting(self) -> bool:
        """Whether chunks have been added that were not returned yet."""
        return bool(self._waiting)

    def rest(self) -> list[Chunk]:
        """All the chunks that wait, in order, without a wait for the missing ones."""
        return self.ready(math.inf)

    def ready(self, now_seconds: float) -> list[Chunk]:
        """The chunks that are next, or behind one that has been missing for too long."""
        chunks: list[Chunk] = []
        while self._waiting:
            first = self._waiting[0]
            if self._is_past(first):
                self.discarded += 1
            elif not self._is_due(first, now_seconds):
                break
            else:
                self._advance(first)
                if not first.is_dropped:
                    chunks.append(first.chunk)
            heapq.heappop(self._waiting)
        return chunks

    def _is_past(self, waiting: _Waiting) -> bool:
        if waiting.connection_id == self.connection_id:
            return self.next_sequence is not None and waiting.sequence < self.next_sequence
        return waiting.stream_epoch < self.stream_epoch

    def _is_due(self, first: _Waiting, now_seconds: float) -> bool:
        if first.sequence == self._expected(first.connection_id):
            return True
        # The oldest of all: a chunk that comes late and is first must not restart the others' wait.
        waits_since = min(waiting.added_at for waiting in self._waiting)
        has_begun = first.stream_epoch == self.stream_epoch
        return waits_since + (GAP_SECONDS if has_begun else SETTLING_SECONDS) <= now_seconds

    def _expected(self, connection_id: str) -> int | None:
        """A connection's first chunk is 0."""
        return self.next_sequence if connection_id == self.connection_id else 0

    def _advance(self, waiting: _Waiting) -> None:
        if waiting.stream_epoch == self.stream_epoch and self.next_sequence is not None:
            self.lost += waiting.sequence - self.next_sequence
        self.connection_id = waiting.connection_id
        self.stream_epoch = waiting.stream_epoch
        self.next_sequence = waiting.sequence + 1


class RateVerdict(Enum):
    """What is due once in an unbroken run of seconds over the limit."""

    WARN = auto()
    CLOSE = auto()


class ChunkRate:
    """At most `limit` chunks pass for each second in which they arrived.

    A chunk that is received again, because it could not be deleted, counts once.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._chunks: defaultdict[int, set[tuple[int, int]]] = defaultdict(set)
        self._second = 0
        self._last_due: dict[RateVerdict, int] = {}

    def admits(self, arrived_at: int, sequence: int) -> bool:
        """Count a chunk that arrived then (epoch milliseconds); False if its second is full."""
        self._second = arrived_at // MS_PER_SECOND
        self._chunks[self._second].add((arrived_at, sequence))
        if len(self._chunks) > COUNTED_SECONDS:
            del self._chunks[min(self._chunks)]
        return self._count(self._second) <= self.limit

    def verdict(self) -> RateVerdict | None:
        """What is due after a chunk that was not admitted; call it once after each."""
        if self._count(self._second) != self.limit + 1:
            return None
        run = self._run_over_limit()
        if len(run) < WARNED_AFTER_SECONDS:
            return None
        due = RateVerdict.WARN if len(run) < CLOSED_AFTER_SECONDS else RateVerdict.CLOSE
        if self._last_due.get(due) in run:
            return None
        self._last_due[due] = self._second
        return due

    def _run_over_limit(self) -> range:
        """The seconds around the last chunk's, without a gap, that were over the limit."""
        first = last = self._second
        while self._count(first - 1) > self.limit:
            first -= 1
        while self._count(last + 1) > self.limit:
            last += 1
        return range(first, last + 1)

    def _count(self, second: int) -> int:
        return len(self._chunks.get(second, ()))


class AudioSpeed:
    """No more audio passes than time does: no more seconds of it than TOLERATED_SPEED allows, and
    BACKLOG_SECONDS.

    Its chunks come in the order in which they were spoken, each once; their time is their arrival.
    A client whose samples are not at the rate that it named sends too much for ever.
    """

    def __init__(self) -> None:
        self._sample_rate_hertz = 0
        self._seconds_ahead = 0.0
        self._latest_ms = 0
        self._arrived: deque[tuple[int, int]] = deque()

    def admits(self, chunk: Chunk) -> bool:
        """Count the chunk; False if it is too much."""
        if chunk.sample_rate_hertz != self._sample_rate_hertz:
            self._sample_rate_hertz = chunk.sample_rate_hertz
            self._seconds_ahead = 0.0
            self._arrived.clear()
        elapsed_ms = max(0, chunk.arrived_at - self._latest_ms)
        self._latest_ms += elapsed_ms
        self._measure(len(chunk.audio))
        caught_up = elapsed_ms / MS_PER_SECOND * TOLERATED_SPEED
        self._seconds_ahead = max(0.0, self._seconds_ahead - caught_up)
        if self._seconds_ahead + chunk.seconds > BACKLOG_SECONDS:
            return False
        self._seconds_ahead += chunk.seconds
        return True

    @property
    def received_bytes_per_second(self) -> int:
        """How much came, over the last MEASURED_SECONDS or since the first chunk."""
        span_ms = max(self._latest_ms - self._arrived[0][0], MS_PER_SECOND)
        # What came at the beginning of the span was spoken before it.
        came = sum(size for _, size in self._arrived) - self._arrived[0][1]
        return round(came * MS_PER_SECOND / span_ms)

    def _measure(self, size: int) -> None:
        self._arrived.append((self._latest_ms, size))
        while self._latest_ms - self._arrived[0][0] > MEASURED_SECONDS * MS_PER_SECOND:
            self._arrived.popleft()


class RecentAudio:
    """How much audio came within the last REMEMBERED_SECONDS; times are of a monotonic clock."""

    def __init__(self) -> None:
        self._came: deque[tuple[float, float]] = deque()

    def add(self, audio_seconds: float, now_seconds: float) -> None:
        """Count a chunk that lasts `audio_seconds`."""
        self._came.append((now_seconds, audio_seconds))
        while self._came[0][0] < now_seconds - REMEMBERED_SECONDS:
            self._came.popleft()

    def since(self, since_seconds: float) -> float:
        """The seconds of audio that came from then on."""
        return sum(audio for came_at, audio in self._came if came_at > since_seconds)


class SequenceLeaps:
    """Refuses a chunk whose sequence number is far ahead: it would make all others late.

    Within a stream epoch it is at most LARGEST_LEAP ahead of the last one. Before that, chunks may
    have been sent and dropped, such as during a pause: as many as `chunks_per_second` allows, since
    the last one of the connection or else since `session_created_at` (epoch milliseconds).
    `position` is where another processor has stopped.
    """

    def __init__(
        self,
        chunks_per_second: int,
        *,
        session_created_at: int,
        connection_id: str = "",
        stream_epoch: int = -1,
        next_sequence: int = 0,
    ) -> None:
        self.last_sequence = next_sequence - 1
        self._chunks_per_second = chunks_per_second
        self._session_created_at = session_created_at
        self._connection_id = connection_id
        self._stream_epoch = stream_epoch
        self._last_at: int | None = None

    def admits(self, chunk: Chunk) -> bool:
        """Whether the chunk may be in order; False changes nothing."""
        if chunk.stream_epoch < self._stream_epoch:
            return True
        is_same = chunk.connection_id == self._connection_id
        last = self.last_sequence if is_same else -1
        if chunk.sequence - last > LARGEST_LEAP + self._possibly_dropped(chunk, is_same=is_same):
            return False
        if chunk.sequence > last:
            self.last_sequence = chunk.sequence
            self._last_at = chunk.arrived_at
        self._connection_id = chunk.connection_id
        self._stream_epoch = chunk.stream_epoch
        return True

    def _possibly_dropped(self, chunk: Chunk, *, is_same: bool) -> float:
        if is_same and chunk.stream_epoch == self._stream_epoch:
            return 0
        since = self._last_at if is_same and self._last_at is not None else self._session_created_at
        elapsed_ms = max(0, chunk.arrived_at - since)
        return elapsed_ms / MS_PER_SECOND * self._chunks_per_second


class PauseDetector:
    """Finds the speaker's pauses, where a stream can be cut without cutting a word.

    Compares the level of each stretch with the loudest one so far, which fades.
    """

    def __init__(self) -> None:
        self._loudest = 0.0
        self._quiet_seconds = 0.0

    def add(self, chunk: Chunk) -> None:
        """The chunk that comes next."""
        seconds = chunk.seconds
        level = _mean_level(chunk.audio)
        self._loudest = max(level, self._loudest * LOUDEST_FADES_PER_SECOND**seconds)
        is_quiet = level <= max(QUIET_LEVEL, self._loudest * QUIET_SHARE)
        self._quiet_seconds = self._quiet_seconds + seconds if is_quiet else 0.0

    @property
    def is_pause(self) -> bool:
        """Whether the last PAUSE_SECONDS were quiet."""
        return self._quiet_seconds >= PAUSE_SECONDS


def _mean_level(audio: bytes) -> float:
    """The mean of the samples' absolute values."""
    samples = array("h", audio)
    if sys.byteorder == "big":
        samples.byteswap()
    return sum(map(abs, samples)) / len(samples)
