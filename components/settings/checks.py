"""Checks for the values of stack config: each reads one raw value or says which rule it breaks.

The engine hands every value over as text (arrays as JSON); `read` turns it into its typed form and
raises `ValueError` with the broken rule.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, cast


class Check(Protocol):
    """What one config key may hold; `config_type` is its type in Pulumi.yaml."""

    @property
    def config_type(self) -> str: ...

    def read(self, raw: str) -> object: ...


@dataclass(frozen=True)
class Text:
    """Text that matches a pattern as a whole; empty text is allowed for an `optional` key."""

    pattern: str
    rule: str
    optional: bool = False
    config_type: str = "string"

    def read(self, raw: str) -> str:
        if (self.optional and raw == "") or re.fullmatch(self.pattern, raw):
            return raw
        raise ValueError(f"must be {self.rule}{' or empty' if self.optional else ''}")


@dataclass(frozen=True)
class Choice:
    """One of a few words."""

    choices: tuple[str, ...]
    config_type: str = "string"

    def read(self, raw: str) -> str:
        if raw in self.choices:
            return raw
        raise ValueError(f"must be one of {', '.join(self.choices)}")


@dataclass(frozen=True)
class WholeNumber:
    """A whole number within a range, both ends included; `source` is the page of the limit."""

    minimum: int
    maximum: int
    unit: str
    source: str = ""
    config_type: str = "integer"

    def read(self, raw: str) -> int:
        if re.fullmatch(r"-?[0-9]{1,18}", raw) and self.minimum <= int(raw) <= self.maximum:
            return int(raw)
        source = f" ({self.source})" if self.source else ""
        raise ValueError(
            f"must be a whole number of {self.unit} from {self.minimum} to {self.maximum}{source}"
        )


@dataclass(frozen=True)
class NumberChoice:
    """One of the whole numbers a service accepts."""

    choices: tuple[int, ...]
    unit: str
    source: str
    config_type: str = "integer"

    def read(self, raw: str) -> int:
        if re.fullmatch(r"[0-9]{1,9}", raw) and int(raw) in self.choices:
            return int(raw)
        numbers = ", ".join(str(choice) for choice in self.choices)
        raise ValueError(f"must be one of {numbers} {self.unit} ({self.source})")


@dataclass(frozen=True)
class Switch:
    """true or false."""

    config_type: str = "boolean"

    def read(self, raw: str) -> bool:
        if raw in ("true", "false"):
            return raw == "true"
        raise ValueError("must be true or false")


def _pairs(raw: str, example: str) -> dict[str, str]:
    """Reads a JSON list of `name=value` texts (Pulumi.yaml knows no type for maps)."""
    rule = f'must be a list of texts like "{example}", each name once'
    try:
        items: object = json.loads(raw)
    except json.JSONDecodeError:
        raise ValueError(rule) from None
    if not isinstance(items, list):
        raise ValueError(rule)
    pairs: dict[str, str] = {}
    for item in cast(list[object], items):
        name, equals, value = item.partition("=") if isinstance(item, str) else ("", "", "")
        if not equals or not name or name in pairs:
            raise ValueError(f"{rule}; {item!r} is not")
        pairs[name] = value
    return pairs


@dataclass(frozen=True)
class Words:
    """A list of words out of a few, each once."""

    choices: tuple[str, ...]
    config_type: str = "array"

    def read(self, raw: str) -> tuple[str, ...]:
        try:
            words: object = json.loads(raw)
        except json.JSONDecodeError:
            words = None
        if not isinstance(words, list):
            raise ValueError("must be a list of texts, each once")
        for word in (found := cast(list[object], words)):
            if word not in self.choices:
                raise ValueError(f"must hold words out of {', '.join(self.choices)}, not {word!r}")
            if found.count(word) > 1:
                raise ValueError(f"must hold {word!r} once")
        return tuple(str(word) for word in found)


@dataclass(frozen=True)
class Tags:
    """A list of `name=value`: the tags that every resource gets besides the program's own."""

    reserved: tuple[str, ...]
    maximum: int
    source: str
    config_type: str = "array"

    def read(self, raw: str) -> Mapping[str, str]:
        tags = _pairs(raw, "CostCentre=speech")
        if len(tags) > self.maximum:
            raise ValueError(f"must hold at most {self.maximum} tags ({self.source})")
        for name, value in tags.items():
            if name in self.reserved or name.lower().startswith("aws:"):
                raise ValueError(f"must not set {name}: the program or AWS sets it")
            if not re.fullmatch(r"[\w .:/=+\-@]{1,128}", name) or not re.fullmatch(
                r"[\w .:/=+\-@]{0,256}", value
            ):
                raise ValueError(
                    f"must not hold '{name}={value}': it takes names of 1 to 128 and values of at"
                    f" most 256 letters, digits, spaces and . : / = + - @ _ ({self.source})"
                )
        return tags


@dataclass(frozen=True)
class Reservations:
    """A list of `function=number`: concurrent executions kept for that function alone."""

    functions: tuple[str, ...]
    maximum: int
    config_type: str = "array"

    def read(self, raw: str) -> Mapping[str, int]:
        reservations: dict[str, int] = {}
        for function, number in _pairs(raw, "connection=50").items():
            if function not in self.functions:
                raise ValueError(
                    f"must name functions out of {', '.join(self.functions)}, not {function!r}"
                )
            try:
                reservations[function] = WholeNumber(1, self.maximum, "executions").read(number)
            except ValueError as error:
                raise ValueError(f"{function}={number}: {error}") from None
        return reservations
