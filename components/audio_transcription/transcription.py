"""Audio in, transcripts out: a pool of slots, each with a queue, and the two functions around it.

Chunks of one session arrive in any container of the ingest function; the session's slot brings them
to the one processor that holds its Transcribe stream. What becomes of a transcript is up to the
translation pipeline.
"""

from collections.abc import Mapping

import pulumi
from pulumi import ResourceOptions

from components.audio_transcription.arguments import AudioTranscriptionArgs
from components.audio_transcription.ingest_function import TIMEOUT_SECONDS, ingest_function
from components.audio_transcription.processor_function import processor_function
from components.audio_transcription.slot_queues import SlotQueues, SlotQueuesArgs
from components.audio_transcription.slot_table import SlotTable, SlotTableArgs
from components.handler_function import HandlerFunction
from components.message_queue import LONGEST_RETENTION_SECONDS, MessageQueue, MessageQueueArgs
from components.session_api import Route


class AudioTranscription(pulumi.ComponentResource):
    """`routes` for `SessionApi.publish`; functions, queues and the slots' table for outputs."""

    routes: tuple[Route, ...]
    functions: tuple[HandlerFunction, ...]
    slots_table: pulumi.Output[str]
    slot_queue_names: tuple[str, ...]
    slot_queue_urls: tuple[pulumi.Output[str], ...]
    failure_queues: Mapping[str, MessageQueue]

    def __init__(
        self, name: str, args: AudioTranscriptionArgs, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__("live-sessions:audio_transcription:AudioTranscription", name, None, opts)
        self._args = args
        self._child = ResourceOptions(parent=self)
        slots = self._create_slots(name)
        queues = self._create_queues(name)
        failures = self._create_failures(name)
        processor = HandlerFunction(
            "audio-processor", processor_function(args, slots, queues, failures), self._child
        )
        ingest = HandlerFunction(
            "audio-ingest", ingest_function(args, slots, queues, processor), self._child
        )
        # No reply: an accepted chunk has none, and what else there is to say is posted.
        self.routes = (
            Route(
                key="sendAudio",
                function=ingest,
                timeout_milliseconds=TIMEOUT_SECONDS * 1_000,
                replies=False,
            ),
        )
        self.functions = (ingest, processor)
        self.slots_table = slots.name
        self.slot_queue_names = queues.names
        self.slot_queue_urls = queues.urls
        self.failure_queues = {"audioFailures": failures}
        self.register_outputs({"slotsTable": self.slots_table})

    def _create_slots(self, name: str) -> SlotTable:
        slots = SlotTableArgs(prefix=self._args.platform.prefix, safety=self._args.table_safety)
        return SlotTable(f"{name}-slots", slots, self._child)

    def _create_queues(self, name: str) -> SlotQueues:
        queues = SlotQueuesArgs(
            prefix=self._args.platform.prefix,
            slots=self._args.audio_rules.audio_slots,
            alarm_topic_arn=self._args.alarm_topic_arn,
        )
        return SlotQueues(f"{name}-queues", queues, self._child)

    def _create_failures(self, name: str) -> MessageQueue:
        failures = MessageQueueArgs(
            physical_name=f"{self._args.platform.prefix}-audio-failures",
            retention_seconds=LONGEST_RETENTION_SECONDS,
        )
        return MessageQueue(f"{name}-failures", failures, self._child)
