"""What one run of the program declared, as data."""

import re
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any


class PlanError(Exception):
    """There is no plan; the message says of which side and stack, why, and the way out."""


@dataclass(frozen=True, kw_only=True)
class Resource:
    """A resource or component; `urn` and `parent` are without project and stack.

    `inputs` are plain JSON (`contents.plain`), `options` those of Pulumi that change what happens
    to the resource. `parent` is empty under the stack itself.
    """

    urn: str
    parent: str
    typ: str
    name: str
    custom: bool
    inputs: dict[str, Any]
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def short_type(self) -> str:
        """`aws:lambda/function:Function` is lambda.Function, a component's type its class."""
        package, _, kind = self.typ.partition(":")
        kind = self.typ.rpartition(":")[2]
        if package == "pulumi":
            return "Provider"
        if not self.custom:
            return kind
        return f"{self.typ.split(':')[1].partition('/')[0]}.{kind}"

    @property
    def title(self) -> str:
        """The short type and the name."""
        return f"{self.short_type} {self.name}"

    @property
    def place(self) -> tuple[tuple[int, str], ...]:
        """Sorts by type, then by name, numbers in names by their value."""
        return natural(self.title)


@dataclass(frozen=True, kw_only=True)
class Recording:
    """One stack's resources, in no order that means anything, and the names of its outputs."""

    stack: str
    outputs: tuple[str, ...] = ()
    resources: tuple[Resource, ...] = ()

    @cached_property
    def by_urn(self) -> dict[str, Resource]:
        """Components too."""
        return {each.urn: each for each in self.resources}

    @cached_property
    def made(self) -> dict[str, Resource]:
        """What exists in AWS, and the provider: everything but components."""
        return {each.urn: each for each in self.resources if each.custom}

    def components_above(self, resource: Resource) -> tuple[str, ...]:
        """The titles of the components it is in, outermost first."""
        parent = self.by_urn.get(resource.parent)
        return (*self.components_above(parent), parent.title) if parent else ()

    def component_paths(self) -> set[tuple[str, ...]]:
        """Every component as its own title after those above."""
        return {
            (*self.components_above(each), each.title) for each in self.resources if not each.custom
        }

    def as_json(self) -> dict[str, Any]:
        """The form in which a recorder hands it on."""
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
    """A sort key under which audio-9 comes before audio-10."""
    return tuple(
        (int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", text)
    )
