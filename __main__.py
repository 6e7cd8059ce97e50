"""The program: settings, provider, components, outputs. Settings are documented in Pulumi.yaml."""

import pulumi
import pulumi_aws as aws

from components.alarms import AlarmTopic, AlarmTopicArgs
from components.audio_transcription import AudioTranscription, AudioTranscriptionArgs
from components.caption_history import CaptionHistory, CaptionHistoryArgs
from components.connection_store import ConnectionStore, ConnectionStoreArgs, TableSafety
from components.custom_domain import CustomDomain, CustomDomainArgs
from components.handler_function import function_platform
from components.layers import FunctionLayers, FunctionLayersArgs, Target
from components.listener_fan_out import ListenerFanOut, ListenerFanOutArgs
from components.monitoring import Monitoring
from components.removed_actions import RemovedActions, RemovedActionsArgs
from components.roles import role_rules
from components.session_api import AccessLogsArgs, SessionApi, SessionApiArgs, Throttling
from components.session_lifecycle import SessionLifecycle, SessionLifecycleArgs
from components.settings import PROJECT, Settings
from components.sign_in import sign_in_addresses
from components.speaker_identity import SpeakerIdentity, SpeakerIdentityArgs
from components.stack_parts import StackParts
from components.stack_state import resources_of_this_stack
from components.status_broadcaster import StatusBroadcaster, StatusBroadcasterArgs
from components.transcript_store import TranscriptStore, TranscriptStoreArgs
from components.transcripts_left import refused_if_transcripts_are_left
from components.transforms import register_transforms
from components.translation_pipeline import TranslationPipeline, TranslationPipelineArgs
from components.web_pages import WebPages, WebPagesArgs, build_pages, page_config

settings = Settings.load()
register_transforms()
prefix = settings.prefix
tags = {"Project": PROJECT, "Stack": settings.stack, "ManagedBy": "pulumi", **settings.tags}
provider = aws.Provider(
    "aws", region=settings.region, default_tags=aws.ProviderDefaultTagsArgs(tags=tags)
)
here = pulumi.ResourceOptions(provider=provider)
account = aws.get_caller_identity_output(opts=pulumi.InvokeOutputOptions(provider=provider))
account_id = account.account_id
state = resources_of_this_stack()
if not settings.caption_rules.has_transcript_bucket:
    account_id = refused_if_transcripts_are_left(
        account_id, state, pulumi.InvokeOptions(provider=provider)
    )
partition = account.arn.apply(lambda arn: arn.split(":")[1])
organization_rules = role_rules(
    prefix=prefix,
    permissions_boundary_arn=settings.permissions_boundary_arn,
    path=settings.role_path,
    state=state,
)

target = Target(
    runtime=settings.lambda_runtime,
    architecture=settings.lambda_architecture,
    is_host=settings.layer_platform == "host",
    bytecode=settings.layer_bytecode,
)
layers = FunctionLayers("layers", FunctionLayersArgs(prefix=prefix, target=target), here)
platform = function_platform(
    settings,
    layer_arn=layers.shared_arn,
    partition=partition,
    account_id=account_id,
    role_rules=organization_rules,
)
alarm_topic_arn = None
if settings.monitoring_rules.alarms:
    alarm_topic_args = AlarmTopicArgs(
        prefix=prefix,
        partition=partition,
        account_id=account_id,
        email=settings.monitoring_rules.alarm_email,
    )
    alarm_topic_arn = AlarmTopic("alarms", alarm_topic_args, here).arn

table_safety = TableSafety(
    point_in_time_recovery=settings.point_in_time_recovery,
    deletion_protection=settings.deletion_protection,
)
store = ConnectionStore("store", ConnectionStoreArgs(prefix=prefix, safety=table_safety), here)
history_args = CaptionHistoryArgs(
    prefix=prefix,
    deletion_protection=settings.deletion_protection,
    is_shown=settings.caption_rules.caption_history_minutes > 0,
    is_kept=settings.caption_rules.keeps_captions,
)
history = CaptionHistory("history", history_args, here)
transcripts_args = TranscriptStoreArgs(
    platform=platform,
    history=history,
    retention_days=settings.caption_rules.transcript_retention_days,
    is_writing=settings.caption_rules.transcripts,
    is_kept=settings.caption_rules.has_transcript_bucket,
    deletion_protection=settings.deletion_protection,
)
transcripts = TranscriptStore("transcripts", transcripts_args, here)
access_logs = None
if settings.access_logs:
    access_logs = AccessLogsArgs(
        prefix=prefix,
        retention_days=settings.log_retention_days,
        manage_account=settings.manage_api_gateway_account,
        partition=partition,
        role_rules=organization_rules,
    )
