"""The Lambda functions: their entry modules, and the environment variables that each one reads.

A record's field is a variable of the same name in capitals. The program derives a function's
environment from its record; the function fills the record from its environment.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

LIVE = "live"
"""The alias of each function, on the version that serves; whatever invokes it uses the alias."""

NONE = "none"
"""The value of a variable that names a resource which the stack does not have."""

AUDIENCE_SEPARATOR = " "
"""Between the audiences in their variable; no audience holds it."""


@dataclass(frozen=True, kw_only=True)
class AuthorizerEnvironment:
    """`token_issuer` is the claim to match, `token_audiences` are those of which a token needs one.

    `token_keys_url` has the issuer's keys, or its discovery document, which names their address.
    """

    token_issuer: str
    token_audiences: str
    token_keys_url: str


@dataclass(frozen=True, kw_only=True)
class ConnectionEnvironment:
    """Tables, endpoint, limits and destinations of the function that opens sockets.

    `transcripts` is whether the stack keeps any; `transcript_reader_role` is the ARN of the role
    that reads them, or NONE where there is no bucket.
    """

    sessions_table: str
    connections_table: str
    rate_limits_table: str
    captions_table: str
    api_gateway_endpoint: str
    fan_out_function: str
    session_checks_queue_url: str
    max_listeners_per_session: int
    session_max_duration_hours: int
    status_shards: int
    listener_count_change_threshold_percent: int
    caption_history_minutes: int
    sessions_per_user_per_hour: int
    joins_per_address_per_minute: int
    connections_per_address_per_minute: int
    controls_per_connection_per_minute: int
    join_misses_per_address_per_minute: int
    passcode_misses_per_session_per_minute: int
    transcripts: bool
    transcripts_bucket: str
    transcript_reader_role: str


@dataclass(frozen=True, kw_only=True)
class DisconnectEnvironment:
    """What the function reads that handles closed sockets and delayed checks."""

    sessions_table: str
    connections_table: str
    api_gateway_endpoint: str
    fan_out_function: str
    session_checks_queue_url: str
    speaker_grace_seconds: int
    listener_count_change_threshold_percent: int


@dataclass(frozen=True, kw_only=True)
class HeartbeatEnvironment:
    """What the heartbeat function reads."""

    connections_table: str
    api_gateway_endpoint: str


@dataclass(frozen=True, kw_only=True)
class RefreshEnvironment:
    """What the refresh function reads."""

    sessions_table: str
    connections_table: str
    rate_limits_table: str
    api_gateway_endpoint: str
    listener_count_change_threshold_percent: int
    joins_per_address_per_minute: int
    controls_per_connection_per_minute: int
    join_misses_per_address_per_minute: int
    passcode_misses_per_session_per_minute: int


@dataclass(frozen=True, kw_only=True)
class SessionStatusEnvironment:
    """A status query over `status_query_timeout_ms` is answered with STATUS_TIMEOUT."""

    sessions_table: str
    connections_table: str
    rate_limits_table: str
    api_gateway_endpoint: str
    status_query_timeout_ms: int
    periodic_update_interval_seconds: int
    listener_count_change_threshold_percent: int
    status_shards: int
    status_shard_queue_url: str
    session_checks_queue_url: str
    speaker_grace_seconds: int
    status_queries_per_speaker_per_minute: int


@dataclass(frozen=True, kw_only=True)
class FanOutEnvironment:
    """What the fan-out function reads; it invokes itself for further pages of listeners.

    `transcripts_queue_url` is NONE where the stack keeps no transcripts.
    """

    sessions_table: str
    connections_table: str
    api_gateway_endpoint: str
    fan_out_function: str
    listener_count_change_threshold_percent: int
    transcripts_queue_url: str


@dataclass(frozen=True, kw_only=True)
class RemovedActionEnvironment:
    """What the function reads that refuses messages of removed routes."""

    api_gateway_endpoint: str


@dataclass(frozen=True, kw_only=True)
class ReconcileEnvironment:
    """What the reconcile function reads."""

    sessions_table: str
    connections_table: str
    api_gateway_endpoint: str
    fan_out_function: str
    session_checks_queue_url: str
    reconcile_shard_queue_url: str
    status_shards: int
    speaker_grace_seconds: int
    listener_count_change_threshold_percent: int


@dataclass(frozen=True, kw_only=True)
class AudioIngestEnvironment:
    """`audio_queue_url_prefix` and a slot's number make the URL of that slot's queue."""

    sessions_table: str
    connections_table: str
    audio_slots_table: str
    api_gateway_endpoint: str
    audio_queue_url_prefix: str
    audio_slots: int
    audio_slots_per_user: int
    audio_processor_function: str


@dataclass(frozen=True, kw_only=True)
class AudioProcessorEnvironment:
    """`partial_captions` is never, premium or always; `partial_results_stability` is off, low,
    medium or high.
    """

    sessions_table: str
    audio_slots_table: str
    api_gateway_endpoint: str
    audio_queue_url_prefix: str
    translation_function: str
    audio_chunks_per_second: int
    partial_captions: str
    partial_results_stability: str


@dataclass(frozen=True, kw_only=True)
class TranslationEnvironment:
    """What the translation function reads; the fan-out posts pages of a crowd for it.

    `caption_history_minutes` is 0 where no captions are kept for listeners; `transcripts` is
    whether they are kept for transcripts.
    """

    sessions_table: str
    connections_table: str
    captions_table: str
    api_gateway_endpoint: str
    fan_out_function: str
    listener_count_change_threshold_percent: int
    caption_history_minutes: int
    transcripts: bool


@dataclass(frozen=True, kw_only=True)
class TranscriptsEnvironment:
    """What the function reads that writes the transcripts of sessions that have ended."""

    captions_table: str
    transcripts_bucket: str


@dataclass(frozen=True)
class Function:
    """A function: `handlers/<entry>.py` is its code, `environment` the record that it reads.

    `retired_variables` are read by the code of the release before alone, which may still run.
    """

    entry: str
    environment: type[Any]
    retired_variables: tuple[str, ...] = ()

    @property
    def variables(self) -> tuple[str, ...]:
        """The environment variables that the program has to set."""
        read = (each.name.upper() for each in fields(self.environment))
        return (*read, *self.retired_variables)

    def name_in(self, prefix: str) -> str:
        """The physical name in the stack whose physical names begin with this prefix."""
        return f"{prefix}-{self.entry.replace('_', '-')}"


AUTHORIZER = Function(
    "authorizer", AuthorizerEnvironment, retired_variables=("JWKS_URL", "TOKEN_AUDIENCE")
)
CONNECTION = Function("connection", ConnectionEnvironment)
DISCONNECT = Function("disconnect", DisconnectEnvironment)
HEARTBEAT = Function("heartbeat", HeartbeatEnvironment)
REMOVED_ACTION = Function("removed_action", RemovedActionEnvironment)
REFRESH = Function("refresh", RefreshEnvironment)
SESSION_STATUS = Function("session_status", SessionStatusEnvironment)
FAN_OUT = Function("fan_out", FanOutEnvironment)
RECONCILE = Function("reconcile", ReconcileEnvironment)
AUDIO_INGEST = Function("audio_ingest", AudioIngestEnvironment)
AUDIO_PROCESSOR = Function("audio_processor", AudioProcessorEnvironment)
TRANSLATION = Function("translation", TranslationEnvironment)
TRANSCRIPTS = Function("transcripts", TranscriptsEnvironment)

FUNCTIONS: Mapping[str, Function] = {
    function.entry: function
    for function in (
        AUDIO_INGEST,
        AUDIO_PROCESSOR,
        AUTHORIZER,
        CONNECTION,
        DISCONNECT,
        FAN_OUT,
        HEARTBEAT,
        RECONCILE,
        REFRESH,
        REMOVED_ACTION,
        SESSION_STATUS,
        TRANSCRIPTS,
        TRANSLATION,
    )
}
