"""What the program declares for a stack, with the ids of its deployment.

The program runs on the recording engine, which uses the deployment's account, Region, partition and
API id, so that the ARNs that the program builds from them are the real ones.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi

from program.computed import ACCOUNT, REGION
from program.engine import Engine, RecordingMonitor
from program.inputs import plain
from program.run import run_program
from program.stack_config import host_settings, project

API = "aws:apigatewayv2/api:Api"
MADE_UP_API_ID = "abc123"


@dataclass(frozen=True)
class Identity:
    """The ids of a deployment, which the program does not know."""

    account_id: str
    region: str
    partition: str
    api_id: str

    def applied_to(self, value: Any) -> Any:
        """The value with the engine's made-up ids replaced by this deployment's, recursively."""
        if isinstance(value, str):
            for made_up, real in (
                (ACCOUNT, self.account_id),
                (REGION, self.region),
                (MADE_UP_API_ID, self.api_id),
                ("arn:aws:", f"arn:{self.partition}:"),
            ):
                value = value.replace(made_up, real)
            return value
        if isinstance(value, Mapping):
            return {key: self.applied_to(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self.applied_to(item) for item in value]
        return value


class IdentifiedEngine(Engine):
    """A recording engine that computes outputs with the ids of one deployment."""

    def __init__(self, identity: Identity) -> None:
        super().__init__()
        self._identity = identity

    def new_resource(
        self, args: pulumi.runtime.MockResourceArgs
    ) -> tuple[str | None, dict[str, Any]]:
        resource_id, outputs = super().new_resource(args)
        computed = {
            name: value if name in args.inputs else self._identity.applied_to(value)
            for name, value in outputs.items()
        }
        return self._identity.api_id if args.typ == API else resource_id, computed

    def call(
        self, args: pulumi.runtime.MockCallArgs
    ) -> tuple[dict[str, Any], list[tuple[str, str]]]:
        answer, failures = super().call(args)
        return self._identity.applied_to(answer), failures


@dataclass(frozen=True)
class DeclaredResource:
    """`token` is the type, such as `aws:sqs/queue:Queue`; `name` is the logical name."""

    token: str
    name: str
    inputs: Mapping[str, Any]


@dataclass(frozen=True)
class Declared:
    """The resources that the program declares for the stack."""

    resources: tuple[DeclaredResource, ...]

    def of(self, token: str) -> dict[str, dict[str, Any]]:
        """The inputs of each resource of a type, by logical name."""
        return {each.name: dict(each.inputs) for each in self.resources if each.token == token}

    def has_made_up_id(self, text: str) -> bool:
        """Whether a value contains an id of the engine, `<name>-id`, which no deployment has."""
        return any(f"{each.name}-id" in text for each in self.resources)

    def named(self, token: str) -> dict[str, dict[str, Any]]:
        """As `of`, but by physical name, without resources whose name Pulumi generates."""
        return {each["name"]: each for each in self.of(token).values() if each.get("name")}

    def statements(self, role: str) -> dict[str, dict[str, Any]]:
        """The statements of a role's inline policies, by Sid."""
        policies = [
            each
            for each in self.of("aws:iam/rolePolicy:RolePolicy").values()
            if each["role"] == role
        ]
        return {
            statement["Sid"]: statement
            for policy in policies
            for statement in json.loads(policy["policy"])["Statement"]
        }


def declared_by(stack: str, config: Mapping[str, str], identity: Identity) -> Declared:
    """Run the program for the stack; raises what the program raises, such as SettingsError."""
    engine = IdentifiedEngine(identity)
    prefix = project()["name"]
    # Layers are not compared, so this machine's are used: others would have to be built first.
    run_program(
        engine,
        stack=stack,
        config={**config, **{f"{prefix}:{key}": value for key, value in host_settings().items()}},
        monitor=RecordingMonitor(engine),
    )
    return Declared(
        tuple(
            DeclaredResource(each.typ, each.name, plain(each.inputs)) for each in engine.registered
        )
    )
