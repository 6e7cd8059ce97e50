"""What all checks share: the deployment, what is declared for it, and helpers to compare them."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from contract.actions import RETIRED_ACTIONS
from operations.verify.declared import Declared
from operations.verify.deployment import Deployment, setting
from operations.verify.run_clients import RunClients
from operations.verify.verdicts import Verdict, right, wrong

FUNCTION = "aws:lambda/function:Function"
ROUTE = "aws:apigatewayv2/route:Route"


@dataclass(frozen=True)
class Context:
    """`run_clients` is None if no check needs a speaker; `say` prints progress.

    `expired_token` and `foreign_token` are ID tokens of the stack's issuer that must be refused.
    `chosen_versions` has each function that serves another version than its newest on purpose,
    after a rollback to `chosen_release`.
    """

    deployment: Deployment
    declared: Declared
    run_clients: RunClients | None
    say: Callable[[str], None]
    intervals: int = 2
    with_captions: bool = False
    expired_token: str | None = None
    foreign_token: str | None = None
    chosen_versions: Mapping[str, str] = field(default_factory=dict[str, str])
    chosen_release: str = ""

    @property
    def clients(self) -> RunClients:
        """The run's clients; raises RuntimeError in a check without `needs_speaker`."""
        if self.run_clients is None:
            raise RuntimeError(
                "this check needs a speaker: set needs_speaker in operations/verify/checks"
            )
        return self.run_clients

    @property
    def removed_actions(self) -> tuple[str, ...]:
        """The actions that are refused: those that config removes and those that are retired."""
        removed: list[str] = json.loads(setting(self.deployment.config, "removedRoutes"))
        return tuple(dict.fromkeys((*removed, *RETIRED_ACTIONS)))


Check = Callable[[Context], Iterable[Verdict]]
ABSENT = "does not exist"
Fault = Callable[[str, dict[str, Any]], str]
"""Returns the fault of the resource with this physical name and these inputs, or ""."""


def compare_each(
    context: Context, token: str, kind: str, fault_of: Fault, *, if_right: str
) -> Iterator[Verdict]:
    """Compare every resource of a type: one verdict per fault, and one for all others.

    `kind` is the resource's name in the subject, `if_right` the text about those without a fault.
    """
    as_declared = 0
    for name, inputs in context.declared.named(token).items():
        if fault := fault_of(name, inputs):
            yield wrong(f"{kind} {name}", fault, context.deployment.repair)
        else:
            as_declared += 1
    if as_declared:
        yield right(f"{kind}s", f"{as_declared} {if_right}")


def list_all(context: Context, operation: str, **parameters: Any) -> list[dict[str, Any]]:
    """All items of an API Gateway operation, such as `get_routes`, for the deployment's API."""
    pages = (
        context.deployment.client("apigatewayv2")
        .get_paginator(operation)
        .paginate(ApiId=context.deployment.identity.api_id, **parameters)
    )
    return [item for page in pages for item in page["Items"]]
