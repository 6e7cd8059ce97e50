"""The resources that were added, removed or changed between two recordings of a stack."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from operations.plan.changes import Change, changes
from operations.plan.recording import Recording, Resource
from operations.plan.replacement import Effect, effect_of, effect_of_all


@dataclass(frozen=True)
class Changed:
    """A resource that both sides have, and its differences."""

    resource: Resource
    changes: tuple[Change, ...]

    @property
    def effect(self) -> Effect:
        """Whether the changes replace the resource."""
        return effect_of_all(self.resource.typ, self.changes)


@dataclass(frozen=True)
class Comparison:
    """One stack on both sides; if a side lacks the stack, its recording is empty."""

    old: Recording
    new: Recording

    @cached_property
    def added(self) -> list[Resource]:
        """The resources that only the new side has."""
        return _sorted(self.new, self.new.made.keys() - self._before.keys())

    @cached_property
    def removed(self) -> list[Resource]:
        """The resources that only the old side has."""
        removed = self._before.keys() - self.new.made.keys()
        return _sorted(self.old, {self._before[urn].urn for urn in removed})

    @cached_property
    def changed(self) -> list[Changed]:
        """The resources of both sides whose inputs or options differ."""
        both = _sorted(self.new, self.new.made.keys() & self._before.keys())
        found = (
            Changed(each, tuple(_resource_changes(self._before[each.urn], each))) for each in both
        )
        return [each for each in found if each.changes]

    @cached_property
    def _before(self) -> dict[str, Resource]:
        """The old side's resources, each by the URN that it has on the new side."""
        renamed = {
            former: each.urn
            for each in self.new.made.values()
            if each.urn not in self.old.made
            for former in each.former_urns
        }
        return {renamed.get(urn, urn): each for urn, each in self.old.made.items()}

    @property
    def outputs_added(self) -> list[str]:
        """Stack outputs that only the new side has; their values come from AWS."""
        return sorted(set(self.new.outputs) - set(self.old.outputs))

    @property
    def outputs_removed(self) -> list[str]:
        """Stack outputs that only the old side has."""
        return sorted(set(self.old.outputs) - set(self.new.outputs))

    @property
    def counts(self) -> dict[str, int]:
        """The number of added, removed, changed and unchanged resources."""
        counted = {
            "added": len(self.added),
            "removed": len(self.removed),
            "changed": len(self.changed),
        }
        return {**counted, "same": len(self.new.made) - counted["added"] - counted["changed"]}

    def as_json(self) -> dict[str, Any]:
        """As JSON, with complete values."""
        return {
            "stack": self.new.stack,
            "counts": self.counts,
            "added": [described(self.new, each) for each in self.added],
            "removed": [described(self.old, each) for each in self.removed],
            "changed": [
                {
                    **_identity(self.new, each.resource),
                    "effect": each.effect.name.lower(),
                    "changes": [
                        {
                            **change.as_json(),
                            "effect": effect_of(each.resource.typ, change).name.lower(),
                        }
                        for change in each.changes
                    ],
                }
                for each in self.changed
            ],
            "outputsAdded": self.outputs_added,
            "outputsRemoved": self.outputs_removed,
        }


def described(recording: Recording, resource: Resource) -> dict[str, Any]:
    """A resource as JSON, with the titles of the components that contain it."""
    return {
        **_identity(recording, resource),
        "inputs": resource.inputs,
        "options": resource.options,
    }


def in_order(recording: Recording) -> list[Resource]:
    """All resources except components, sorted by component and name."""
    return _sorted(recording, set(recording.made))


def _identity(recording: Recording, resource: Resource) -> dict[str, Any]:
    return {
        "urn": resource.urn,
        "components": list(recording.components_above(resource)),
        "type": resource.typ,
        "name": resource.name,
    }


def _sorted(recording: Recording, urns: set[str]) -> list[Resource]:
    found = (recording.made[urn] for urn in urns)
    return sorted(found, key=lambda each: (recording.components_above(each), each.place))


def _resource_changes(old: Resource, new: Resource) -> Iterator[Change]:
    yield from changes(old.inputs, new.inputs)
    yield from changes(old.options, new.options, "options")
