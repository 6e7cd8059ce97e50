"""The one reader of os.environ: each function's environment as a frozen, typed record."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import TypeVar


class EnvironmentProblem(Exception):
    """The function's environment lacks variables or holds values of the wrong kind."""


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


@dataclass(frozen=True)
class DisconnectEnvironment:
    sessions_table: str
    connections_table: str
    fan_out_function: str
    session_checks_queue_url: str
    speaker_grace_seconds: int


@dataclass(frozen=True)
class HeartbeatEnvironment:
    connections_table: str


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


@dataclass(frozen=True)
class FanOutEnvironment:
    sessions_table: str
    connections_table: str
    api_gateway_endpoint: str
    aws_lambda_function_name: str


@dataclass(frozen=True)
class ReconcileEnvironment:
    sessions_table: str
    connections_table: str
    fan_out_function: str
    status_shards: int
    speaker_grace_seconds: int


Record = TypeVar("Record")


def read(record: type[Record], variables: Mapping[str, str] | None = None) -> Record:
    """Fill `record` from the variables named like its fields, in capitals.

    Raises EnvironmentProblem naming every variable that is missing or not a whole number.
    """
    source = os.environ if variables is None else variables
    values: dict[str, str | int] = {}
    problems: list[str] = []
    for field in fields(record):  # pyright: ignore[reportArgumentType]
        name = field.name.upper()
        text = source.get(name, "")
        if not text:
            problems.append(f"{name} is not set")
        elif field.type is int:
            try:
                values[field.name] = int(text)
            except ValueError:
                problems.append(f"{name} is {text!r}, which is not a whole number")
        else:
            values[field.name] = text
    if problems:
        raise EnvironmentProblem(
            f"{record.__name__}: {'; '.join(problems)}. "
            "The Pulumi program sets these variables on the function."
        )
    return record(**values)
