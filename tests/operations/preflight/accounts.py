"""An emulated account (moto), and what staging declares for it."""

import dataclasses
from collections.abc import Callable, Collection, Mapping
from functools import cache
from typing import Any

import boto3
from botocore.exceptions import ClientError

from operations.preflight.ownership import PROVIDER
from operations.verify.context import FUNCTION, Check, Context
from operations.verify.declared import (
    MADE_UP_API_ID,
    Declared,
    DeclaredResource,
    Identity,
    declared_by,
)
from operations.verify.deployment import Deployment
from operations.verify.verdicts import Result, Verdict
from program.stack_config import stack_config
from tests.operations.verify.contexts import Missing

REGION = "eu-central-1"
ACCOUNT_ID = "123456789012"
CONFIG = stack_config("staging")
IDENTITY = Identity(ACCOUNT_ID, REGION, "aws", MADE_UP_API_ID)
OWN = {"Project": "live-sessions", "Stack": "staging"}
FOREIGN = {"Project": "live-sessions", "Stack": "production"}


@cache
def staging() -> Declared:
    """What the program declares for staging."""
    return declared_by("staging", CONFIG, IDENTITY)


@cache
def emulated(service: str) -> Any:
    """moto's client, created once."""
    return boto3.client(service, region_name=REGION)  # pyright: ignore


def account(
    clients: Mapping[str, Any] | None = None,
    *resources: DeclaredResource,
    tokens: Collection[str] | None = None,
    reservations: Mapping[str, int] | None = None,
) -> Context:
    """The context of a run for staging, with more resources; `clients` replace moto's, by service.

    With `tokens` it declares staging's resources of these types only. `reservations` are by entry.
    """
    given = clients or {}
    kept = [
        _reserving(each, reservations or {})
        for each in staging().resources
        if tokens is None or each.token in {PROVIDER, *tokens}
    ]
    return Context(
        deployment=Deployment(
            stack="staging",
            outputs={},
            config=CONFIG,
            identity=IDENTITY,
            client=lambda service: given.get(service) or emulated(service),
        ),
        declared=Declared((*kept, *resources)),
        run_clients=None,
        say=lambda text: None,
    )


def _reserving(resource: DeclaredResource, reservations: Mapping[str, int]) -> DeclaredResource:
    entry = str(resource.inputs.get("handler", "")).removesuffix(".handler")
    if resource.token != FUNCTION or entry not in reservations:
        return resource
    reserved = {"reservedConcurrentExecutions": reservations[entry]}
    return dataclasses.replace(resource, inputs={**resource.inputs, **reserved})


class Changed:
    """A client of moto with other answers to some operations."""

    def __init__(self, service: str, **answers: Any) -> None:
        self._client, self._answers = emulated(service), answers

    def __getattr__(self, operation: str) -> Any:
        if operation not in self._answers:
            return getattr(self._client, operation)
        answer = self._answers[operation]
        return answer if callable(answer) else lambda **asked: answer


class Quotas:
    """Service Quotas: values by code that were changed, and AWS's defaults."""

    class exceptions:
        NoSuchResourceException = Missing

    def __init__(self, changed: Mapping[str, float], default: float = 1_000) -> None:
        self._changed, self._default = changed, default

    def get_service_quota(self, *, ServiceCode: str, QuotaCode: str) -> dict[str, Any]:
        if QuotaCode not in self._changed:
            raise Missing
        return {"Quota": {"Value": self._changed[QuotaCode]}}

    def get_aws_default_service_quota(self, **asked: str) -> dict[str, Any]:
        return {"Quota": {"Value": self._default}}


def denied(operation: str, action: str) -> Callable[..., Any]:
    """A client's operation that IAM denies, with AWS's message."""

    def refuse(**asked: Any) -> Any:
        caller = f"User: arn:aws:iam::{ACCOUNT_ID}:user/ada"
        message = f"{caller} is not authorized to perform: {action} on resource: *"
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": message}}, operation)

    return refuse


def results(check: Check, context: Context) -> dict[str, Verdict]:
    """The verdicts by subject; whatever is not right has a way out."""
    verdicts = list(check(context))
    assert all(each.way_out for each in verdicts if each.result is not Result.RIGHT)
    found = {each.subject: each for each in verdicts}
    assert len(found) == len(verdicts), "a subject is reported once"
    return found


def wrong(check: Check, context: Context) -> dict[str, str]:
    """What was seen, by subject, where it is WRONG."""
    return {
        subject: verdict.seen
        for subject, verdict in results(check, context).items()
        if verdict.result is Result.WRONG
    }
