"""Scenes without a deployment behind them."""

from collections.abc import Callable
from typing import Any

from operations.verify.declared import Declared, DeclaredResource, Identity
from operations.verify.deployment import Deployment
from operations.verify.scene import Scene

IDENTITY = Identity("998877665544", "eu-central-1", "aws", "zyxwv98765")


def declared(token: str, name: str, /, **inputs: Any) -> DeclaredResource:
    return DeclaredResource(token, name, inputs)


def scene_of(
    *resources: DeclaredResource,
    client: Callable[[str], Any] = lambda service: None,
    guests: Any = None,
    **outputs: Any,
) -> Scene:
    deployment = Deployment(
        stack="staging", outputs=outputs, config={}, identity=IDENTITY, client=client
    )
    return Scene(
        deployment=deployment,
        declared=Declared(resources),
        guests=guests,
        say=lambda text: None,
    )
