"""One resource that the program declares, and its inputs as an AWS API request."""

import hashlib
import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pulumi import Archive, Asset

from client.account import Account
from local.deployer.archives import archive_bytes, asset_bytes
from program.inputs import capitalised


class DeployError(Exception):
    """The program declares something that the local cloud cannot create; the message says what."""


@dataclass(frozen=True)
class Created:
    """A created resource: its id, and the outputs that are not among its inputs."""

    id: str
    outputs: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Resource:
    """A resource with plain inputs: camelCase, secrets unwrapped, whole numbers as int.

    `default_tags` are the provider's; assets and archives stay as Pulumi's objects.
    """

    type: str
    name: str
    inputs: Mapping[str, Any]
    default_tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def tags(self) -> dict[str, str]:
        """The provider's default tags and the resource's own."""
        return {**self.default_tags, **self.inputs.get("tags", {})}

    @property
    def tag_list(self) -> list[dict[str, str]]:
        """The tags as `{"Key": …, "Value": …}`."""
        return [{"Key": key, "Value": value} for key, value in self.tags.items()]

    @property
    def physical_name(self) -> str:
        """The `name` input, or the logical name with a random suffix, as Pulumi does it."""
        return self.inputs.get("name") or f"{self.name}-{secrets.token_hex(4)[:7]}"

    @property
    def fingerprint(self) -> str:
        """A digest of all inputs, the contents of assets and archives included."""
        text = json.dumps([self.inputs, self.tags], sort_keys=True, default=_content_digest)
        return hashlib.sha256(text.encode()).hexdigest()

    def request(self, *, without: tuple[str, ...] = (), **renamed: str) -> dict[str, Any]:
        """Return the inputs as an AWS API request: every name capitalised, or as `renamed`.

        An input that the API does not know makes boto3 raise ParamValidationError. `without` names
        the inputs that the caller handles itself; it also handles tags, whose shape differs by
        service.
        """
        kept = {
            name: value
            for name, value in self.inputs.items()
            if name not in without and name not in ("tags", "region")
        }
        return capitalised(kept, renamed)


Creator = Callable[[Account, Resource], Created]


@dataclass(frozen=True)
class Kind:
    """How to create one type of resource and, if it can change in place, how to update it."""

    create: Creator
    update: Creator | None = None


def _content_digest(value: object) -> str:
    if isinstance(value, Archive):
        return hashlib.sha256(archive_bytes(value)).hexdigest()
    if isinstance(value, Asset):
        return hashlib.sha256(asset_bytes(value)).hexdigest()
    raise TypeError(f"an input of type {type(value).__name__} cannot be compared")
