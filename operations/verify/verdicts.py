"""The results of checks: what was checked, the result, and the fix."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Result(StrEnum):
    """The result of one check, with the text that reports show."""

    RIGHT = "ok"
    WRONG = "WRONG"
    NOT_TRIED = "not tried"
    """Neither right nor wrong; the way out says how to try it."""
    NOT_CHECKED = "could not check"
    UNKNOWN = "unknown"
    """AWS did not answer a question of `make preflight`; the way out names the permission."""


@dataclass(frozen=True)
class Verdict:
    """`seen` is what was found; `way_out` is what to do, or "" if nothing is needed."""

    subject: str
    result: Result
    seen: str
    way_out: str = ""


@dataclass(frozen=True)
class Row:
    """A verdict and the name of its check: one line of the table."""

    check: str
    verdict: Verdict

    def as_json(self) -> dict[str, str]:
        """One element of `rows` in the JSON report."""
        return {
            "check": self.check,
            "subject": self.verdict.subject,
            "result": self.verdict.result.value,
            "seen": self.verdict.seen,
            "wayOut": self.verdict.way_out,
        }


def right(subject: str, seen: str) -> Verdict:
    """The subject is as declared, or behaves as documented."""
    return Verdict(subject, Result.RIGHT, seen)


def wrong(subject: str, seen: str, way_out: str) -> Verdict:
    """The subject differs from what it should be."""
    return Verdict(subject, Result.WRONG, seen, way_out)


def not_tried(subject: str, why: str, way_out: str = "") -> Verdict:
    """The subject was left out on purpose."""
    return Verdict(subject, Result.NOT_TRIED, why, way_out)


def not_checked(subject: str, why: str, way_out: str = "") -> Verdict:
    """The subject could not be checked because of an error."""
    return Verdict(subject, Result.NOT_CHECKED, why, way_out)


def unknown(subject: str, why: str, way_out: str) -> Verdict:
    """AWS did not say whether the subject is right."""
    return Verdict(subject, Result.UNKNOWN, why, way_out)


def differences(declared: Mapping[str, Any], live: Mapping[str, Any]) -> str:
    """The values that differ from the declared ones, as text; "" if none does."""
    return "; ".join(
        f"{name} is {live.get(name)!r}, declared is {value!r}"
        for name, value in declared.items()
        if not _agrees(value, live.get(name))
    )


def _agrees(declared: Any, live: Any) -> bool:
    """Whether the values are equal, except for members that AWS adds to a structure."""
    if isinstance(declared, Mapping) and isinstance(live, Mapping):
        return all(_agrees(value, live.get(name)) for name, value in declared.items())
    return declared == live
