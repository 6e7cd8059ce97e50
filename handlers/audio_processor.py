"""One session's audio into Transcribe, and its transcripts to the translation pipeline."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import msgspec

from live_sessions import environment
from live_sessions.audio.chunk_order import ChunkOrder
from live_sessions.audio.chunk_queues import ChunkQueues
from live_sessions.audio.chunk_rate import ChunkRate
from live_sessions.audio.claims import StartProcessor
from live_sessions.audio.lease import Lease, LeaseLost
from live_sessions.audio.narration import Narration
from live_sessions.audio.processing import Allowance, Processing
from live_sessions.audio.speaker_notices import SpeakerNotices
from live_sessions.audio.transcription import Transcription
from live_sessions.aws import clients
from live_sessions.captions.pipeline import PATIENCE_SECONDS, CaptionQueue, Pipeline
from live_sessions.environment import AudioProcessorEnvironment, AwsEnvironment
from live_sessions.languages import LANGUAGES
from live_sessions.posts.sockets import Sockets
from live_sessions.sessions import Session, now_ms
from live_sessions.stream_claim import StreamClaim
from live_sessions.tables.audio_slots import AudioSlots
from live_sessions.tables.session_table import SessionTable
from live_sessions.telemetry import logger
from live_sessions.transcribe.stream import TranscribeStream

ENVIRONMENT = environment.read(AudioProcessorEnvironment)
AWS = environment.read(AwsEnvironment)
DYNAMODB = clients.dynamodb(attempts=2)
SESSIONS = SessionTable(DYNAMODB, ENVIRONMENT.sessions_table)
SLOTS = AudioSlots(DYNAMODB, ENVIRONMENT.audio_slots_table)
# It asks again soon enough: two calls that wait for two attempts each would outlast the lease.
QUEUES = ChunkQueues(partial(clients.sqs, attempts=1), ENVIRONMENT.audio_queue_url_prefix)
SOCKETS = Sockets.at(ENVIRONMENT.api_gateway_endpoint)
PIPELINE = Pipeline(clients.lambda_at_most_once(PATIENCE_SECONDS), ENVIRONMENT.translation_function)


def handler(event: Mapping[str, Any], context: Any) -> None:
    task = msgspec.convert(event, StartProcessor)
    lease = Lease(SESSIONS, SLOTS, task)
    session = lease.take(at_ms=now_ms())
    if session is None or session.audio_claim is None:
        logger.info("not wanted", extra={"session": task.session_id, "slot": task.slot})
        return
    allowance = Allowance(lambda: context.get_remaining_time_in_millis() / 1000)
    try:
        processing_of(session, session.audio_claim, task, lease, allowance).work()
    except LeaseLost:
        logger.warning("lease lost", extra={"session": task.session_id, "slot": task.slot})


def processing_of(
    session: Session,
    claim: StreamClaim,
    task: StartProcessor,
    lease: Lease,
    allowance: Allowance,
) -> Processing:
    """The processor of a session whose claim has been taken."""
    captions = CaptionQueue(PIPELINE.send)
    notices = SpeakerNotices(SOCKETS, session.session_id, ENVIRONMENT.audio_chunks_per_second)
    with_partials = forwards_partials(session.quality_tier)
    narration = Narration(
        session.session_id,
        session.source_language,
        next_caption=claim.next_caption,
        with_partials=with_partials,
        pass_on=captions.add,
        notices=notices,
    )
    stability = ENVIRONMENT.partial_results_stability if with_partials else "off"
    open_stream = partial(
        TranscribeStream.open,
        AWS,
        LANGUAGES[session.source_language].transcribe or session.source_language,
        stability=None if stability == "off" else stability,
    )
    return Processing(
        task=task,
        lease=lease,
        queues=QUEUES,
        order=order_from(claim),
        rate=ChunkRate(ENVIRONMENT.audio_chunks_per_second),
        notices=notices,
        narration=narration,
        transcription=Transcription(open_stream, narration),
        captions=captions,
        allowance=allowance,
    )


def order_from(claim: StreamClaim) -> ChunkOrder:
    """Where the processor before this one got to, if it ended in good order."""
    if claim.reached is None:
        return ChunkOrder()
    reached = claim.reached
    return ChunkOrder(reached.connection_id, reached.stream_epoch, reached.next_sequence)


def forwards_partials(quality_tier: str) -> bool:
    wanted = ENVIRONMENT.partial_captions
    return wanted == "always" or (wanted == "premium" and quality_tier == "premium")
