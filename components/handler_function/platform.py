"""What all functions of a stack have in common, and the settings that they read."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi

from components.grants import Grant
from components.handler_function.invocation import invoke_statement
from components.roles import RoleRules
from components.settings import Settings
from contract.functions import LIVE, Function


@dataclass(frozen=True, kw_only=True)
class FunctionPlatform:
    """`layer_arn` is the layer that every function has. `reserved_concurrency` is by entry module.

    `settings` has the values from stack config that functions may read, by environment variable.
    """

    stack: str
    prefix: str
    runtime: str
    architecture: str
    snap_start: bool
    log_level: str
    log_retention_days: int
    tracing: bool
    layer_arn: pulumi.Input[str]
    region: str
    partition: pulumi.Input[str]
    account_id: pulumi.Input[str]
    role_rules: RoleRules
    reserved_concurrency: Mapping[str, int]
    settings: Mapping[str, str]

    @property
    def metrics_namespace(self) -> str:
        """The CloudWatch namespace of the functions' own metrics; each stack has its own."""
        return f"LiveSessions/{self.stack}"

    def function_name(self, function: Function) -> str:
        """The physical name of a function."""
        return function.name_in(self.prefix)

    def invoking(self, function: Function, sid: str, variable: str) -> Grant:
        """Invoking a function that does not exist yet, by its name alone: it invokes itself."""
        name = self.function_name(function)
        arn = pulumi.Output.format(
            "arn:{0}:lambda:{1}:{2}:function:{3}",
            self.partition,
            self.region,
            self.account_id,
            name,
        )
        return Grant(
            statements=(invoke_statement(sid, arn),), variables={variable: f"{name}:{LIVE}"}
        )


def function_platform(
    settings: Settings,
    *,
    layer_arn: pulumi.Input[str],
    partition: pulumi.Input[str],
    account_id: pulumi.Input[str],
    role_rules: RoleRules,
) -> FunctionPlatform:
    """The platform of the stack that has these settings."""
    return FunctionPlatform(
        stack=settings.stack,
        prefix=settings.prefix,
        runtime=settings.lambda_runtime,
        architecture=settings.lambda_architecture,
        snap_start=settings.snap_start,
        log_level=settings.log_level,
        log_retention_days=settings.log_retention_days,
        tracing=settings.monitoring_rules.tracing,
        layer_arn=layer_arn,
        region=settings.region,
        partition=partition,
        account_id=account_id,
        role_rules=role_rules,
        reserved_concurrency=settings.reserved_concurrency,
        settings=setting_variables(settings),
    )


def setting_variables(settings: Settings) -> dict[str, str]:
    """Each setting that functions may read, by its variable; a function gets those it reads."""
    values: dict[str, object] = {
        "STATUS_SHARDS": settings.status_shards,
        "STATUS_QUERY_TIMEOUT_MS": settings.status_query_timeout_milliseconds,
        "PERIODIC_UPDATE_INTERVAL_SECONDS": settings.status_interval_seconds,
    }
    for rules in (
        settings.session_rules,
        settings.rate_limits,
        settings.audio_rules,
        settings.caption_rules,
    ):
        values |= {name.upper(): value for name, value in rules}
    return {
        name: str(value).lower() if isinstance(value, bool) else str(value)
        for name, value in values.items()
    }
