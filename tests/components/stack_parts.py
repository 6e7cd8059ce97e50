"""Parts of a stack that tests of other parts need, with small, plain values."""

from components.connection_store.store import ConnectionStore, ConnectionStoreArgs
from components.connection_store.tables import TableSafety
from components.handler_function.arguments import FunctionPlatform, HandlerFunctionArgs
from components.handler_function.function import HandlerFunction
from components.listener_fan_out import ListenerFanOut, ListenerFanOutArgs
from components.session_api.api import SessionApi, SessionApiArgs
from components.session_api.api_stage import Throttling
from components.settings import AudioRules, RateLimits, SessionRules
from components.translation_pipeline import TranslationPipeline, TranslationPipelineArgs
from program.computed import ACCOUNT, REGION

PREFIX = "live-sessions-test"


def platform(
    reserved_concurrency: dict[str, int] | None = None, *, tracing: bool = False
) -> FunctionPlatform:
    return FunctionPlatform(
        stack="test",
        prefix=PREFIX,
        runtime="python3.13",
        architecture="arm64",
        log_level="INFO",
        log_retention_days=1,
        tracing=tracing,
        layer_arn="arn:aws:lambda:us-east-1:123456789012:layer:shared:1",
        region=REGION,
        partition="aws",
        account_id=ACCOUNT,
        reserved_concurrency=reserved_concurrency or {},
    )


def session_rules() -> SessionRules:
    return SessionRules(
        max_listeners_per_session=500,
        session_max_duration_hours=8,
        speaker_grace_seconds=10,
        listener_count_change_threshold_percent=15,
    )


def rate_limits() -> RateLimits:
    return RateLimits(
        sessions_per_user_per_hour=1,
        joins_per_address_per_minute=2,
        connections_per_address_per_minute=3,
        controls_per_connection_per_minute=4,
        status_queries_per_speaker_per_minute=5,
        audio_chunks_per_second=6,
    )


def audio_rules(*, slots: int) -> AudioRules:
    return AudioRules(
        audio_slots=slots, partial_captions="premium", partial_results_stability="medium"
    )


def store(*, deletion_protection: bool = False) -> ConnectionStore:
    safety = TableSafety(point_in_time_recovery=True, deletion_protection=deletion_protection)
    return ConnectionStore("store", ConnectionStoreArgs(prefix=PREFIX, safety=safety))


def api() -> SessionApi:
    return SessionApi(
        "api",
        SessionApiArgs(
            prefix=PREFIX,
            stage_name="live",
            throttling=Throttling(rate_limit=100, burst_limit=50),
            route_metrics=False,
            access_logs=None,
        ),
    )


def fan_out(its_store: ConnectionStore, its_api: SessionApi) -> ListenerFanOut:
    args = ListenerFanOutArgs(
        platform=platform(), store=its_store, api=its_api, session_rules=session_rules()
    )
    return ListenerFanOut("fan-out", args)


def translation(
    its_store: ConnectionStore, its_api: SessionApi, external_function_arn: str = ""
) -> TranslationPipeline:
    args = TranslationPipelineArgs(
        platform=platform(),
        store=its_store,
        api=its_api,
        session_rules=session_rules(),
        external_function_arn=external_function_arn,
    )
    return TranslationPipeline("translation-pipeline", args)


def function(entry: str = "heartbeat") -> HandlerFunction:
    return HandlerFunction(
        entry.replace("_", "-"),
        HandlerFunctionArgs(
            platform=platform(), entry=entry, memory_megabytes=128, timeout_seconds=10
        ),
    )
