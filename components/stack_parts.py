"""The parts of a stack together: their routes, and what monitoring and the outputs list."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi

from components.audio_transcription import AudioTranscription
from components.caption_history import CaptionHistory
from components.connection_store import ConnectionStore, StackTable
from components.custom_domain import CustomDomain
from components.handler_function import FunctionPlatform, HandlerFunction
from components.listener_fan_out import ListenerFanOut
from components.message_queue import MessageQueue
from components.monitoring import MonitoringArgs
from components.removed_actions import RemovedActions
from components.session_api import Route, SessionApi
from components.session_lifecycle import SessionLifecycle
from components.settings import Settings
from components.speaker_identity import SpeakerIdentity
from components.status_broadcaster import StatusBroadcaster
from components.transcript_store import TranscriptStore
from components.translation_pipeline import TranslationPipeline
from components.web_pages import WebPages


@dataclass(frozen=True, kw_only=True)
class StackParts:
    """The components that have functions, queues or tables."""

    platform: FunctionPlatform
    store: ConnectionStore
    history: CaptionHistory
    transcripts: TranscriptStore
    api: SessionApi
    identity: SpeakerIdentity
    fan_out: ListenerFanOut
    lifecycle: SessionLifecycle
    status: StatusBroadcaster
    translation: TranslationPipeline
    audio: AudioTranscription
    removed: RemovedActions

    @property
    def functions(self) -> tuple[HandlerFunction, ...]:
        """Every function of the stack."""
        return (
            *(self.identity.authorizer, self.fan_out.function, *self.lifecycle.functions),
            *(self.status.function, *self.audio.functions, *self.translation.functions),
            *self.transcripts.functions,
            self.removed.function,
        )

    @property
    def failure_queues(self) -> Mapping[str, MessageQueue]:
        """The queues of messages that failed repeatedly, by their name in the outputs."""
        return {
            **self.lifecycle.failure_queues,
            "fanOutFailures": self.fan_out.failures,
            **self.status.failure_queues,
            **self.audio.failure_queues,
            **self.transcripts.failure_queues,
        }

    @property
    def tables(self) -> tuple[StackTable, ...]:
        """Every table of the stack."""
        return (*self.store.tables, self.audio.slots_table, self.history.table)

    @property
    def routes(self) -> list[Route]:
        """Every route, also those that are removed."""
        return [*self.lifecycle.routes, *self.status.routes, *self.audio.routes]

    def monitoring_args(
        self, settings: Settings, alarm_topic_arn: pulumi.Input[str] | None
    ) -> MonitoringArgs:
        """What monitoring watches, with its thresholds."""
        return MonitoringArgs(
            platform=self.platform,
            api=self.api,
            functions=self.functions,
            failure_queues=self.failure_queues,
            slot_queue_names=self.audio.slot_queue_names,
            tables=self.tables,
            alarm_topic_arn=alarm_topic_arn,
            has_dashboard=settings.monitoring_rules.dashboard,
            has_route_metrics=settings.monitoring_rules.route_metrics,
            is_periodic=settings.periodic_status,
            status_interval_seconds=settings.status_interval_seconds,
            status_shards=settings.status_shards,
            status_query_timeout_milliseconds=settings.status_query_timeout_milliseconds,
        )

    def outputs(
        self,
        *,
        domain: CustomDomain | None,
        pages: WebPages | None,
        alarm_topic_arn: pulumi.Output[str] | None,
        dashboard_name: pulumi.Output[str] | None,
    ) -> dict[str, Any]:
        """The stack's outputs by name; those of parts that the stack does not have are left out."""
        queues = {
            **self.lifecycle.queues,
            **self.status.queues,
            **self.transcripts.queues,
            **self.failure_queues,
        }
        log_groups = {function.entry: function.log_group_name for function in self.functions}
        if self.api.access_log_group_name is not None:
            log_groups["access"] = self.api.access_log_group_name
        outputs = {
            "websocketUrl": domain.url if domain else self.api.url,
            "managementEndpoint": self.api.management_endpoint,
            **{table.definition.output: table.name for table in self.tables},
            "userPoolId": self.identity.user_pool_id,
            "userPoolClientId": self.identity.user_pool_client_id,
            "speakerIssuer": self.identity.issuer,
            "speakerAudiences": self.identity.audiences,
            "statusFunction": self.status.function.name,
            "statusRule": self.status.rule_name,
            "functionNames": {function.entry: function.name for function in self.functions},
            "queueUrls": {name: queue.url for name, queue in queues.items()},
            "audioQueueUrls": list(self.audio.slot_queue_urls),
            "logGroupNames": log_groups,
            "transcriptsBucket": self.transcripts.bucket_name,
            "domainTarget": domain.target if domain else None,
            "webPagesUrl": pages.url if pages else None,
            "webPagesBucketName": pages.bucket_name if pages else None,
            "webPagesDistributionId": pages.distribution_id if pages else None,
            "webPagesDistributionDomain": pages.distribution_domain if pages else None,
            "alarmTopicArn": alarm_topic_arn,
            "dashboardName": dashboard_name,
        }
        return {name: value for name, value in outputs.items() if value is not None}
