"""Pulumi mocks that create each resource on the emulator and return its real outputs."""

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from pulumi.runtime import MockCallArgs, MockResourceArgs, Mocks

from client.account import Account
from local.deployer import (
    apigateway,
    cloudfront,
    cloudwatch,
    cognito,
    dynamodb,
    iam,
    kms,
    lambda_functions,
    s3,
    sns,
    sqs,
)
from local.deployer.resource import Created, DeployError, Kind, Resource
from program.inputs import plain

KINDS: Mapping[str, Kind] = {
    **apigateway.KINDS,
    **cloudfront.KINDS,
    **cloudwatch.KINDS,
    **cognito.KINDS,
    **dynamodb.KINDS,
    **iam.KINDS,
    **kms.KINDS,
    **lambda_functions.KINDS,
    **s3.KINDS,
    **sns.KINDS,
    **sqs.KINDS,
}

DATA_SOURCES: Mapping[str, Callable[[Account], dict[str, Any]]] = {
    "aws:index/getCallerIdentity:getCallerIdentity": lambda account: {
        "id": account.account_id,
        "accountId": account.account_id,
        "arn": f"arn:aws:iam::{account.account_id}:root",
        "userId": account.account_id,
    },
    "aws:index/getRegion:getRegion": lambda account: {
        "id": account.region,
        "name": account.region,
        "region": account.region,
        "description": "the local cloud",
        "endpoint": f"ec2.{account.region}.amazonaws.com",
    },
    "aws:index/getPartition:getPartition": lambda account: {
        "id": "aws",
        "partition": "aws",
        "dnsSuffix": "amazonaws.com",
        "reverseDnsPrefix": "com.amazonaws",
    },
}


@dataclass
class Ledger:
    """The resources on the emulator by type and name: the local cloud's state file."""

    resources: dict[tuple[str, str], tuple[str, Created]] = field(default_factory=dict)


class Deployer(Mocks):
    """One run of the program against the emulator.

    A resource that is in the ledger with the same inputs is left as it is; one whose inputs
    changed is updated in place if its kind can be. `changed` lists the created and updated
    resources in order; `error` is the first failure, which Pulumi's own error may hide.
    """

    def __init__(self, account: Account, ledger: Ledger) -> None:
        self.changed: list[Resource] = []
        self.error: DeployError | None = None
        self._account = account
        self._ledger = ledger
        self._lock = threading.Lock()
        self._default_tags: dict[str, dict[str, str]] = {}
        self._seen: set[tuple[str, str]] = set()

    def new_resource(self, args: MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        """Create, update or keep a resource; return its id and outputs. Raises DeployError."""
        if args.typ.startswith("pulumi:providers:"):
            self._default_tags[args.name] = _default_tags(plain(args.inputs))
            return args.name, args.inputs
        if args.custom is False:
            return "", args.inputs
        try:
            created = self._deploy(args)
        except DeployError as error:
            with self._lock:
                self.error = self.error or error
            raise
        return created.id, {**args.inputs, **created.outputs}

    def call(self, args: MockCallArgs) -> tuple[dict[str, Any], list[tuple[str, str]] | None]:
        """Answer a data source; raises DeployError for an unknown one."""
        source = DATA_SOURCES.get(args.token)
        if source is None:
            error = DeployError(
                f"the program calls {args.token}, which the local cloud does not support: "
                "add it to DATA_SOURCES in local/deployer/deployer.py"
            )
            self.error = self.error or error
            raise error
        return source(self._account), []

    def _deploy(self, args: MockResourceArgs) -> Created:
        kind = KINDS.get(args.typ)
        if kind is None:
            raise DeployError(
                f"the local cloud does not know the resource type {args.typ} "
                f"(resource {args.name!r}): add a Kind for it to the KINDS of its service's "
                "module in local/deployer/"
            )
        if args.resource_id:
            raise DeployError(
                f"{args.typ} {args.name!r} adopts the existing {args.resource_id!r}; "
                "the local cloud has only what the program itself creates"
            )
        resource = Resource(
            type=args.typ,
            name=args.name,
            inputs=plain(args.inputs),
            default_tags=self._tags_of_provider(args.provider),
        )
        key = (resource.type, resource.name)
        with self._lock:
            if key in self._seen:
                raise DeployError(f"the program declares {args.typ} {args.name!r} twice")
            self._seen.add(key)
        fingerprint = resource.fingerprint
        existing = self._ledger.resources.get(key)
        if existing and existing[0] == fingerprint:
            return existing[1]
        created = self._make(kind, resource, existing is not None)
        self._ledger.resources[key] = (fingerprint, created)
        with self._lock:
            self.changed.append(resource)
        return created

    def _make(self, kind: Kind, resource: Resource, exists: bool) -> Created:
        creator = kind.update if exists else kind.create
        if creator is None:
            raise DeployError(
                f"{resource.type} {resource.name!r} changed and cannot be updated in place: "
                "start the local cloud again"
            )
        try:
            return creator(self._account, resource)
        except (BotoCoreError, ClientError, KeyError, ValueError) as error:
            raise DeployError(
                f"{resource.type} {resource.name!r} was not created: "
                f"{type(error).__name__}: {error}"
            ) from error

    def _tags_of_provider(self, reference: str | None) -> dict[str, str]:
        """`reference` is `urn:pulumi:…::name::id`; the default provider has none."""
        return self._default_tags.get((reference or "").rpartition("::")[2], {})


def _default_tags(provider_inputs: Mapping[str, Any]) -> dict[str, str]:
    """A provider's structured inputs arrive as JSON text."""
    value = provider_inputs.get("defaultTags") or {}
    block = json.loads(value) if isinstance(value, str) else value
    return dict(block.get("tags", {}))
