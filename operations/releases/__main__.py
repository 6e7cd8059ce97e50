"""`python -m operations.releases`: records a stack's release, or lists those that are recorded."""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from botocore.exceptions import BotoCoreError, ClientError

from operations.releases.finding import commit_to_release, kept_versions, released_stack
from operations.releases.recording import Released, release
from operations.releases.records import records_of
from operations.releases.report import Listing, write_json, write_table
from operations.releases.stack import NoAliasError, ReleasedStack, ReleaseError, behind, served
from operations.verify.deployment import CannotVerify, code_of
from program.stack_config import LOCAL_STACK, StackConfigError

COULD_NOT_RUN = 2


@dataclass(frozen=True)
class Options:
    """At most one of `record`, `last_commit`, `rolled_back` and `as_json` is set."""

    stack: str = LOCAL_STACK
    cloud: str | None = None
    record: bool = False
    commit: str | None = None
    last_commit: bool = False
    rolled_back: bool = False
    as_json: bool = False


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return the exit status: 0, or 2 if it could not run."""
    options = options_of(arguments)
    try:
        _run(options, released_stack(options.stack, options.cloud))
    except (CannotVerify, ReleaseError, StackConfigError) as error:
        return _failed(str(error))
    except ClientError as error:
        return _failed(
            f"{error.operation_name} failed with {code_of(error)}: allow it to the caller "
            "(docs/operations.md lists the permissions), or try again"
        )
    except BotoCoreError as error:
        return _failed(f"AWS does not respond: {error}")
    return 0


def options_of(arguments: Sequence[str] | None) -> Options:
    """Parse the arguments; exits with status 2 if they are invalid."""
    parser = argparse.ArgumentParser(
        prog="operations.releases",
        description="List a stack's releases, or record the one that is deployed.",
    )
    parser.add_argument(
        "--stack", default=LOCAL_STACK, help="the stack (default: local, the running local cloud)"
    )
    parser.add_argument("--cloud", metavar="FOLDER", help="the local cloud in this folder (.local)")
    parser.add_argument(
        "--commit", metavar="ID", help="with --record: the commit that was deployed (HEAD)"
    )
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "--record",
        action="store_true",
        help="record what serves as a release, and delete versions and records of older ones",
    )
    what.add_argument(
        "--last-commit",
        action="store_true",
        help="print the newest record's commit, if there is one",
    )
    what.add_argument(
        "--rolled-back",
        action="store_true",
        help="print each function that serves an older version than its newest",
    )
    what.add_argument(
        "--json", action="store_true", dest="as_json", help="print the records as JSON"
    )
    options = Options(**vars(parser.parse_args(arguments)))
    if options.commit is not None and not options.record:
        parser.error("--commit is for --record")
    return options


def _run(options: Options, stack: ReleasedStack) -> None:
    """Raises ReleaseError, StackConfigError and what boto3 raises."""
    if options.record:
        commit = commit_to_release(options.commit)
        kept = kept_versions(stack.name)
        _print_released(release(stack, commit, kept_versions=kept, now=datetime.now(UTC)))
    elif options.last_commit:
        for record in records_of(stack)[:1]:
            print(record.commit)
    elif options.rolled_back:
        for function in _older_functions(stack):
            print(function)
    else:
        (write_json if options.as_json else write_table)(listing_of(stack), sys.stdout)


def _older_functions(stack: ReleasedStack) -> list[str]:
    """The functions that serve an older version than their newest."""
    try:
        versions = served(stack.aliases())
    except NoAliasError:
        return []
    return sorted(behind(versions, stack.newest(versions)))


def listing_of(stack: ReleasedStack) -> Listing:
    """The records, and what serves. Raises ReleaseError."""
    records = records_of(stack)
    versions = served(stack.aliases())
    return Listing(stack.name, records, versions, stack.newest(versions))


def _print_released(released: Released) -> None:
    record = released.record
    if released.is_new:
        print(f"release {record} is recorded: the versions of {len(record.versions)} functions")
    else:
        print(f"release {record} was recorded before")
    for function, versions in sorted(released.deleted_versions.items()):
        print(f"deleted version {', '.join(versions)} of {function}")
    for old in released.deleted_records:
        print(f"deleted the record of {old}")


def _failed(reason: str) -> int:
    print(f"failed: {reason}", file=sys.stderr)
    return COULD_NOT_RUN


if __name__ == "__main__":
    sys.exit(main())
