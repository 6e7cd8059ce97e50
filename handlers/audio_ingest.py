"""Chunks of audio from the speakers' sockets into the queue of their session's slot."""

from collections.abc import Mapping
from typing import Any

from live_sessions import environment
from live_sessions.answers.gateway import refuse_by_post
from live_sessions.audio.admission import Admission
from live_sessions.audio.chunk_queues import ChunkQueues
from live_sessions.audio.claims import AudioProcessors, Claims
from live_sessions.aws import clients
from live_sessions.environment import AudioIngestEnvironment
from live_sessions.posts.sockets import Sockets
from live_sessions.protocol import AUDIO_MESSAGES
from live_sessions.tables.audio_slots import AudioSlots
from live_sessions.tables.connection_table import ConnectionTable
from live_sessions.tables.session_table import SessionTable

ATTEMPTS = 2
"""The route waits for ten seconds."""

ENVIRONMENT = environment.read(AudioIngestEnvironment)
DYNAMODB = clients.dynamodb(attempts=ATTEMPTS)
SESSIONS = SessionTable(DYNAMODB, ENVIRONMENT.sessions_table)
SOCKETS = Sockets.at(ENVIRONMENT.api_gateway_endpoint)
ADMISSION = Admission(
    SESSIONS,
    ConnectionTable(DYNAMODB, ENVIRONMENT.connections_table),
    Claims(
        SESSIONS,
        AudioSlots(DYNAMODB, ENVIRONMENT.audio_slots_table, ENVIRONMENT.audio_slots),
        AudioProcessors(clients.lambda_, ENVIRONMENT.audio_processor_function),
    ),
    ChunkQueues(clients.sqs, ENVIRONMENT.audio_queue_url_prefix),
)
# A chunk is always sent: its client is built while the processor is a whole one.
clients.sqs()


def handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    """sendAudio, which has no reply: what there is to say is posted."""
    return refuse_by_post(event, {"sendAudio": ADMISSION.send_audio}, SOCKETS, AUDIO_MESSAGES)
