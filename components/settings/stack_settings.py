"""The settings of one stack: read from stack config, typed, and checked all at once.

This is the only reader of `pulumi.Config`. Pulumi.yaml holds each key's default and description;
here are its type and its rule.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import pulumi
from pulumi.runtime import config as runtime_config

from components.settings.audio_rules import AudioRules
from components.settings.checks import (
    Choice,
    NumberChoice,
    Reservations,
    Switch,
    Tags,
    Text,
    WholeNumber,
    Words,
)
from components.settings.config_fields import checks_by_key, filled, setting
from components.settings.config_problems import (
    Problem,
    SettingsError,
    conflicts,
    provider_keys,
    unknown_keys,
    way_to_set,
)
from components.settings.domain_rules import DomainRules
from components.settings.monitoring_rules import MonitoringRules
from components.settings.rate_limits import RateLimits
from components.settings.session_rules import SessionRules
from contract import functions
from contract.actions import ACTIONS

PROJECT = "live-sessions"
FUNCTIONS = tuple(functions.FUNCTIONS)
# All but $connect, $disconnect and $default, without which no API is published.
REMOVABLE_ROUTES = tuple(ACTIONS)
PROGRAM_TAGS = ("Project", "Stack", "ManagedBy")
# `live-sessions-<stack>-<function>` must fit into the 64 characters of a function's name, with room
# for functions to come: https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html
STACK_NAME = Text(
    r"[A-Za-z0-9_-]{1,32}",
    "1 to 32 letters, digits, - and _, since live-sessions-<stack>-<function> has to fit into 64",
)

_DOCS = "https://docs.aws.amazon.com"
_RETENTION_PAGE = f"{_DOCS}/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html"
_RETENTION_DAYS = (
    *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557),
    *(2922, 3288, 3653),
)
_WEBSOCKET_LIMITS = f"{_DOCS}/apigateway/latest/developerguide/limits.html"
_THROTTLING_PAGE = f"{_DOCS}/apigateway/latest/developerguide/websocket-api-protect.html"
# https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
_FUNCTION_ARN = Text(
    r"arn:aws[a-z-]*:lambda:[a-z0-9-]+:[0-9]{12}:function:[A-Za-z0-9_-]{1,64}"
    r"(:(\$LATEST|[A-Za-z0-9_-]{1,128}))?",
    "a function's ARN such as arn:aws:lambda:us-east-1:123456789012:function:captions",
    optional=True,
)
_TAGS_PAGE = f"{_DOCS}/tag-editor/latest/userguide/best-practices-and-strats.html"


@dataclass(frozen=True, kw_only=True)
class Settings:
    """One stack's settings. Durations and sizes carry their unit in their name."""

    stack: str
    region: str = setting(Text(r"[a-z]{2}(-[a-z]+)+-[0-9]", "an AWS Region such as us-east-1"))
    stage_name: str = setting(Text(r"[A-Za-z0-9_-]{1,128}", "1 to 128 letters, digits, - and _"))
    log_level: str = setting(Choice(("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")))
    log_retention_days: int = setting(NumberChoice(_RETENTION_DAYS, "days", _RETENTION_PAGE))
    lambda_runtime: str = setting(Choice(("python3.11", "python3.12", "python3.13", "python3.14")))
    lambda_architecture: str = setting(Choice(("arm64", "x86_64")))
    layer_platform: str = setting(Choice(("lambda", "host")))
    reserved_concurrency: Mapping[str, int] = setting(Reservations(FUNCTIONS, 10_000))
    # More than one rule's five targets can carry is ruled out by the shortest interval.
    status_interval_seconds: int = setting(WholeNumber(12, 3_600, "seconds"))
    periodic_status: bool = setting(Switch())
    # One tick sends them all to the shard queue within the function's 5 seconds.
    status_shards: int = setting(WholeNumber(1, 64, "shards"))
    # The status function itself stops after 5 seconds.
    status_query_timeout_milliseconds: int = setting(WholeNumber(50, 4_000, "milliseconds"))
    session_rules: SessionRules
    rate_limits: RateLimits
    audio_rules: AudioRules
    translation_function_arn: str = setting(_FUNCTION_ARN)
    point_in_time_recovery: bool = setting(Switch())
    deletion_protection: bool = setting(Switch())
    throttling_rate_limit: int = setting(
        WholeNumber(1, 10_000, "requests per second", _WEBSOCKET_LIMITS)
    )
    throttling_burst_limit: int = setting(WholeNumber(1, 5_000, "requests", _THROTTLING_PAGE))
    removed_routes: tuple[str, ...] = setting(Words(REMOVABLE_ROUTES))
    domain_rules: DomainRules
    monitoring_rules: MonitoringRules
    access_logs: bool = setting(Switch())
    manage_api_gateway_account: bool = setting(Switch())
    existing_user_pool_id: str = setting(
        Text(r"[\w-]+_[0-9A-Za-z]+", "a user pool id such as us-east-1_AbCdEfGhI", optional=True)
    )
    existing_user_pool_client_id: str = setting(
        Text(r"[\w+]{1,128}", "a user pool client's id", optional=True)
    )
    allow_password_authentication: bool = setting(Switch())
    cognito_endpoint: str = setting(
        Text(r"https?://[^\s/?#]+(/[^\s?#]*[^\s/?#])?", "an http(s) URL with no final /", True)
    )
    tags: Mapping[str, str] = setting(Tags(PROGRAM_TAGS, 50 - len(PROGRAM_TAGS), _TAGS_PAGE))

    @property
    def prefix(self) -> str:
        """The start of every physical name, so that two stacks live in one account."""
        return f"{PROJECT}-{self.stack}"

    @classmethod
    def load(cls) -> Self:
        """Reads the running stack's config; raises `SettingsError` with all that is wrong."""
        config = pulumi.Config(PROJECT)
        checks = checks_by_key(cls)
        problems = unknown_keys(PROJECT, all_config(), tuple(checks))
        values: dict[str, Any] = {"stack": pulumi.get_stack()}
        try:
            STACK_NAME.read(values["stack"])
        except ValueError as error:
            problems.append(Problem("stack name", values["stack"], str(error), "rename the stack"))
        for key, (name, check) in checks.items():
            raw = config.get(key)
            if raw is None:
                problems.append(Problem(key, None, "must be set", f"see {key} in Pulumi.yaml"))
                continue
            try:
                values[name] = check.read(raw)
            except ValueError as error:
                problems.append(Problem(key, raw, str(error), way_to_set(key)))
        problems += provider_keys(all_config(), values.get("region"))
        problems += conflicts(values)
        if problems:
            raise SettingsError(values["stack"], problems)
        return filled(cls, values)


def all_config() -> Mapping[str, Any]:
    """Every config value there is, whatever its namespace, by its full key."""
    return {**runtime_config.get_config_env(), **runtime_config.CONFIG.get()}
