"""One session's audio into Transcribe, and its transcripts to the translation pipeline."""

from functools import partial

from contract.functions import AudioProcessorEnvironment
from live_sessions.audio.chunks import ChunkQueues
from live_sessions.audio.processing import AudioProcessor
from live_sessions.audio.slots import AudioSlots
from live_sessions.audio.transcribe_socket import TranscribeStream
from live_sessions.aws.clients import Clients
from live_sessions.aws.runtime import SYSTEM_CLOCK, Clock, Handler, read_environment
from live_sessions.captions.transcripts import PIPELINE_TIMEOUT_SECONDS, Pipeline
from live_sessions.sessions.rows import SessionTable
from live_sessions.wire.sockets import Sockets

DYNAMODB_ATTEMPTS = 2
QUEUE_ATTEMPTS = 1
"""The processor soon asks again; two calls of two attempts each might outlast the lease."""


def build(environment: AudioProcessorEnvironment, clients: Clients, clock: Clock) -> Handler:
    """The handler of StartProcessor events."""
    dynamodb = clients.dynamodb(attempts=DYNAMODB_ATTEMPTS)
    return AudioProcessor(
        sessions=SessionTable.of(
            clients, environment.sessions_table, clock, attempts=DYNAMODB_ATTEMPTS
        ),
        slots=AudioSlots(dynamodb, environment.audio_slots_table),
        queues=ChunkQueues(
            clients.sqs(attempts=QUEUE_ATTEMPTS), environment.audio_queue_url_prefix
        ),
        sockets=Sockets.at(environment.api_gateway_endpoint, clients, clock),
        pipeline=Pipeline(
            clients.lambda_at_most_once(PIPELINE_TIMEOUT_SECONDS),
            environment.translation_function,
            clock,
        ),
        open_stream=partial(TranscribeStream.open, clients.aws, clock=clock),
        environment=environment,
        clock=clock,
    )


handler = build(
    read_environment(AudioProcessorEnvironment), Clients.of_this_account(), SYSTEM_CLOCK
)
