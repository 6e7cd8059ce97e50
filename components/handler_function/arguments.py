"""The arguments of one function, checked before any resource is made.

What Lambda would reject is rejected here, and so is an environment that is not exactly what the
function reads.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi

from components.grants import Grant, Variables, environment_of
from components.handler_function.platform import FunctionPlatform
from components.layers import HANDLERS
from components.policies import Statement
from contract.functions import Function

# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
MAXIMUM_TIMEOUT_SECONDS = 900
MEMORY_MEGABYTES = range(128, 10_241)
# https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html
MAXIMUM_NAME_LENGTH = 64
# https://docs.aws.amazon.com/lambda/latest/api/API_PutFunctionEventInvokeConfig.html
EVENT_AGE_SECONDS = range(60, 21_601)
MAXIMUM_RETRIES = 2


@dataclass(frozen=True, kw_only=True)
class AsynchronousInvocation:
    """How often and how long Lambda retries an asynchronous event, and where failed ones are kept.

    Lambda sends them to that queue with the function's role.
    """

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

    @property
    def statement(self) -> Statement:
        """The permission to keep failed events."""
        return Statement(
            sid="SendFailures",
            actions=("sqs:SendMessage",),
            resources=(self.on_failure_queue_arn,),
        )


@dataclass(frozen=True, kw_only=True)
class HandlerFunctionArgs:
    """One function of the contract, and the grants that its permissions and environment come from.

    `extra_layer_arns` are added to the layer that every function has.
    """

    platform: FunctionPlatform
    function: Function
    memory_megabytes: int
    timeout_seconds: int
    grants: Sequence[Grant] = ()
    extra_layer_arns: Sequence[pulumi.Input[str]] = ()
    asynchronous: AsynchronousInvocation | None = None

    def __post_init__(self) -> None:
        entry = self.function.entry
        name = self.platform.function_name(self.function)
        if len(name) > MAXIMUM_NAME_LENGTH:
            raise ValueError(
                f"Function name {name!r} must have at most {MAXIMUM_NAME_LENGTH} characters:"
                " shorten the stack's name."
            )
        if not 1 <= self.timeout_seconds <= MAXIMUM_TIMEOUT_SECONDS:
            raise ValueError(
                f"Function {entry} has {self.timeout_seconds} s: a timeout must be from 1 to"
                f" {MAXIMUM_TIMEOUT_SECONDS} s."
            )
        if self.memory_megabytes not in MEMORY_MEGABYTES:
            raise ValueError(
                f"Function {entry} has {self.memory_megabytes} MB: memory must be from"
                f" {MEMORY_MEGABYTES.start} to {MEMORY_MEGABYTES.stop - 1} MB."
            )
        if not (HANDLERS / f"{entry}.py").is_file():
            raise ValueError(f"Function {entry} has no code: handlers/{entry}.py must exist.")
        environment_of(self.function, self.grants, self.platform.settings)

    @property
    def environment(self) -> Variables:
        """The variables that this function reads, with their values."""
        return environment_of(self.function, self.grants, self.platform.settings)

    @property
    def statements(self) -> tuple[Statement, ...]:
        """The permissions of its grants, and of its asynchronous invocation."""
        granted = tuple(each for grant in self.grants for each in grant.statements)
        return granted if self.asynchronous is None else (*granted, self.asynchronous.statement)