api_args = SessionApiArgs(
    prefix=prefix,
    stage_name=settings.stage_name,
    throttling=Throttling(
        rate_limit=settings.throttling_rate_limit, burst_limit=settings.throttling_burst_limit
    ),
    route_metrics=settings.monitoring_rules.route_metrics,
    access_logs=access_logs,
)
api = SessionApi("api", api_args, here)
sign_in = sign_in_addresses(
    prefix=prefix,
    region=settings.region,
    account_id=account.account_id,
    existing_user_pool_id=settings.existing_user_pool_id,
    issuer=settings.speaker_issuer,
    sign_in_origin=settings.web_pages_rules.web_pages_sign_in_origin,
    cognito_endpoint=settings.cognito_endpoint,
)
pages = None
if settings.web_pages_rules.web_pages:
    pages_args = WebPagesArgs(
        platform=platform,
        rules=settings.web_pages_rules,
        folder=build_pages(),
        connects_to=(settings.domain_rules.url or api.url, *sign_in.connects_to),
        tags=tags,
    )
    pages = WebPages("pages", pages_args, here)
identity_args = SpeakerIdentityArgs(
    platform=platform,
    token_layer_arn=layers.tokens_arn,
    deletion_protection=settings.deletion_protection,
    allow_password_authentication=settings.allow_password_authentication,
    existing_user_pool_id=settings.existing_user_pool_id,
    existing_user_pool_client_id=settings.existing_user_pool_client_id,
    issuer=settings.speaker_issuer,
    audiences=settings.speaker_audiences,
    jwks_endpoint=settings.cognito_endpoint,
    sign_in_pages=pages.sign_in_pages if pages else (),
)
identity = SpeakerIdentity("identity", identity_args, here)
fan_out_args = ListenerFanOutArgs(platform=platform, store=store, api=api, transcripts=transcripts)
fan_out = ListenerFanOut("fan-out", fan_out_args, here)
lifecycle_args = SessionLifecycleArgs(
    platform=platform,
    store=store,
    history=history,
    transcripts=transcripts,
    api=api,
    fan_out=fan_out,
)
lifecycle = SessionLifecycle("lifecycle", lifecycle_args, here)
status_args = StatusBroadcasterArgs(
    platform=platform,
    store=store,
    api=api,
    session_checks=lifecycle.checks,
    periodic=settings.periodic_status,
    interval_seconds=settings.status_interval_seconds,
)
status = StatusBroadcaster("status", status_args, here)
translation_args = TranslationPipelineArgs(
    platform=platform,
    store=store,
    history=history,
    api=api,
    fan_out=fan_out,
    external_function_arn=settings.translation_function_arn,
)
translation = TranslationPipeline("translation-pipeline", translation_args, here)
audio_args = AudioTranscriptionArgs(
    platform=platform,
    store=store,
    api=api,
    translation=translation,
    streaming_layer_arn=layers.streaming_arn,
    table_safety=table_safety,
    slots=settings.audio_rules.audio_slots,
    alarm_topic_arn=alarm_topic_arn,
)
audio = AudioTranscription("audio", audio_args, here)
removed_args = RemovedActionsArgs(platform=platform, api=api, removed=settings.removed_routes)
removed = RemovedActions("removed", removed_args, here)

parts = StackParts(
    platform=platform,
    store=store,
    history=history,
    transcripts=transcripts,
    api=api,
    identity=identity,
    fan_out=fan_out,
    lifecycle=lifecycle,
    status=status,
    translation=translation,
    audio=audio,
    removed=removed,
)
stage = api.publish(parts.routes, identity.authorizer, removed.refusal)
domain = None
if settings.domain_rules.domain_name:
    domain_args = CustomDomainArgs(rules=settings.domain_rules, api_id=api.api_id, stage=stage)
    domain = CustomDomain("domain", domain_args, here)
monitoring_args = parts.monitoring_args(settings, alarm_topic_arn)
monitoring = Monitoring("monitoring", monitoring_args, here)

outputs = parts.outputs(
    domain=domain,
    pages=pages,
    alarm_topic_arn=alarm_topic_arn,
    dashboard_name=monitoring.dashboard_name,
)
if pages:
    client_id = settings.web_pages_rules.web_pages_client_id or identity.audiences[0]
    config = page_config(
        websocket_url=outputs["websocketUrl"],
        sign_in=sign_in.config(issuer=identity.issuer, client_id=client_id),
        transcripts=settings.caption_rules.transcripts,
    )
    pages.publish(config)
for name, value in outputs.items():
    pulumi.export(name, value)
