"""Release records: one parameter of Systems Manager for each, written by `make release`.

They are not declared by the program: an update would take them back, and each has to outlast the
update that made it.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from operations.releases.stack import ReleasedStack, ReleaseError, Versions

FULL_COMMIT = re.compile("[0-9a-f]{40}")
SHORT_COMMIT_LENGTH = 7
# A standard parameter's value has at most 4 KB; with 64 characters for a function's name and ten
# digits for a version, a record names 48 functions.
# https://docs.aws.amazon.com/general/latest/gr/ssm.html
LARGEST_VALUE_BYTES = 4_096
# https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_DeleteParameters.html
NAMES_PER_DELETION = 10


@dataclass(frozen=True, kw_only=True)
class Record:
    """The versions of a stack's functions that a commit was deployed as, and when they were.

    `commit` has 40 hexadecimal digits, `date` is of UTC and whole seconds.
    """

    commit: str
    date: datetime
    versions: Versions

    @property
    def written_date(self) -> str:
        """The date as text, such as `2026-11-29T06:24:31Z`."""
        return self.date.strftime("%Y-%m-%dT%H:%M:%SZ")

    @property
    def short_commit(self) -> str:
        """The commit as people write it."""
        return self.commit[:SHORT_COMMIT_LENGTH]

    def __str__(self) -> str:
        return f"{self.short_commit} of {self.written_date}"

    def is_served_by(self, versions: Versions) -> bool:
        """Whether these are the versions of this release; there may be newer functions."""
        return self.versions.items() <= versions.items()

    def as_json(self) -> dict[str, Any]:
        """The record's value."""
        return {
            "commit": self.commit,
            "date": self.written_date,
            "functions": dict(self.versions),
        }


def records_path(stack: ReleasedStack) -> str:
    """Where a stack's records are."""
    return f"/{stack.prefix}/releases"


def record_name(stack: ReleasedStack, record: Record) -> str:
    """The name of a record's parameter; by name, parameters are in the order of their dates.

    https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-paramstore-su-create.html
    says which characters it may have.
    """
    return f"{records_path(stack)}/{record.date:%Y%m%dT%H%M%SZ}-{record.short_commit}"


def records_of(stack: ReleasedStack) -> list[Record]:
    """A stack's records, newest first. Raises ReleaseError for what is no record."""
    pages = stack.client("ssm").get_paginator("get_parameters_by_path")
    found = [
        _record(parameter["Name"], parameter["Value"])
        for page in pages.paginate(Path=records_path(stack))
        for parameter in page["Parameters"]
    ]
    return sorted(found, key=lambda each: each.date, reverse=True)


def write(stack: ReleasedStack, record: Record) -> None:
    """Write a new record. Raises ReleaseError if it is too large."""
    value = json.dumps(record.as_json(), separators=(",", ":"))
    if len(value.encode()) > LARGEST_VALUE_BYTES:
        raise ReleaseError(
            f"the record of {len(record.versions)} functions has {len(value.encode())} bytes, but "
            f"a parameter has at most {LARGEST_VALUE_BYTES}: use a stack with a shorter name"
        )
    stack.client("ssm").put_parameter(
        Name=record_name(stack, record),
        Description="Written by `make release`: the functions' versions of a deployed commit",
        Type="String",
        Tier="Standard",
        Value=value,
    )


def delete(stack: ReleasedStack, records: Sequence[Record]) -> None:
    """Delete records; those that are gone already are no error."""
    names = [record_name(stack, each) for each in records]
    for first in range(0, len(names), NAMES_PER_DELETION):
        some = names[first : first + NAMES_PER_DELETION]
        stack.client("ssm").delete_parameters(Names=some)


def live_record(records: Sequence[Record], versions: Versions) -> Record | None:
    """The newest of the records whose versions these are; `records` are newest first."""
    return next((each for each in records if each.is_served_by(versions)), None)


def kept_records(records: Sequence[Record], count: int) -> list[Record]:
    """The newest record of each of the last `count` releases that changed any function."""
    kept: list[Record] = []
    for record in sorted(records, key=lambda each: each.date, reverse=True):
        if len(kept) < count and (not kept or record.versions != kept[-1].versions):
            kept.append(record)
    return kept


def _record(name: str, value: str) -> Record:
    try:
        content: Mapping[str, Any] = json.loads(value)
        date = datetime.strptime(content["date"], "%Y-%m-%dT%H:%M:%S%z").astimezone(UTC)
        commit, versions = content["commit"], dict(content["functions"])
        if not FULL_COMMIT.fullmatch(commit) or not all(map(str.isdecimal, versions.values())):
            raise ValueError
    except (AttributeError, KeyError, TypeError, ValueError):
        raise ReleaseError(
            f"the parameter {name} is no release record: delete it with "
            f"`aws ssm delete-parameter --name {name}`"
        ) from None
    return Record(commit=commit, date=date, versions=versions)
