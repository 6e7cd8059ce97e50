"""What a check has to say: of one thing, whether it is right, and the way out if it is not."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Result(StrEnum):
    RIGHT = "ok"
    WRONG = "WRONG"
    NOT_TRIED = "not tried"
    """Neither good nor bad: the way out says what would try it."""
    NOT_CHECKED = "could not check"


@dataclass(frozen=True)
class Verdict:
    """`seen` is what was found; `way_out` what to do, "" where there is nothing to do."""

    subject: str
    result: Result
    seen: str
    way_out: str = ""


@dataclass(frozen=True)
class Row:
    """A verdict and the check that gave it: one line of the table."""

    check: str
    verdict: Verdict

    def as_json(self) -> dict[str, str]:
        return {
            "check": self.check,
            "subject": self.verdict.subject,
            "result": self.verdict.result.value,
            "seen": self.verdict.seen,
            "wayOut": self.verdict.way_out,
        }


def right(subject: str, seen: str) -> Verdict:
    return Verdict(subject, Result.RIGHT, seen)


def wrong(subject: str, seen: str, way_out: str) -> Verdict:
    return Verdict(subject, Result.WRONG, seen, way_out)


def not_tried(subject: str, why: str, way_out: str = "") -> Verdict:
    return Verdict(subject, Result.NOT_TRIED, why, way_out)


def not_checked(subject: str, why: str, way_out: str = "") -> Verdict:
    return Verdict(subject, Result.NOT_CHECKED, why, way_out)


def differences(declared: Mapping[str, Any], live: Mapping[str, Any]) -> str:
    """The declared values that are others, as text; "" when all are as declared."""
    return "; ".join(
        f"{name} is {live.get(name)!r}, declared is {value!r}"
        for name, value in declared.items()
        if not _agrees(value, live.get(name))
    )


def _agrees(declared: Any, live: Any) -> bool:
    """AWS may add members of its own to a structure, such as an empty map."""
    if isinstance(declared, Mapping) and isinstance(live, Mapping):
        return all(_agrees(value, live.get(name)) for name, value in declared.items())
    return declared == live
