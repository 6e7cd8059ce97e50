"""Contexts for checks without a real deployment."""

import json
from collections.abc import Callable, Iterator, Mapping
from types import SimpleNamespace
from typing import Any

from operations.verify.context import Context
from operations.verify.declared import Declared, DeclaredResource, Identity
from operations.verify.deployment import Deployment

IDENTITY = Identity("998877665544", "eu-central-1", "aws", "zyxwv98765")


class Missing(Exception):
    """Stands for every service's not-found exception."""


class _MissingByAnyName:
    def __getattr__(self, name: str) -> type[Missing]:
        return Missing


class Service:
    """A boto3 client whose operations return a given mapping, or the result of a given function."""

    exceptions = _MissingByAnyName()

    def __init__(self, **answers: Any) -> None:
        self._answers = answers

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        answer = self._answers[operation]
        return answer if callable(answer) else lambda **asked: answer

    def get_paginator(self, operation: str) -> Any:
        def paginate(**asked: Any) -> Iterator[Mapping[str, Any]]:
            yield getattr(self, operation)(**asked)

        return SimpleNamespace(paginate=paginate)


def missing(**asked: Any) -> Mapping[str, Any]:
    raise Missing


def declared(token: str, name: str, /, **inputs: Any) -> DeclaredResource:
    return DeclaredResource(token, name, inputs)


def removing(*actions: str) -> dict[str, str]:
    """The config of a stack that removes these actions."""
    return {"live-sessions:removedRoutes": json.dumps(actions)}


def context_of(
    *resources: DeclaredResource,
    client: Callable[[str], Any] = lambda service: None,
    run_clients: Any = None,
    config: Mapping[str, str] | None = None,
    **outputs: Any,
) -> Context:
    deployment = Deployment(
        stack="staging", outputs=outputs, config=config or {}, identity=IDENTITY, client=client
    )
    return Context(
        deployment=deployment,
        declared=Declared(resources),
        run_clients=run_clients,
        say=lambda text: None,
    )
