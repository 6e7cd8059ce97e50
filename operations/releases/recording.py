"""What `make release` does: it records what serves, and deletes what nobody can go back to."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from operations.releases.records import (
    Record,
    delete,
    kept_records,
    records_of,
    write,
)
from operations.releases.stack import ReleasedStack, ReleaseError, Versions, behind, served


@dataclass(frozen=True)
class Released:
    """`is_new` is false if the newest record said so already.

    `deleted_versions` are by function; `deleted_records` are those of older releases.
    """

    record: Record
    is_new: bool
    deleted_versions: Mapping[str, Collection[str]]
    deleted_records: Collection[Record]


def release(stack: ReleasedStack, commit: str, *, kept_versions: int, now: datetime) -> Released:
    """Record the versions that serve as those of `commit`, then prune.

    Raises ReleaseError if a function serves another version than its newest: then the commit that
    was deployed last is not what serves.
    """
    versions = served(stack.aliases())
    if not versions:
        raise ReleaseError(
            f"{stack.name} has no function in this account and Region: deploy it first, with the "
            "account's credentials"
        )
    newest = stack.newest(versions)
    if older := behind(versions, newest):
        raise ReleaseError(
            f"nothing is recorded, because the newest version does not serve: "
            f"{_compared(older, newest)}; if the stack was rolled back, deploy with "
            f"`pulumi up --refresh --stack {stack.name}` first, which moves the aliases on"
        )
    records = records_of(stack)
    last = records[0] if records else None
    is_new = last is None or (last.commit, last.versions) != (commit, versions)
    record = last
    if record is None or is_new:
        # Builders' clocks differ; a release is later than the one before.
        date = max([now, *(each.date + timedelta(seconds=1) for each in records)])
        record = Record(commit=commit, date=date.replace(microsecond=0), versions=versions)
        write(stack, record)
        records = [record, *records]
    kept = kept_records(records, kept_versions)
    # In this order, no record names a version that is gone.
    forgotten = _forget(stack, records, kept)
    return Released(record, is_new, _prune(stack, kept), forgotten)


def unneeded(
    published: Iterable[int], named: Collection[str], recorded: Collection[str]
) -> list[str]:
    """The versions of a function that may be deleted, oldest first.

    `named` are those that an alias of the function is on, `recorded` those of the records that are
    kept. Whatever is newer than those is of an update that is running, or has not been released.
    """
    limit = max((int(each) for each in recorded), default=0)
    kept = {*named, *recorded}
    return [str(each) for each in sorted(published) if each < limit and str(each) not in kept]


def _prune(stack: ReleasedStack, kept: Collection[Record]) -> dict[str, list[str]]:
    """Delete the versions of these records' functions that none of the records names."""
    client = stack.client("lambda")
    functions = {name: None for record in kept for name in record.versions}

    def prune(function: str) -> list[str]:
        recorded = {each.versions[function] for each in kept if function in each.versions}
        try:
            published = list(stack.versions(function))
            # Read after the versions: no alias can move to one that is deleted below, because
            # updates move aliases to new versions alone, and rollbacks to recorded ones.
            named = set(_named_by_aliases(client, function))
        except client.exceptions.ResourceNotFoundException:
            return []  # a function that a later release removed
        deleted = unneeded(published, named, recorded)
        for version in deleted:
            client.delete_function(FunctionName=function, Qualifier=version)
        return deleted

    return {name: versions for name, versions in stack.for_each(functions, prune) if versions}


def _named_by_aliases(client: Any, function: str) -> Iterable[str]:
    """Every version that any alias of the function sends to."""
    for page in client.get_paginator("list_aliases").paginate(FunctionName=function):
        for alias in page["Aliases"]:
            routing = alias.get("RoutingConfig") or {}
            yield from (alias["FunctionVersion"], *(routing.get("AdditionalVersionWeights") or {}))


def _forget(
    stack: ReleasedStack, records: Collection[Record], kept: Collection[Record]
) -> list[Record]:
    old = [each for each in records if each not in kept]
    delete(stack, old)
    return old


def _compared(older: Versions, newest: Versions) -> str:
    return ", ".join(
        f"{name} serves {version}, its newest is {newest[name]}"
        for name, version in sorted(older.items())
    )
