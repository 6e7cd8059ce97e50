"""The audio processor: a session's chunks from its slot's queue into Transcribe.

A processor works while it holds the lease of its claim, and stops in good order if no audio comes,
if the session ends, or if the function's time is nearly over.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

import msgspec
from botocore.exceptions import BotoCoreError, ClientError

from contract import metrics
from contract.functions import AudioProcessorEnvironment
from contract.metrics import Metric
from live_sessions.audio.chunks import (
    CLOSED_AFTER_SECONDS,
    LARGEST_LEAP,
    RECEIVED_AT_ONCE,
    REMEMBERED_SECONDS,
    WARNED_AFTER_SECONDS,
    AudioSpeed,
    Chunk,
    ChunkOrder,
    ChunkQueues,
    ChunkRate,
    PauseDetector,
    RateVerdict,
    RecentAudio,
    SequenceLeaps,
    bytes_per_second,
)
from live_sessions.audio.slots import AudioSlots, Lease, LeaseLost, StartProcessor
from live_sessions.audio.transcribe import FailureKind, TranscribeFailure
from live_sessions.audio.transcription import Numbering, Stream, Transcription
from live_sessions.aws.runtime import Clock, emit, logger
from live_sessions.captions.transcripts import Pipeline, Transcript, TranscriptQueue
from live_sessions.sessions.rows import (
    LAST_WORDS_SECONDS,
    Session,
    SessionTable,
    StreamClaim,
    StreamPosition,
)
from live_sessions.wire.frames import ErrorFrame, Frame, RateLimitWarning, TranscriptionError
from live_sessions.wire.refusals import ProtocolError, sequence_far_ahead, too_much_audio
from live_sessions.wire.sockets import Sockets

CYCLE_SECONDS = 0.2
"""Chunks that arrive within it are received in one call."""

WAIT_SECONDS = 1
BEHIND_SECONDS = 0.5
"""An older chunk has others behind it, even if SQS returned fewer than it may: receive at once."""

REPEATED_AFTER_SECONDS = 10
"""The same error about the audio is posted no more often."""

IDLE_SECONDS = REMEMBERED_SECONDS
LEAST_AUDIO_SECONDS = 10
"""Within IDLE_SECONDS; a session with less leaves its slot to others. Silence is audio, too."""

RESUMING_SECONDS = 2
"""Whoever was speaking for most of this time is not cut off for what they did not say before."""

RESERVE_SECONDS = 30
"""Of the function's time, to stop in good order; a third of that time if that is less."""

RESERVES_FOR_PAUSE = 1.5
"""Once less than this many reserves remain, the processor stops at the speaker's next pause."""

RESERVES_FOR_GAP = 5 / 6
"""While a chunk is missing, the processor goes on, at most until this many reserves remain."""

LAST_RESULTS_SHARE = 1 / 2
"""Of the reserve, for Transcribe's last results."""

RELEASE_SHARE = 1 / 6
"""Of the reserve, to release the lease; the time between is for the last captions."""

LAST_CHUNKS_SECONDS = 2
"""After a session's end: the chunks that were accepted before it have been received by then."""

POLL_SECONDS = 0.05

RESERVED_CAPTIONS = 100
"""More captions than are numbered between two renewals of a lease, so that a successor reuses no
number.
"""


class StopReason(StrEnum):
    """Why a processor stopped; after HANDED_OVER the next chunk starts another one."""

    IDLE = "idle"
    SESSION_ENDED = "session ended"
    HANDED_OVER = "handed over"


@dataclass
class Allowance:
    """`left_seconds` returns how much of the function's time remains."""

    left_seconds: Callable[[], float]
    reserve_seconds: float = field(init=False)

    def __post_init__(self) -> None:
        self.reserve_seconds = min(RESERVE_SECONDS, self.left_seconds() / 3)

    def is_over(self, *, in_a_pause: bool, in_a_gap: bool) -> bool:
        """Whether it is time to stop; in a pause, somewhat earlier; in a gap, somewhat later."""
        reserves = RESERVES_FOR_GAP if in_a_gap else RESERVES_FOR_PAUSE if in_a_pause else 1
        return self.left_seconds() <= self.reserve_seconds * reserves


