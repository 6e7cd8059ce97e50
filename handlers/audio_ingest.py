"""Chunks of audio from the speakers' sockets into the queue of their session's slot."""

from contract.actions import Role
from contract.functions import AudioIngestEnvironment
from live_sessions.audio.chunks import ChunkQueues
from live_sessions.audio.hearing import SpeakersHeard
from live_sessions.audio.ingest import Ingest, SlotAllocator
from live_sessions.audio.slots import AudioSlots
from live_sessions.aws.clients import Clients
from live_sessions.aws.runtime import SYSTEM_CLOCK, Clock, Handler, read_environment
from live_sessions.sessions.connections import ConnectionTable
from live_sessions.sessions.rows import SessionTable
from live_sessions.wire.messages import SendAudio
from live_sessions.wire.requests import AUDIO_MESSAGES, Answer, MessageHandler
from live_sessions.wire.sockets import Sockets

ATTEMPTS = 2
"""They fit into the route's ten seconds."""


def build(environment: AudioIngestEnvironment, clients: Clients, clock: Clock) -> Handler:
    """The handler of sendAudio, whose refusals are posted because its route has no replies."""
    sessions = SessionTable.of(clients, environment.sessions_table, clock, attempts=ATTEMPTS)
    connections = ConnectionTable.of(
        clients, environment.connections_table, clock, attempts=ATTEMPTS
    )
    ingest = Ingest(
        sessions,
        connections,
        SlotAllocator(
            sessions,
            AudioSlots(
                clients.dynamodb(attempts=ATTEMPTS),
                environment.audio_slots_table,
                environment.audio_slots,
            ),
            clients.lambda_,
            environment.audio_processor_function,
            environment.audio_slots_per_user,
        ),
        ChunkQueues(clients.sqs(), environment.audio_queue_url_prefix),
        SpeakersHeard(connections),
    )
    return MessageHandler(
        function="audio_ingest",
        answers={"sendAudio": {Role.SPEAKER: Answer(SendAudio, ingest.send_audio)}},
        clock=clock,
        size_limit=AUDIO_MESSAGES,
        refusals=Sockets.at(environment.api_gateway_endpoint, clients, clock),
    )


handler = build(read_environment(AudioIngestEnvironment), Clients.of_this_account(), SYSTEM_CLOCK)
