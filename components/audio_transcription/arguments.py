"""What the functions that carry audio are given."""

from dataclasses import dataclass

import pulumi

from components.connection_store import ConnectionStore, TableSafety
from components.handler_function import FunctionPlatform
from components.session_api import SessionApi
from components.settings import AudioRules, RateLimits
from components.translation_pipeline import TranslationPipeline


@dataclass(frozen=True, kw_only=True)
class AudioTranscriptionArgs:
    """`streaming_layer_arn`: the WebSocket client by which Transcribe is spoken to.

    `alarm_topic_arn`: who is told of audio that waits; None for nobody, and no alarms.
    """

    platform: FunctionPlatform
    store: ConnectionStore
    api: SessionApi
    translation: TranslationPipeline
    streaming_layer_arn: pulumi.Input[str]
    table_safety: TableSafety
    audio_rules: AudioRules
    rate_limits: RateLimits
    alarm_topic_arn: pulumi.Input[str] | None
