"""Values that JSON Schemas allow, and others that are nearly allowed."""

import re
from collections.abc import Iterator
from typing import Any

from operations.protocol.protocol import SCHEMAS, Schema

STRINGS = ("a", "en", "123456", "2026-11-29")


def sample(schema: Schema, schemas: dict[str, Schema], *, only_required: bool = False) -> Any:
    """A value that the schema allows; an object has all its fields, or the required ones alone."""
    match schema:
        case {"$ref": reference}:
            name = reference.removeprefix(SCHEMAS)
            return sample(schemas[name], schemas, only_required=only_required)
        case {"const": value} | {"enum": [value, *_]}:
            return value
        case {"anyOf": [first, *_]}:
            return sample(first, schemas, only_required=only_required)
        case {"properties": properties}:
            required = schema.get("required", [])
            wanted = required if only_required else list(properties)
            wanted = wanted or list(properties)[: schema.get("minProperties", 0)]
            return {
                name: sample(properties[name], schemas, only_required=only_required)
                for name in wanted
            }
        case {"propertyNames": names, "additionalProperties": values}:
            return {sample(names, schemas): sample(values, schemas)}
        case {"type": "array", "items": items}:
            return [sample(items, schemas, only_required=only_required)]
        case {"type": "string"}:
            return next(
                each
                for each in (*STRINGS, "a" * schema.get("minLength", 0))
                if len(each) >= schema.get("minLength", 0) and _matches(each, schema)
            )
        case {"type": "integer"}:
            return schema.get("minimum", 1)
        case {"type": "number"}:
            return schema.get("minimum", 0) + 0.5
        case {"type": "boolean"}:
            return True
        case {"type": "object"}:
            return {}
        case _:
            raise ValueError(f"sample has to learn a value of {schema}")


def _matches(text: str, schema: Schema) -> bool:
    return "pattern" not in schema or re.search(schema["pattern"], text) is not None


def beside(schema: Schema) -> Iterator[Any]:
    """Values just outside of a schema, and of other types; some may be allowed all the same."""
    yield from (None, True, "", "a", -1, 0.5, 1, [], {})
    for bound in ("minimum", "maximum"):
        if bound in schema:
            yield from (schema[bound] - 1, schema[bound], schema[bound] + 1)
    for bound in ("minLength", "maxLength"):
        if bound in schema:
            yield from ("a" * length for length in range(schema[bound] - 1, schema[bound] + 2))
    for value in schema.get("enum", []):
        yield from (value, value.upper(), f"{value}a")
