"""The function that takes a speaker's chunks, and starts a processor where none works yet."""

from components.audio_transcription.arguments import AudioTranscriptionArgs
from components.audio_transcription.slot_queues import SlotQueues
from components.audio_transcription.slot_table import SlotTable
from components.handler_function import HandlerFunction, HandlerFunctionArgs

TIMEOUT_SECONDS = 10


def ingest_function(
    args: AudioTranscriptionArgs, slots: SlotTable, queues: SlotQueues, processor: HandlerFunction
) -> HandlerFunctionArgs:
    """Its memory, time, permissions and environment."""
    store = args.store
    return HandlerFunctionArgs(
        platform=args.platform,
        entry="audio_ingest",
        memory_megabytes=256,
        timeout_seconds=TIMEOUT_SECONDS,
        statements=(
            store.sessions_statement("ReadUpdateSessions", "GetItem", "UpdateItem"),
            store.connections_statement("ReadConnections", "GetItem"),
            slots.statement("ClaimSlots", "BatchGetItem", "UpdateItem"),
            queues.send_statement("SendAudio"),
            processor.invoke_statement("InvokeAudioProcessor"),
            args.api.connections_statement("PostToConnections", "POST"),
        ),
        environment={
            "SESSIONS_TABLE": store.sessions_table,
            "CONNECTIONS_TABLE": store.connections_table,
            "AUDIO_SLOTS_TABLE": slots.name,
            "API_GATEWAY_ENDPOINT": args.api.management_endpoint,
            "AUDIO_QUEUE_URL_PREFIX": queues.url_prefix,
            "AUDIO_SLOTS": str(args.audio_rules.audio_slots),
            "AUDIO_PROCESSOR_FUNCTION": processor.name,
        },
    )