@dataclass
class SpeakerNotices:
    """What is sent to the speaker about their audio; `connection_id` is their latest socket.

    Once the session is over, nothing is.
    """

    sockets: Sockets
    session_id: str
    chunks_per_second: int
    clock: Clock
    connection_id: str = ""
    is_session_over: bool = False
    _posted_at: dict[str, float] = field(default_factory=dict[str, float])

    def report_audio(self, refusal: ProtocolError) -> None:
        """Post what is wrong with the speaker's audio, unless the same was posted just before."""
        details = refusal.details or {}
        kind = ",".join(details)
        now = self.clock.monotonic()
        if now - self._posted_at.get(kind, -math.inf) < REPEATED_AFTER_SECONDS:
            return
        self._posted_at[kind] = now
        logger.warning("invalid audio", extra={"session": self.session_id, **details})
        error = ErrorFrame(
            timestamp=self.clock.now_ms(),
            code=refusal.code,
            message=refusal.message,
            details=details,
        )
        self._post(error)

    def carry_out(self, verdict: RateVerdict) -> None:
        """Warn the speaker of too many chunks, or close their socket for them."""
        logger.warning("too many chunks", extra={"session": self.session_id, "due": verdict.name})
        if verdict is RateVerdict.CLOSE and not self.is_session_over:
            emit({metrics.SPEAKERS_CLOSED: 1})
            self.sockets.close(self.connection_id)
            return
        warning = RateLimitWarning(
            timestamp=self.clock.now_ms(),
            session_id=self.session_id,
            chunks_per_second=self.chunks_per_second,
            closes_after_seconds=CLOSED_AFTER_SECONDS - WARNED_AFTER_SECONDS,
        )
        self._post(warning)

    def report_failure(self, failure: TranscribeFailure, retry_after_seconds: int) -> None:
        """Post that the speaker's audio is not being transcribed."""
        is_permanent = failure.kind is FailureKind.PERMANENT
        error = TranscriptionError(
            timestamp=self.clock.now_ms(),
            session_id=self.session_id,
            message=(
                "The audio cannot be transcribed until the cause is removed."
                if is_permanent
                else "The audio is not being transcribed at present."
            ),
            is_permanent=is_permanent,
            retry_after_seconds=retry_after_seconds,
        )
        self._post(error)

    def _post(self, frame: Frame) -> None:
        if not self.is_session_over:
            self.sockets.post(self.connection_id, frame)


