"""The function that holds one Transcribe stream for one session, as long as Lambda lets it."""

from components.audio_transcription.arguments import AudioTranscriptionArgs
from components.audio_transcription.slot_queues import SlotQueues
from components.audio_transcription.slot_table import SlotTable
from components.handler_function import AsynchronousInvocation, HandlerFunctionArgs
from components.handler_function.arguments import MAXIMUM_TIMEOUT_SECONDS
from components.message_queue import MessageQueue
from components.policies import Statement

# A start that comes later has lost its claim to another: none is tried again, none waits for long.
MAXIMUM_EVENT_AGE_SECONDS = 60


def processor_function(
    args: AudioTranscriptionArgs, slots: SlotTable, queues: SlotQueues, failures: MessageQueue
) -> HandlerFunctionArgs:
    """Its memory, time, permissions and environment."""
    store, rules = args.store, args.audio_rules
    return HandlerFunctionArgs(
        platform=args.platform,
        entry="audio_processor",
        memory_megabytes=1024,
        timeout_seconds=MAXIMUM_TIMEOUT_SECONDS,
        extra_layer_arns=(args.streaming_layer_arn,),
        statements=(
            store.sessions_statement("UpdateSessions", "UpdateItem"),
            slots.statement("RenewSlots", "UpdateItem"),
            queues.receive_statement("ReceiveAudio"),
            Statement.about_everything(
                sid="StreamTranscription",
                actions=(
                    "transcribe:StartStreamTranscription",
                    "transcribe:StartStreamTranscriptionWebSocket",
                ),
                reason="A stream is no resource:"
                " https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazontranscribe.html",
            ),
            args.translation.invoke_statement("InvokeTranslation"),
            args.api.connections_statement("PostToConnections", "POST"),
            args.api.connections_statement("DeleteConnections", "DELETE"),
            failures.send_statement("SendFailures"),
        ),
        environment={
            "SESSIONS_TABLE": store.sessions_table,
            "AUDIO_SLOTS_TABLE": slots.name,
            "API_GATEWAY_ENDPOINT": args.api.management_endpoint,
            "AUDIO_QUEUE_URL_PREFIX": queues.url_prefix,
            "TRANSLATION_FUNCTION": args.translation.name_or_arn,
            "AUDIO_CHUNKS_PER_SECOND": str(args.rate_limits.audio_chunks_per_second),
            "PARTIAL_CAPTIONS": rules.partial_captions,
            "PARTIAL_RESULTS_STABILITY": rules.partial_results_stability,
        },
        asynchronous=AsynchronousInvocation(
            on_failure_queue_arn=failures.arn,
            maximum_retries=0,
            maximum_event_age_seconds=MAXIMUM_EVENT_AGE_SECONDS,
        ),
    )
