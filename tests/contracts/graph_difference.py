"""What differs between two graphs of the program."""

from dataclasses import dataclass

from program.engine import Engine, Registered


@dataclass(frozen=True)
class Difference:
    """Names of resources; `changed` has those whose inputs or options differ, and the keys."""

    removed: set[str]
    added: set[str]
    changed: dict[str, set[str]]


def difference(before: Engine, after: Engine) -> Difference:
    """What to do so that the one graph becomes the other."""
    old, new = _by_urn(before), _by_urn(after)
    changed = {
        old[urn].name: keys
        for urn in old.keys() & new.keys()
        if (keys := _changed(old[urn], new[urn]))
    }
    return Difference(
        removed={old[urn].name for urn in old.keys() - new.keys()},
        added={new[urn].name for urn in new.keys() - old.keys()},
        changed=changed,
    )


def _by_urn(engine: Engine) -> dict[str, Registered]:
    return {each.urn: each for each in engine.registered}


def _changed(old: Registered, new: Registered) -> set[str]:
    # Archives of code are objects; those of two runs have the same paths.
    keys = old.inputs.keys() | new.inputs.keys()
    found = {key for key in keys if _shown(old.inputs.get(key)) != _shown(new.inputs.get(key))}
    options = ("parent", "provider", "protect", "retain_on_delete")
    return found | {key for key in options if getattr(old, key) != getattr(new, key)}


def _shown(value: object) -> object:
    return value if isinstance(value, str | int | float | bool | list | dict) else repr(type(value))
