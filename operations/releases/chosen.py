"""The release that was chosen by a rollback, for `make verify`."""

from dataclasses import dataclass

from operations.releases.records import Record, live_record, records_of
from operations.releases.stack import NoAliasError, ReleasedStack, Versions, behind, served


@dataclass(frozen=True)
class Chosen:
    """A release that serves although there are newer versions.

    `versions` are those of its versions that are not the newest.
    """

    record: Record
    versions: Versions


def chosen_release(stack: ReleasedStack) -> Chosen | None:
    """None if each function serves its newest version, or if no record has what serves.

    Records are read only if a function serves an older version. Raises ReleaseError.
    """
    try:
        versions = served(stack.aliases())
    except NoAliasError:
        return None
    older = behind(versions, stack.newest(versions))
    record = live_record(records_of(stack), versions) if older else None
    return Chosen(record, older) if record else None