@dataclass(kw_only=True)
class Processing:
    """The work of one processor whose claim has been taken."""

    task: StartProcessor
    lease: Lease
    queues: ChunkQueues
    order: ChunkOrder
    leaps: SequenceLeaps
    rate: ChunkRate
    notices: SpeakerNotices
    transcription: Transcription
    transcripts: TranscriptQueue
    allowance: Allowance
    clock: Clock
    _speed: AudioSpeed = field(default_factory=AudioSpeed)
    _pauses: PauseDetector = field(default_factory=PauseDetector)
    _counters: Counter[Metric] = field(default_factory=Counter[Metric])
    _recent: RecentAudio = field(default_factory=RecentAudio)
    _began_at: float = 0.0
    _latest_epoch: int = -1
    _has_reserved_captions: bool = False
    _ended: Session | None = None

    def run(self) -> None:
        """Work until there is a reason to stop. Raises LeaseLost if another one takes over."""
        try:
            reason = self._receive_until_the_end()
            if self._ended is None:
                self._flush(self.allowance.reserve_seconds)
            elif self._ended.takes_last_words(self.clock.now_ms()):
                self._keep_last_words(self._ended)
            self.lease.release(
                next_caption=self.transcription.next_caption, reached=self._reached()
            )
            logger.info("processed", extra={"session": self.task.session_id, "ending": reason})
        finally:
            self.transcription.close()
            self.transcripts.close()
            self._emit_counters()

    def _receive_until_the_end(self) -> StopReason:
        now = self.clock.monotonic
        self._began_at = now()
        while True:
            began_at = now()
            self._keep_lease()
            if self._ended is not None:
                return StopReason.SESSION_ENDED
            if self.allowance.is_over(
                in_a_pause=self._pauses.is_pause, in_a_gap=self.order.is_waiting
            ):
                return StopReason.HANDED_OVER
            is_more_there = self._work()
            if self._is_idle(now()):
                return StopReason.IDLE
            if not is_more_there:
                self.clock.sleep(max(0.0, began_at + CYCLE_SECONDS - now()))

    def _work(self) -> bool:
        """Receive and transcribe; whether more chunks may be there already."""
        is_more_there = self._has_reserved_captions and self._receive()
        self._keep_lease()
        self._feed(self.order.ready(self.clock.monotonic()))
        self.transcription.tick()
        return is_more_there

    def _is_idle(self, now_seconds: float) -> bool:
        """Whether so little audio came that the slot is better left to another session."""
        window_start = now_seconds - IDLE_SECONDS
        if self._began_at > window_start or self._recent.since(window_start) >= LEAST_AUDIO_SECONDS:
            return False
        return self._recent.since(now_seconds - RESUMING_SECONDS) < RESUMING_SECONDS / 2

    def _keep_lease(self) -> None:
        """Renew the lease if it is due. Raises LeaseLost.

        No chunk is received before the first renewal, which reserves the numbers of the captions.
        """
        if self.lease.is_due or not self._has_reserved_captions:
            self._emit_counters()
            session = self.lease.renew(
                next_caption=self.transcription.next_caption + RESERVED_CAPTIONS
            )
            if session is not None:
                self._has_reserved_captions = True
                if not session.is_live(self.clock.now_ms()):
                    self._ended = session
                    self.notices.is_session_over = True
        if self.lease.is_over:
            raise LeaseLost

    def _receive(self) -> bool:
        """Whether more chunks may be there already."""
        wait_seconds = 0 if self.order.is_waiting else WAIT_SECONDS
        try:
            chunks = self.queues.take(self.task.slot, wait_seconds=wait_seconds)
        except (ClientError, BotoCoreError):
            logger.exception("No chunks could be received", extra={"session": self.task.session_id})
            return False
        for chunk in chunks:
            self._add(chunk)
        now_ms = self.clock.now_ms()
        oldest_ms = min((chunk.arrived_at for chunk in chunks), default=now_ms)
        return len(chunks) >= RECEIVED_AT_ONCE or now_ms - oldest_ms >= BEHIND_SECONDS * 1000

    def _add(self, chunk: Chunk) -> None:
        if chunk.session_id != self.task.session_id:
            self._counters[metrics.CHUNKS_OF_OTHERS] += 1
            return
        if chunk.stream_epoch >= self._latest_epoch:
            self._latest_epoch = chunk.stream_epoch
            self.notices.connection_id = chunk.connection_id
        if not self.leaps.admits(chunk):
            self._counters[metrics.CHUNKS_DISCARDED] += 1
            last = self.leaps.last_sequence
            self.notices.report_audio(sequence_far_ahead(chunk.sequence, last, LARGEST_LEAP))
            return
        is_admitted = self.rate.admits(chunk.arrived_at, chunk.sequence)
        self.order.add(chunk, self.clock.monotonic(), dropped=not is_admitted)
        if is_admitted:
            return
        self._counters[metrics.CHUNKS_OVER_RATE] += 1
        verdict = self.rate.verdict()
        if verdict is not None:
            self.notices.carry_out(verdict)

    def _feed(self, chunks: Iterable[Chunk]) -> None:
        """Transcribe the chunks that are next."""
        for chunk in chunks:
            if self._speed.admits(chunk):
                self._recent.add(chunk.seconds, self.clock.monotonic())
                self._pauses.add(chunk)
                self.transcription.feed(chunk)
            else:
                self._counters[metrics.CHUNKS_OVER_RATE] += 1
                rate = chunk.sample_rate_hertz
                received = self._speed.received_bytes_per_second
                self.notices.report_audio(too_much_audio(rate, bytes_per_second(rate), received))

    def _keep_last_words(self, ended: Session) -> None:
        """Transcribe what was accepted before the session's end, for its transcript."""
        received_at = ended.over_at + LAST_CHUNKS_SECONDS * 1000
        while self._work() or self.clock.now_ms() < received_at:
            if not ended.takes_last_words(self.clock.now_ms()):
                return
            self.clock.sleep(POLL_SECONDS)
        kept_until = ended.over_at + LAST_WORDS_SECONDS * 1000
        self._flush((kept_until - self.clock.now_ms()) / 1000)

    def _flush(self, limit_seconds: float) -> None:
        """Turn what was received into captions."""
        self._feed(self.order.rest())
        seconds = min(limit_seconds, self.allowance.left_seconds())
        ends_at = self.clock.monotonic() + seconds
        self._wait_for(self.transcription.finish, ends_at - seconds * LAST_RESULTS_SHARE)
        self.transcription.close()
        self._wait_for(self.transcripts.is_idle, ends_at - seconds * RELEASE_SHARE)

    def _wait_for(self, is_done: Callable[[], bool], until_seconds: float) -> None:
        while not is_done() and self.clock.monotonic() < until_seconds:
            self._keep_lease()
            self.clock.sleep(POLL_SECONDS)

    def _reached(self) -> StreamPosition | None:
        if self.order.next_sequence is None:
            return None
        return StreamPosition(
            connection_id=self.order.connection_id,
            stream_epoch=self.order.stream_epoch,
            next_sequence=self.order.next_sequence,
        )

    def _emit_counters(self) -> None:
        self._counters[metrics.CHUNKS_LOST] = self.order.lost
        self._counters[metrics.CHUNKS_DISCARDED] += self.order.discarded
        self._counters[metrics.CHUNKS_NOT_TRANSCRIBED] = self.transcription.lost
        self.order.lost = self.order.discarded = self.transcription.lost = 0
        emit(self._counters)
        self._counters.clear()


