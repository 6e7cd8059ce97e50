"""Every policy document in a graph, found by its form, whatever resource it belongs to."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from program.engine import Engine, Registered


@dataclass(frozen=True)
class Carried:
    """One statement, and the resource whose policy it is in."""

    carrier: Registered
    statement: dict[str, Any]

    @property
    def place(self) -> str:
        return f"{self.carrier.name}: {self.statement.get('Sid', self.statement)}"

    @property
    def actions(self) -> list[str]:
        return self.statement["Action"]

    @property
    def resources(self) -> list[str]:
        """None in a role's trust, which is about the role."""
        return self.statement.get("Resource", [])


def statements(engine: Engine) -> list[Carried]:
    """Every statement of the stack."""
    return [
        Carried(resource, statement)
        for resource in engine.registered
        for text in _texts(resource.inputs)
        for statement in _statements_in(text)
    ]


def allowed(engine: Engine) -> list[Carried]:
    """Every statement that allows something."""
    return [each for each in statements(engine) if each.statement["Effect"] != "Deny"]


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)


def _statements_in(text: str) -> list[dict[str, Any]]:
    try:
        document = json.loads(text)
    except json.JSONDecodeError:
        return []
    return document.get("Statement", []) if isinstance(document, dict) else []
