"""DynamoDB attribute values to and from plain Python values."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, cast

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer

_deserializer = TypeDeserializer()
_serializer = TypeSerializer()


def plain(item: Mapping[str, Any]) -> dict[str, Any]:
    """An item's attributes with int and float in place of Decimal."""
    return {
        name: _without_decimals(_deserializer.deserialize(value)) for name, value in item.items()
    }


def typed(values: Mapping[str, Any]) -> dict[str, Any]:
    """Plain values as attribute values; None is left out."""
    return {
        name: _serializer.serialize(_with_decimals(value))
        for name, value in values.items()
        if value is not None
    }


def _without_decimals(value: Any) -> Any:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, dict):
        members = cast(dict[str, Any], value)
        return {name: _without_decimals(member) for name, member in members.items()}
    return value


def _with_decimals(value: Any) -> Any:
    if isinstance(value, float):
        return Decimal(str(value))
    if isinstance(value, dict):
        members = cast(dict[str, Any], value)
        return {name: _with_decimals(member) for name, member in members.items()}
    return value
