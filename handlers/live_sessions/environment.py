"""The one reader of os.environ: each function's environment as a frozen, typed record."""

import os
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from typing import TypeVar

OR_ELSE = "or else"
"""Metadata of a field whose variable may go by another name, too."""


class EnvironmentProblem(Exception):
    """The function's environment lacks variables or holds values of the wrong kind."""


@dataclass(frozen=True)
class AwsEnvironment:
    """What Lambda itself sets on every function; the local cloud sets its endpoint as well.

    https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
    """

    aws_region: str = field(metadata={OR_ELSE: "AWS_DEFAULT_REGION"})
    aws_access_key_id: str
    aws_secret_access_key: str = field(repr=False)
    aws_session_token: str | None = field(default=None, repr=False)
    aws_endpoint_url: str | None = None
    aws_endpoint_url_dynamodb: str | None = None
    aws_endpoint_url_transcribe_streaming: str | None = None

    @property
    def dynamodb_endpoint(self) -> str:
        return (
            self.aws_endpoint_url_dynamodb
            or self.aws_endpoint_url
            or f"https://dynamodb.{self.aws_region}.amazonaws.com"
        )

    @property
    def transcribe_streaming_endpoint(self) -> str:
        """https://docs.aws.amazon.com/general/latest/gr/transcribe.html"""
        return (
            self.aws_endpoint_url_transcribe_streaming
            or f"https://transcribestreaming.{self.aws_region}.amazonaws.com:8443"
        )


@dataclass(frozen=True)
class AuthorizerEnvironment:
    token_issuer: str
    token_audience: str
    jwks_url: str


@dataclass(frozen=True)
class ConnectionEnvironment:
    sessions_table: str
    connections_table: str
    api_gateway_endpoint: str
    fan_out_function: str
    session_checks_queue_url: str
    max_listeners_per_session: int
    session_max_duration_hours: int
    status_shards: int
    listener_count_change_threshold_percent: int
    rate_limits_table: str
    sessions_per_user_per_hour: int
    joins_per_address_per_minute: int
    connections_per_address_per_minute: int
    controls_per_connection_per_minute: int


@dataclass(frozen=True)
class DisconnectEnvironment:
    sessions_table: str
    connections_table: str
    api_gateway_endpoint: str
    listener_count_change_threshold_percent: int
    fan_out_function: str
    session_checks_queue_url: str
    speaker_grace_seconds: int


@dataclass(frozen=True)
class HeartbeatEnvironment:
    connections_table: str
    api_gateway_endpoint: str


@dataclass(frozen=True)
class RefreshEnvironment:
    sessions_table: str
    connections_table: str
    api_gateway_endpoint: str
    listener_count_change_threshold_percent: int


@dataclass(frozen=True)
class SessionStatusEnvironment:
    sessions_table: str
    connections_table: str
    api_gateway_endpoint: str
    status_query_timeout_ms: int
    periodic_update_interval_seconds: int
    status_shards: int
    status_shard_queue_url: str
    session_checks_queue_url: str
    speaker_grace_seconds: int
    rate_limits_table: str
    status_queries_per_speaker_per_minute: int


@dataclass(frozen=True)
class FanOutEnvironment:
    sessions_table: str
    connections_table: str
    api_gateway_endpoint: str
    listener_count_change_threshold_percent: int
    aws_lambda_function_name: str


@dataclass(frozen=True)
class AudioIngestEnvironment:
    sessions_table: str
    connections_table: str
    audio_slots_table: str
    api_gateway_endpoint: str
    audio_queue_url_prefix: str
    audio_slots: int
    audio_processor_function: str


@dataclass(frozen=True)
class AudioProcessorEnvironment:
    sessions_table: str
    audio_slots_table: str
    api_gateway_endpoint: str
    audio_queue_url_prefix: str
    translation_function: str
    audio_chunks_per_second: int
    partial_captions: str
    partial_results_stability: str


@dataclass(frozen=True)
class TranslationEnvironment:
    sessions_table: str
    connections_table: str
    api_gateway_endpoint: str
    listener_count_change_threshold_percent: int


@dataclass(frozen=True)
class ReconcileEnvironment:
    sessions_table: str
    connections_table: str
    fan_out_function: str
    status_shards: int
    speaker_grace_seconds: int


Record = TypeVar("Record")


def read(record: type[Record], variables: Mapping[str, str] | None = None) -> Record:
    """Fill `record` from the variables named like its fields, in capitals; a field with a default
    may be left out.

    Raises EnvironmentProblem naming every variable that is missing or not a whole number.
    """
    source = os.environ if variables is None else variables
    values: dict[str, str | int] = {}
    problems: list[str] = []
    for each in fields(record):  # pyright: ignore[reportArgumentType]
        name = each.name.upper()
        text = source.get(name) or source.get(each.metadata.get(OR_ELSE, ""), "")
        if not text:
            if each.default is MISSING:
                problems.append(f"{name} is not set")
        elif each.type is int:
            try:
                values[each.name] = int(text)
            except ValueError:
                problems.append(f"{name} is {text!r}, which is not a whole number")
        else:
            values[each.name] = text
    if problems:
        raise EnvironmentProblem(
            f"{record.__name__}: {'; '.join(problems)}. "
            "The Pulumi program or Lambda itself sets these variables on the function."
        )
    return record(**values)