class StreamOpener(Protocol):
    """Opens a Transcribe stream in one of Transcribe's languages, at a sample rate."""

    def __call__(
        self, language_code: str, sample_rate_hertz: int, *, stability: str | None
    ) -> Stream:
        """Raises TranscribeFailure."""
        ...


@dataclass(frozen=True, kw_only=True)
class AudioProcessor:
    """The function's handler: takes a claim and processes its session's audio.

    `new_queue` makes the queue of one processor's transcripts, given what sends one.
    """

    sessions: SessionTable
    slots: AudioSlots
    queues: ChunkQueues
    sockets: Sockets
    pipeline: Pipeline
    open_stream: StreamOpener
    environment: AudioProcessorEnvironment
    clock: Clock
    new_queue: Callable[[Callable[[Transcript], None]], TranscriptQueue] = TranscriptQueue

    def __call__(self, event: Mapping[str, Any], context: Any) -> None:
        """Process a StartProcessor event. Raises botocore's errors if the claim was not taken."""
        task = msgspec.convert(event, StartProcessor)
        lease = Lease(self.sessions, self.slots, task, self.clock)
        session = lease.take()
        if session is None or session.audio_claim is None:
            logger.info("not wanted", extra={"session": task.session_id, "slot": task.slot})
            return
        allowance = Allowance(lambda: context.get_remaining_time_in_millis() / 1000)
        try:
            self._processing(session, session.audio_claim, task, lease, allowance).run()
        except LeaseLost:
            logger.warning("lease lost", extra={"session": task.session_id, "slot": task.slot})

    def _processing(
        self,
        session: Session,
        claim: StreamClaim,
        task: StartProcessor,
        lease: Lease,
        allowance: Allowance,
    ) -> Processing:
        chunks_per_second = self.environment.audio_chunks_per_second
        transcripts = self.new_queue(self.pipeline.send)
        notices = SpeakerNotices(self.sockets, session.session_id, chunks_per_second, self.clock)
        with_partials = self._sends_partials(session.quality_tier)
        numbering = Numbering(
            session_id=session.session_id,
            source_language=session.source_language,
            next_caption=claim.next_caption,
            with_partials=with_partials,
        )
        stability = self.environment.partial_results_stability if with_partials else "off"
        locale = session.transcribed_locale
        transcription = Transcription(
            lambda sample_rate_hertz: self.open_stream(
                locale, sample_rate_hertz, stability=None if stability == "off" else stability
            ),
            numbering,
            transcripts.add,
            notices.report_failure,
            self.clock,
        )
        return Processing(
            task=task,
            lease=lease,
            queues=self.queues,
            order=_order_from(claim.reached),
            leaps=_leaps_from(claim.reached, session.created_at, chunks_per_second),
            rate=ChunkRate(chunks_per_second),
            notices=notices,
            transcription=transcription,
            transcripts=transcripts,
            allowance=allowance,
            clock=self.clock,
        )

    def _sends_partials(self, quality_tier: str) -> bool:
        wanted = self.environment.partial_captions
        return wanted == "always" or (wanted == "premium" and quality_tier == "premium")


def _order_from(reached: StreamPosition | None) -> ChunkOrder:
    """Continue where the last processor stopped, if it stopped in good order."""
    if reached is None:
        return ChunkOrder()
    return ChunkOrder(reached.connection_id, reached.stream_epoch, reached.next_sequence)


def _leaps_from(
    reached: StreamPosition | None, session_created_at: int, chunks_per_second: int
) -> SequenceLeaps:
    """As `_order_from`; the time of the last chunk is not known."""
    if reached is None:
        return SequenceLeaps(chunks_per_second, session_created_at=session_created_at)
    return SequenceLeaps(
        chunks_per_second,
        session_created_at=session_created_at,
        connection_id=reached.connection_id,
        stream_epoch=reached.stream_epoch,
        next_sequence=reached.next_sequence,
    )
