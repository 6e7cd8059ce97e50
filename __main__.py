"""The program: settings, provider, components, outputs. Settings are documented in Pulumi.yaml."""

import pulumi
import pulumi_aws as aws

from components.alarms import AlarmTopic, AlarmTopicArgs
from components.audio_transcription import AudioTranscription, AudioTranscriptionArgs
from components.connection_store import ConnectionStore, ConnectionStoreArgs, TableSafety
from components.custom_domain import CustomDomain, CustomDomainArgs
from components.handler_function import FunctionPlatform
from components.layers import FunctionLayers, FunctionLayersArgs, Target
from components.listener_fan_out import ListenerFanOut, ListenerFanOutArgs
from components.monitoring import Monitoring, MonitoringArgs
from components.session_api import AccessLogsArgs, SessionApi, SessionApiArgs, Throttling
from components.session_lifecycle import SessionLifecycle, SessionLifecycleArgs
from components.settings import PROJECT, Settings
from components.speaker_identity import SpeakerIdentity, SpeakerIdentityArgs
from components.status_broadcaster import StatusBroadcaster, StatusBroadcasterArgs
from components.translation_pipeline import TranslationPipeline, TranslationPipelineArgs

settings = Settings.load()

provider = aws.Provider(
    "aws",
    region=settings.region,
    default_tags=aws.ProviderDefaultTagsArgs(
        tags={
            "Project": PROJECT,
            "Stack": settings.stack,
            "ManagedBy": "pulumi",
            **settings.tags,
        }
    ),
)
here = pulumi.ResourceOptions(provider=provider)
account = aws.get_caller_identity_output(opts=pulumi.InvokeOutputOptions(provider=provider))
partition = account.arn.apply(lambda arn: arn.split(":")[1])

layers = FunctionLayers(
    "layers",
    FunctionLayersArgs(
        prefix=settings.prefix,
        target=Target(
            runtime=settings.lambda_runtime,
            architecture=settings.lambda_architecture,
            is_host=settings.layer_platform == "host",
        ),
    ),
    here,
)
platform = FunctionPlatform(
    stack=settings.stack,
    prefix=settings.prefix,
    runtime=settings.lambda_runtime,
    architecture=settings.lambda_architecture,
    log_level=settings.log_level,
    log_retention_days=settings.log_retention_days,
    tracing=settings.monitoring_rules.tracing,
    layer_arn=layers.shared_arn,
    region=settings.region,
    partition=partition,
    account_id=account.account_id,
    reserved_concurrency=settings.reserved_concurrency,
)
alarm_topic_arn = None
if settings.monitoring_rules.alarms:
    alarm_topic = AlarmTopicArgs(
        prefix=settings.prefix,
        partition=partition,
        account_id=account.account_id,
        email=settings.monitoring_rules.alarm_email,
    )
    alarm_topic_arn = AlarmTopic("alarms", alarm_topic, here).arn
