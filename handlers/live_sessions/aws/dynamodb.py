"""DynamoDB's attribute values to and from plain Python values.

https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_AttributeValue.html
"""

from collections.abc import Mapping, Sequence
from typing import Any, cast


def plain(item: Mapping[str, Any]) -> dict[str, Any]:
    """An item's attributes; a whole number is an int, any other number a float."""
    return {name: _plain_value(value) for name, value in item.items()}


def typed(values: Mapping[str, Any]) -> dict[str, Any]:
    """Plain values as attribute values; None is left out. Raises TypeError for other types."""
    return {name: _typed_value(value) for name, value in values.items() if value is not None}


def _plain_value(value: Mapping[str, Any]) -> Any:
    ((kind, content),) = value.items()
    match kind:
        case "S" | "BOOL":
            return content
        case "N":
            return _number(content)
        case "M":
            return plain(content)
        case "L":
            return [_plain_value(each) for each in content]
        case "NULL":
            return None
        case _:
            raise TypeError(f"attributes of type {kind} are not used here")


def _number(text: str) -> int | float:
    try:
        return int(text)
    except ValueError:
        number = float(text)
        return int(number) if number.is_integer() else number


def _typed_value(value: object) -> dict[str, Any]:
    match value:
        case None:
            return {"NULL": True}
        case bool():
            return {"BOOL": value}
        case str():
            # str() takes the value of an enum's member.
            return {"S": str(value)}
        case int() | float():
            return {"N": str(value)}
        case dict():
            members = cast(dict[str, object], value)
            return {"M": {name: _typed_value(member) for name, member in members.items()}}
        case list() | tuple():
            return {"L": [_typed_value(each) for each in cast(Sequence[object], value)]}
        case _:
            raise TypeError(f"a {type(value).__name__} is no attribute value")
