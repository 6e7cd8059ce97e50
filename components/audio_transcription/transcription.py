"""From audio to transcripts: the ingest function, the processor, and the slots between them.

Chunks of one session reach any instance of the ingest function. The queue of the session's slot
brings them to the one processor that holds its Transcribe stream. The translation pipeline makes
captions of the transcripts.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
from pulumi import ResourceOptions

from components.audio_transcription.slots import (
    SlotQueues,
    SlotQueuesArgs,
    SlotTable,
    SlotTableArgs,
)
from components.connection_store import ConnectionStore, StackTable, TableSafety
from components.grants import Grant
from components.handler_function import (
    MAXIMUM_TIMEOUT_SECONDS,
    AsynchronousInvocation,
    FunctionPlatform,
    HandlerFunction,
    HandlerFunctionArgs,
)
from components.message_queue import LONGEST_RETENTION_SECONDS, MessageQueue, MessageQueueArgs
from components.policies import Statement
from components.session_api import Route, SessionApi, routes_of
from components.translation_pipeline import TranslationPipeline
from contract.functions import AUDIO_INGEST, AUDIO_PROCESSOR

# A processor that starts later finds that another has its session: its start is not retried.
MAXIMUM_EVENT_AGE_SECONDS = 60
STREAM_TRANSCRIPTION = Statement.about_everything(
    sid="StreamTranscription",
    actions=(
        "transcribe:StartStreamTranscription",
        "transcribe:StartStreamTranscriptionWebSocket",
    ),
    reason="Transcribe has no resource type for streams:"
    " https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazontranscribe.html",
)


@dataclass(frozen=True, kw_only=True)
class AudioTranscriptionArgs:
    """`streaming_layer_arn` is the layer with the WebSocket client for Transcribe.

    `slots` is how many sessions may speak at once; without `alarm_topic_arn` no alarms exist.
    """

    platform: FunctionPlatform
    store: ConnectionStore
    api: SessionApi
    translation: TranslationPipeline
    streaming_layer_arn: pulumi.Input[str]
    table_safety: TableSafety
    slots: int
    alarm_topic_arn: pulumi.Input[str] | None


class AudioTranscription(pulumi.ComponentResource):
    """`routes` are for `SessionApi.publish`; `slot_queue_names` and `slot_queue_urls` by slot."""

    routes: tuple[Route, ...]
    functions: tuple[HandlerFunction, ...]
    slots_table: StackTable
    slot_queue_names: tuple[str, ...]
    slot_queue_urls: tuple[pulumi.Output[str], ...]
    failure_queues: Mapping[str, MessageQueue]

    def __init__(
        self, name: str, args: AudioTranscriptionArgs, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__("live-sessions:audio_transcription:AudioTranscription", name, None, opts)
        self._args = args
        self._child = ResourceOptions(parent=self)
        slots = SlotTableArgs(prefix=args.platform.prefix, safety=args.table_safety)
        self.slots_table = SlotTable(f"{name}-slots", slots, self._child).table
        queues = self._create_queues(name)
        failures = self._create_failures(name)
        processor = self._create_processor(queues, failures)
        ingest = self._create_ingest(queues, processor)
        self.routes = routes_of(ingest)
        self.functions = (ingest, processor)
        self.slot_queue_names = queues.names
        self.slot_queue_urls = queues.urls
        self.failure_queues = {"audioFailures": failures}
        self.register_outputs({"slotsTable": self.slots_table.name})

    def _create_queues(self, name: str) -> SlotQueues:
        queues = SlotQueuesArgs(
            prefix=self._args.platform.prefix,
            slots=self._args.slots,
            alarm_topic_arn=self._args.alarm_topic_arn,
        )
        return SlotQueues(f"{name}-queues", queues, self._child)

    def _create_failures(self, name: str) -> MessageQueue:
        failures = MessageQueueArgs(
            physical_name=f"{self._args.platform.prefix}-audio-failures",
            retention_seconds=LONGEST_RETENTION_SECONDS,
        )
        return MessageQueue(f"{name}-failures", failures, self._child)

    def _create_processor(self, queues: SlotQueues, failures: MessageQueue) -> HandlerFunction:
        processor = HandlerFunctionArgs(
            platform=self._args.platform,
            function=AUDIO_PROCESSOR,
            memory_megabytes=1024,
            timeout_seconds=MAXIMUM_TIMEOUT_SECONDS,
            extra_layer_arns=(self._args.streaming_layer_arn,),
            grants=(
                self._args.store.sessions("UpdateSessions", "UpdateItem"),
                self.slots_table.granting("RenewSlots", "UpdateItem"),
                queues.receiving(),
                Grant(statements=(STREAM_TRANSCRIPTION,)),
                self._args.translation.invoking(),
                self._args.api.managing_connections("POST", "DELETE"),
            ),
            asynchronous=AsynchronousInvocation(
                on_failure_queue_arn=failures.arn,
                maximum_retries=0,
                maximum_event_age_seconds=MAXIMUM_EVENT_AGE_SECONDS,
            ),
        )
        return HandlerFunction("audio-processor", processor, self._child)

    def _create_ingest(self, queues: SlotQueues, processor: HandlerFunction) -> HandlerFunction:
        store = self._args.store
        ingest = HandlerFunctionArgs(
            platform=self._args.platform,
            function=AUDIO_INGEST,
            memory_megabytes=256,
            timeout_seconds=10,
            grants=(
                store.sessions("ReadUpdateSessions", "GetItem", "UpdateItem"),
                store.connections("ReadConnections", "GetItem"),
                store.hearing_connections(),
                self.slots_table.granting("ClaimSlots", "BatchGetItem", "UpdateItem"),
                queues.sending(),
                processor.invoking("InvokeAudioProcessor", "AUDIO_PROCESSOR_FUNCTION"),
                self._args.api.managing_connections("POST"),
            ),
        )
        return HandlerFunction("audio-ingest", ingest, self._child)
