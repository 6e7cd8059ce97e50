"""How a record declares its config keys: each field has a check, or is a record of such fields.

A key is its field's name in camelCase, whatever record the field is in.
"""

from collections.abc import Mapping
from dataclasses import Field, field, fields, is_dataclass
from typing import Any, TypeVar

from components.settings.checks import Check

Record = TypeVar("Record")


def setting(check: Check) -> Any:
    """A field that is read from the key of its name."""
    return field(metadata={"check": check})


def checks_by_key(record: type[Any]) -> dict[str, tuple[str, Check]]:
    """Every config key of a record with the name of its field and its check."""
    checks: dict[str, tuple[str, Check]] = {}
    for each in _fields(record):
        if inner := _record_in(each):
            checks |= checks_by_key(inner)
        elif "check" in each.metadata:
            checks[_camel_case(each.name)] = (each.name, each.metadata["check"])
    return checks


def filled(record: type[Record], values: Mapping[str, Any]) -> Record:
    """The record, and the records in it, with the values that have their fields' names."""
    return record(
        **{
            each.name: filled(inner, values) if (inner := _record_in(each)) else values[each.name]
            for each in _fields(record)
        }
    )


def _fields(record: type[Any]) -> tuple[Field[Any], ...]:
    return fields(record)


def _record_in(each: Field[Any]) -> type[Any] | None:
    return each.type if isinstance(each.type, type) and is_dataclass(each.type) else None


def _camel_case(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(word.capitalize() for word in others)
