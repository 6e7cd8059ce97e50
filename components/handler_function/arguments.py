"""What a function is told: the platform all functions share, and the arguments of each one.

The limits are Lambda's own, checked before any resource is made.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pulumi

from components.layers import HANDLERS
from components.policies import Statement

# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
MAXIMUM_TIMEOUT_SECONDS = 900
MEMORY_MEGABYTES = range(128, 10_241)
# https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html
MAXIMUM_NAME_LENGTH = 64
# https://docs.aws.amazon.com/lambda/latest/api/API_PutFunctionEventInvokeConfig.html
EVENT_AGE_SECONDS = range(60, 21_601)
MAXIMUM_RETRIES = 2


@dataclass(frozen=True, kw_only=True)
class FunctionPlatform:
    """What all functions of a stack have in common."""

    stack: str
    prefix: str
    runtime: str
    architecture: str
    log_level: str
    log_retention_days: int
    tracing: bool
    layer_arn: pulumi.Input[str]
    region: str
    partition: pulumi.Input[str]
    account_id: pulumi.Input[str]
    reserved_concurrency: Mapping[str, int]

    @property
    def metrics_namespace(self) -> str:
        """Where the functions' own metrics are, apart from those of the account's other stacks."""
        return f"LiveSessions/{self.stack}"

    def function_name(self, entry: str) -> str:
        """The physical name of an entry module's function."""
        return f"{self.prefix}-{entry.replace('_', '-')}"

    def function_arn(self, entry: str) -> pulumi.Output[str]:
        """A function's ARN from its name alone, for a role that must exist before it."""
        return pulumi.Output.format(
            "arn:{0}:lambda:{1}:{2}:function:{3}",
            self.partition,
            self.region,
            self.account_id,
            self.function_name(entry),
        )


@dataclass(frozen=True, kw_only=True)
class AsynchronousInvocation:
    """What becomes of an event that the function was given without waiting for the result."""

    on_failure_queue_arn: pulumi.Input[str]
    maximum_retries: int
    maximum_event_age_seconds: int

    def __post_init__(self) -> None:
        if not 0 <= self.maximum_retries <= MAXIMUM_RETRIES:
            raise ValueError(
                f"{self.maximum_retries} retries: Lambda makes from 0 to {MAXIMUM_RETRIES}."
            )
        if self.maximum_event_age_seconds not in EVENT_AGE_SECONDS:
            raise ValueError(
                f"Event age {self.maximum_event_age_seconds} s: it must be from"
                f" {EVENT_AGE_SECONDS.start} to {EVENT_AGE_SECONDS.stop - 1} s."
            )


@dataclass(frozen=True, kw_only=True)
class HandlerFunctionArgs:
    """`entry` names the module `handlers/<entry>.py`, whose `handler` is called."""

    platform: FunctionPlatform
    entry: str
    memory_megabytes: int
    timeout_seconds: int
    statements: tuple[Statement, ...] = ()
    environment: Mapping[str, pulumi.Input[str]] = field(
        default_factory=dict[str, pulumi.Input[str]]
    )
    extra_layer_arns: tuple[pulumi.Input[str], ...] = ()
    asynchronous: AsynchronousInvocation | None = None

    def __post_init__(self) -> None:
        name = self.platform.function_name(self.entry)
        if len(name) > MAXIMUM_NAME_LENGTH:
            raise ValueError(
                f"Function name {name!r} must have at most {MAXIMUM_NAME_LENGTH} characters:"
                " shorten the stack's name."
            )
        if not 1 <= self.timeout_seconds <= MAXIMUM_TIMEOUT_SECONDS:
            raise ValueError(
                f"Function {self.entry} has {self.timeout_seconds} s: a timeout must be from 1 to"
                f" {MAXIMUM_TIMEOUT_SECONDS} s."
            )
        if self.memory_megabytes not in MEMORY_MEGABYTES:
            raise ValueError(
                f"Function {self.entry} has {self.memory_megabytes} MB: memory must be from"
                f" {MEMORY_MEGABYTES.start} to {MEMORY_MEGABYTES.stop - 1} MB."
            )
        if not (HANDLERS / f"{self.entry}.py").is_file():
            raise ValueError(
                f"Function {self.entry} has no code: handlers/{self.entry}.py must exist."
            )