table_safety = TableSafety(
    point_in_time_recovery=settings.point_in_time_recovery,
    deletion_protection=settings.deletion_protection,
)
store = ConnectionStore(
    "store", ConnectionStoreArgs(prefix=settings.prefix, safety=table_safety), here
)
api = SessionApi(
    "api",
    SessionApiArgs(
        prefix=settings.prefix,
        stage_name=settings.stage_name,
        throttling=Throttling(
            rate_limit=settings.throttling_rate_limit,
            burst_limit=settings.throttling_burst_limit,
        ),
        route_metrics=settings.monitoring_rules.route_metrics,
        access_logs=AccessLogsArgs(
            prefix=settings.prefix,
            retention_days=settings.log_retention_days,
            manage_account=settings.manage_api_gateway_account,
            partition=partition,
        )
        if settings.access_logs
        else None,
    ),
    here,
)
identity = SpeakerIdentity(
    "identity",
    SpeakerIdentityArgs(
        platform=platform,
        token_layer_arn=layers.tokens_arn,
        deletion_protection=settings.deletion_protection,
        allow_password_authentication=settings.allow_password_authentication,
        existing_user_pool_id=settings.existing_user_pool_id,
        existing_user_pool_client_id=settings.existing_user_pool_client_id,
        jwks_endpoint=settings.cognito_endpoint,
    ),
    here,
)
fan_out = ListenerFanOut(
    "fan-out",
    ListenerFanOutArgs(
        platform=platform, store=store, api=api, session_rules=settings.session_rules
    ),
    here,
)
lifecycle = SessionLifecycle(
    "lifecycle",
    SessionLifecycleArgs(
        platform=platform,
        store=store,
        api=api,
        fan_out=fan_out,
        session_rules=settings.session_rules,
        rate_limits=settings.rate_limits,
        status_shards=settings.status_shards,
    ),
    here,
)
status = StatusBroadcaster(
    "status",
    StatusBroadcasterArgs(
        platform=platform,
        store=store,
        api=api,
        session_checks=lifecycle.checks,
        session_rules=settings.session_rules,
        rate_limits=settings.rate_limits,
        periodic=settings.periodic_status,
        interval_seconds=settings.status_interval_seconds,
        shards=settings.status_shards,
        query_timeout_milliseconds=settings.status_query_timeout_milliseconds,
    ),
    here,
)
translation = TranslationPipeline(
    "translation-pipeline",
    TranslationPipelineArgs(
        platform=platform,
        store=store,
        api=api,
        session_rules=settings.session_rules,
        external_function_arn=settings.translation_function_arn,
    ),
    here,
)
audio = AudioTranscription(
    "audio",
    AudioTranscriptionArgs(
        platform=platform,
        store=store,
        api=api,
        translation=translation,
        streaming_layer_arn=layers.streaming_arn,
        table_safety=table_safety,
        audio_rules=settings.audio_rules,
        rate_limits=settings.rate_limits,
        alarm_topic_arn=alarm_topic_arn,
    ),
    here,
)
routes = [
    route
    for route in (*lifecycle.routes, *status.routes, *audio.routes)
    if route.key not in settings.removed_routes
]
stage = api.publish(routes, identity.authorizer)
domain = None
if settings.domain_rules.domain_name:
    domain_args = CustomDomainArgs(rules=settings.domain_rules, api_id=api.api_id, stage=stage)
    domain = CustomDomain("domain", domain_args, here)

functions = [
    *(identity.authorizer, fan_out.function, *lifecycle.functions, status.function),
    *(*audio.functions, *translation.functions),
]
failure_queues = {
    **lifecycle.failure_queues,
    "fanOutFailures": fan_out.failures,
    **status.failure_queues,
    **audio.failure_queues,
}
queues = {**lifecycle.queues, **status.queues, **failure_queues}
tables = (store.sessions_table, store.connections_table, store.rate_limits_table, audio.slots_table)
monitoring = Monitoring(
    "monitoring",
    MonitoringArgs(
        platform=platform,
        api=api,
        functions=functions,
        failure_queues=failure_queues,
        slot_queue_names=audio.slot_queue_names,
        tables=tables,
        indexes=store.indexes,
        alarm_topic_arn=alarm_topic_arn,
        has_dashboard=settings.monitoring_rules.dashboard,
        has_route_metrics=settings.monitoring_rules.route_metrics,
        is_periodic=settings.periodic_status,
        status_interval_seconds=settings.status_interval_seconds,
        status_shards=settings.status_shards,
        status_query_timeout_milliseconds=settings.status_query_timeout_milliseconds,
    ),
    here,
)
log_groups = {function.entry: function.log_group_name for function in functions}
if api.access_log_group_name is not None:
    log_groups["access"] = api.access_log_group_name

pulumi.export("websocketUrl", domain.url if domain else api.url)
pulumi.export("managementEndpoint", api.management_endpoint)
pulumi.export("sessionsTable", store.sessions_table)
pulumi.export("connectionsTable", store.connections_table)
pulumi.export("rateLimitsTable", store.rate_limits_table)
pulumi.export("audioSlotsTable", audio.slots_table)
pulumi.export("userPoolId", identity.user_pool_id)
pulumi.export("userPoolClientId", identity.user_pool_client_id)
pulumi.export("statusFunction", status.function.name)
pulumi.export("statusRule", status.rule_name)
pulumi.export("functionNames", {function.entry: function.name for function in functions})
pulumi.export("queueUrls", {name: queue.url for name, queue in queues.items()})
pulumi.export("audioQueueUrls", list(audio.slot_queue_urls))
pulumi.export("logGroupNames", log_groups)
if domain is not None:
    pulumi.export("domainTarget", domain.target)
if alarm_topic_arn is not None:
    pulumi.export("alarmTopicArn", alarm_topic_arn)
if monitoring.dashboard_name is not None:
    pulumi.export("dashboardName", monitoring.dashboard_name)
