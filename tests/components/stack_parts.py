"""Parts of a stack that tests of other parts need, with small, plain values."""

from components.caption_history import CaptionHistory, CaptionHistoryArgs
from components.connection_store import ConnectionStore, ConnectionStoreArgs, TableSafety
from components.grants import Grant
from components.handler_function import FunctionPlatform, HandlerFunction, HandlerFunctionArgs
from components.listener_fan_out import ListenerFanOut, ListenerFanOutArgs
from components.roles import RoleRules
from components.session_api import Refusal, SessionApi, SessionApiArgs, Target, Throttling
from components.transcript_store import TranscriptStore, TranscriptStoreArgs
from components.translation_pipeline import TranslationPipeline, TranslationPipelineArgs
from contract.functions import FUNCTIONS, Function
from program.computed import ACCOUNT, REGION

PREFIX = "live-sessions-test"
# Every setting that functions read; tests/contracts/test_environments.py checks a stack's values.
SETTINGS = {
    "MAX_LISTENERS_PER_SESSION": "500",
    "SESSION_MAX_DURATION_HOURS": "8",
    "SPEAKER_GRACE_SECONDS": "10",
    "LISTENER_COUNT_CHANGE_THRESHOLD_PERCENT": "15",
    "SESSIONS_PER_USER_PER_HOUR": "1",
    "JOINS_PER_ADDRESS_PER_MINUTE": "2",
    "CONNECTIONS_PER_ADDRESS_PER_MINUTE": "3",
    "CONTROLS_PER_CONNECTION_PER_MINUTE": "4",
    "AUDIO_SLOTS_PER_USER": "2",
    "JOIN_MISSES_PER_ADDRESS_PER_MINUTE": "7",
    "PASSCODE_MISSES_PER_SESSION_PER_MINUTE": "8",
    "STATUS_QUERIES_PER_SPEAKER_PER_MINUTE": "5",
    "AUDIO_CHUNKS_PER_SECOND": "6",
    "AUDIO_SLOTS": "3",
    "CAPTION_HISTORY_MINUTES": "2",
    "TRANSCRIPTS": "true",
    "PARTIAL_CAPTIONS": "premium",
    "PARTIAL_RESULTS_STABILITY": "medium",
    "STATUS_SHARDS": "16",
    "STATUS_QUERY_TIMEOUT_MS": "500",
    "PERIODIC_UPDATE_INTERVAL_SECONDS": "30",
}


def platform(
    reserved_concurrency: dict[str, int] | None = None,
    *,
    tracing: bool = False,
    snap_start: bool = False,
) -> FunctionPlatform:
    return FunctionPlatform(
        stack="test",
        prefix=PREFIX,
        runtime="python3.13",
        architecture="arm64",
        snap_start=snap_start,
        log_level="INFO",
        log_retention_days=1,
        tracing=tracing,
        layer_arn="arn:aws:lambda:us-east-1:123456789012:layer:shared:1",
        region=REGION,
        partition="aws",
        account_id=ACCOUNT,
        role_rules=RoleRules(),
        reserved_concurrency=reserved_concurrency or {},
        settings=SETTINGS,
    )


def store(*, deletion_protection: bool = False) -> ConnectionStore:
    safety = TableSafety(point_in_time_recovery=True, deletion_protection=deletion_protection)
    return ConnectionStore("store", ConnectionStoreArgs(prefix=PREFIX, safety=safety))


def history(*, is_shown: bool = True, is_kept: bool = True) -> CaptionHistory:
    args = CaptionHistoryArgs(
        prefix=PREFIX, deletion_protection=False, is_shown=is_shown, is_kept=is_kept
    )
    return CaptionHistory("history", args)


def transcripts(
    *, is_writing: bool = False, is_kept: bool = False, deletion_protection: bool = False
) -> TranscriptStore:
    args = TranscriptStoreArgs(
        platform=platform(),
        history=history(),
        retention_days=30,
        is_writing=is_writing,
        is_kept=is_kept,
        deletion_protection=deletion_protection,
    )
    return TranscriptStore("transcripts", args)


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
        platform=platform(), store=its_store, api=its_api, transcripts=transcripts()
    )
    return ListenerFanOut("fan-out", args)


def translation(
    its_store: ConnectionStore,
    its_api: SessionApi,
    its_fan_out: ListenerFanOut,
    external_function_arn: str = "",
) -> TranslationPipeline:
    args = TranslationPipelineArgs(
        platform=platform(),
        store=its_store,
        history=history(),
        api=its_api,
        fan_out=its_fan_out,
        external_function_arn=external_function_arn,
    )
    return TranslationPipeline("translation-pipeline", args)


def all_variables(function: Function) -> Grant:
    """A grant without statements that provides whatever the settings do not."""
    names = [name for name in function.variables if name not in SETTINGS]
    return Grant(variables={name: name.lower() for name in names})


def function(entry: str = "heartbeat") -> HandlerFunction:
    of_contract = FUNCTIONS[entry]
    return HandlerFunction(
        entry.replace("_", "-"),
        HandlerFunctionArgs(
            platform=platform(),
            function=of_contract,
            memory_megabytes=128,
            timeout_seconds=10,
            grants=[all_variables(of_contract)],
        ),
    )


def refusal(*removed: str) -> Refusal:
    target = Target(function=function("removed_action"), timeout_milliseconds=5_000)
    return Refusal(target=target, keys=frozenset(removed))
