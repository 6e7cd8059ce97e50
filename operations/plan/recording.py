"""One run of the program as data: its resources, their inputs as plain JSON, and its outputs."""

import hashlib
import re
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import pulumi
from pulumi.runtime import rpc

# The key under which an archive's files are listed, as path to hash.
ARCHIVE = "$archive"
ASSET = "$asset"
SECRET = "[secret]"  # noqa: S105 - shown in place of a secret


class PlanError(Exception):
    """The plan cannot be made; the message names the side, the stack, the reason and the fix."""


@dataclass(frozen=True, kw_only=True)
class Resource:
    """A resource or component; `urn` and `parent` omit project and stack.

    `inputs` are plain JSON (see `json_value`); `options` are the Pulumi options that affect the
    resource. `parent` is empty directly under the stack. `former_urns` are those that it is known
    by, too, so that Pulumi renames it instead of making another.
    """

    urn: str
    parent: str
    typ: str
    name: str
    custom: bool
    inputs: dict[str, Any]
    options: dict[str, Any] = field(default_factory=dict)
    former_urns: tuple[str, ...] = ()

    @property
    def short_type(self) -> str:
        """`lambda.Function` for `aws:lambda/function:Function`; a component's class name."""
        package, _, kind = self.typ.partition(":")
        kind = self.typ.rpartition(":")[2]
        if package == "pulumi":
            return "Provider"
        if not self.custom:
            return kind
        return f"{self.typ.split(':')[1].partition('/')[0]}.{kind}"

    @property
    def title(self) -> str:
        """The short type and the name, separated by a space."""
        return f"{self.short_type} {self.name}"

    @property
    def place(self) -> tuple[tuple[int, str], ...]:
        """The sort key: by type, then by name, with numbers in names compared by value."""
        return natural(self.title)


@dataclass(frozen=True, kw_only=True)
class Recording:
    """One stack's resources, unordered, and the names of its outputs."""

    stack: str
    outputs: tuple[str, ...] = ()
    resources: tuple[Resource, ...] = ()

    @cached_property
    def by_urn(self) -> dict[str, Resource]:
        """All resources and components by URN."""
        return {each.urn: each for each in self.resources}

    @cached_property
    def made(self) -> dict[str, Resource]:
        """The resources in AWS and the provider, without components, by URN."""
        return {each.urn: each for each in self.resources if each.custom}

    def components_above(self, resource: Resource) -> tuple[str, ...]:
        """The titles of the components that contain the resource, outermost first."""
        parent = self.by_urn.get(resource.parent)
        return (*self.components_above(parent), parent.title) if parent else ()

    def component_paths(self) -> set[tuple[str, ...]]:
        """Every component as a tuple of titles, outermost first, ending with its own."""
        return {
            (*self.components_above(each), each.title) for each in self.resources if not each.custom
        }

    def as_json(self) -> dict[str, Any]:
        """As JSON, for the process that compares recordings."""
        return asdict(self)

    @staticmethod
    def from_json(content: dict[str, Any]) -> "Recording":
        """The inverse of `as_json`."""
        return Recording(
            stack=content["stack"],
            outputs=tuple(content["outputs"]),
            resources=tuple(Resource(**each) for each in content["resources"]),
        )


def natural(text: str) -> tuple[tuple[int, str], ...]:
    """A sort key that orders audio-9 before audio-10."""
    return tuple(
        (int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", text)
    )


def json_value(value: Any) -> Any:
    """The value as plain JSON: files as hashes, secrets hidden, whole floats as ints."""
    if isinstance(value, pulumi.Archive):
        return {ARCHIVE: archive_hashes(value)}
    if isinstance(value, pulumi.Asset):
        return {ASSET: _asset_hash(value)}
    if rpc.is_rpc_secret(value):
        return SECRET
    if isinstance(value, Mapping):
        return {str(key): json_value(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [json_value(each) for each in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if value is None or isinstance(value, str | bool | int | float):
        return value
    return str(value)


def archive_hashes(archive: pulumi.Archive) -> dict[str, str]:
    """The hash of each file in an archive, by its place, sorted."""
    return dict(sorted(_archive_files(archive)))


def _archive_files(archive: pulumi.Archive) -> Iterator[tuple[str, str]]:
    """Path and hash of each file, without bytecode, which depends on the builder's Python."""
    if isinstance(archive, pulumi.AssetArchive):
        for place, each in archive.assets.items():
            if isinstance(each, pulumi.Archive):
                yield from ((f"{place}/{inner}", seen) for inner, seen in _archive_files(each))
            else:
                yield place, _asset_hash(each)
    elif isinstance(archive, pulumi.FileArchive):
        for place, content in _files_below(Path(archive.path)):
            if not place.endswith(".pyc"):
                yield place, content_hash(content)
    else:
        yield str(getattr(archive, "uri", archive)), ""


def _files_below(path: Path) -> Iterator[tuple[str, bytes]]:
    if path.is_dir():
        for each in path.rglob("*"):
            if each.is_file():
                yield each.relative_to(path).as_posix(), each.read_bytes()
    elif zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            for place in archive.namelist():
                yield place, archive.read(place)
    else:
        yield path.name, path.read_bytes()


def _asset_hash(asset: pulumi.Asset) -> str:
    if isinstance(asset, pulumi.FileAsset):
        return content_hash(Path(asset.path).read_bytes())
    if isinstance(asset, pulumi.StringAsset):
        return content_hash(asset.text.encode())
    return str(getattr(asset, "uri", asset))


def content_hash(content: bytes) -> str:
    """The hash that stands for a file's content."""
    return hashlib.sha256(content).hexdigest()[:16]
