"""Which release to go back to, and what that changes."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from operations.releases.records import Record, live_record, records_of
from operations.releases.stack import (
    Alias,
    ReleasedStack,
    ReleaseError,
    Versions,
    behind,
    served,
)

MISSING = "missing"


@dataclass(frozen=True)
class Move:
    """One alias that moves: from what it was on when it was read, to a version."""

    function: str
    alias: Alias
    to: str

    def __str__(self) -> str:
        shares = "".join(f" and {each}" for each in self.alias.weights)
        return f"{self.function}: {self.alias.version}{shares} → {self.to}"


@dataclass(frozen=True)
class Plan:
    """`live` is the release that serves now, None if no record has its versions.

    `same` are the functions that serve the target's version already, `newer` those that the target
    did not have: they stay on their versions. `cold` are the functions whose version has no
    snapshot any more.
    """

    target: Record
    live: Record | None
    moves: Sequence[Move]
    same: Collection[str]
    newer: Versions
    cold: Collection[str]


def planned(stack: ReleasedStack, to: str | None = None) -> Plan:
    """What a rollback to a release would do; by default to the one before the one that serves.

    `to` is the beginning of a commit or of a date as the records have them. Raises ReleaseError for
    one that no record or more than one has, and for one whose versions do not exist any more.
    """
    records = records_of(stack)
    aliases = stack.aliases(name for record in records for name in record.versions)
    versions = served(aliases)
    if not records:
        raise ReleaseError(
            f"no release of {stack.name} is recorded, so there is none to go back to. After each "
            f"deployment, `make release STACK={stack.name}` records one. To go back without a "
            "record, deploy the older commit: see Rollback in docs/operations.md"
        )
    live = live_record(records, versions)
    target = _named(records, to) if to else _before(stack, records, live, aliases)
    cold = _checked(stack, target, aliases)
    moves = [
        Move(name, aliases[name], version)
        for name, version in sorted(target.versions.items())
        if aliases[name].version != version or aliases[name].weights
    ]
    moving = {each.function for each in moves}
    return Plan(
        target=target,
        live=live,
        moves=moves,
        same=sorted(target.versions.keys() - moving),
        newer={
            name: version
            for name, version in sorted(versions.items())
            if name not in target.versions
        },
        cold=sorted(cold & moving),
    )


def _named(records: Sequence[Record], to: str) -> Record:
    found = [
        each
        for each in records
        if each.commit.startswith(to.lower()) or each.written_date.startswith(to.upper())
    ]
    if len(found) == 1:
        return found[0]
    fault = "several releases begin so" if found else "no release begins so"
    raise ReleaseError(
        f"TO={to}: {fault}. It must be the beginning of the commit or of the date of one of these:"
        + _listed(found or records)
    )


def _before(
    stack: ReleasedStack,
    records: Sequence[Record],
    live: Record | None,
    aliases: Mapping[str, Alias],
) -> Record:
    """The newest release that is older than what serves."""
    versions = served(aliases)
    if live is not None:
        older = [each for each in records if each.date < live.date]
        other = [each for each in older if not each.is_served_by(versions)]
        if other:
            return other[0]
        raise ReleaseError(
            f"release {live} is live, and no older one is recorded: there is nothing to go back to"
        )
    if mixed := behind(versions, stack.newest(versions)):
        raise ReleaseError(
            f"no release has the versions that are live, and {', '.join(sorted(mixed))} "
            f"{'serves' if len(mixed) == 1 else 'serve'} an older version than the newest, so what "
            f"came before is unknown: choose with TO= one of these:{_listed(records)}"
        )
    # What was deployed last has not been released, for example because it was not verified.
    return records[0]


def _listed(records: Sequence[Record]) -> str:
    return "".join(f"\n  {each.written_date}  {each.commit}" for each in records)


def _checked(stack: ReleasedStack, target: Record, aliases: Mapping[str, Alias]) -> set[str]:
    """The functions whose version has no snapshot. Raises ReleaseError if a version cannot serve.

    https://docs.aws.amazon.com/lambda/latest/dg/functions-states.html has the states.
    """
    client = stack.client("lambda")

    def state(function: str) -> str:
        try:
            found = client.get_function_configuration(
                FunctionName=function, Qualifier=target.versions[function]
            )
        except client.exceptions.ResourceNotFoundException:
            return MISSING
        return found.get("State", "Active")

    states = dict(stack.for_each(sorted(target.versions), state))
    faults = [
        f"{name} does not exist"
        if name not in aliases
        else f"version {target.versions[name]} of {name} "
        + ("does not exist" if found == MISSING else f"is {found}")
        for name, found in states.items()
        if found in (MISSING, "Failed") or name not in aliases
    ]
    if faults:
        raise ReleaseError(
            f"release {target} cannot serve any more: {', '.join(faults)}. Go back to another "
            f"release, or deploy commit {target.commit}: see Rollback in docs/operations.md"
        )
    return {name for name, found in states.items() if found == "Inactive"}
