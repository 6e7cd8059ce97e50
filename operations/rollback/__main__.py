"""`python -m operations.rollback`: shows what it will do, asks, moves the aliases and verifies."""

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from components.settings import SettingsError
from operations.releases.finding import released_stack
from operations.releases.stack import ReleasedStack, ReleaseError
from operations.rollback.moving import carry_out
from operations.rollback.plan import Plan, planned
from operations.rollback.report import done_lines, plan_lines
from operations.verify.deployment import CannotVerify, code_of
from operations.verify.finding import deployment_of
from operations.verify.interruptions import ending_on_signals
from operations.verify.options import Options as VerifyOptions
from operations.verify.report import exit_status, write_table
from operations.verify.verification import verify
from program.stack_config import LOCAL_STACK, StackConfigError

COULD_NOT_RUN = 2
INTERRUPTED = 130


@dataclass(frozen=True)
class Options:
    """`to` is the beginning of a commit or date; `yes` does not ask."""

    stack: str = LOCAL_STACK
    to: str | None = None
    yes: bool = False
    cloud: str | None = None
    outputs: Path | None = None


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return the exit status: 0, 1, 2, or 130 after Ctrl-C."""
    options = options_of(arguments)
    try:
        with ending_on_signals():
            stack = released_stack(options.stack, options.cloud)
            plan = planned(stack, options.to)
            if not _roll_back(stack, plan, options):
                return COULD_NOT_RUN
            return _verified(stack, options)
    except (CannotVerify, ReleaseError, StackConfigError) as error:
        return _failed(str(error))
    except ClientError as error:
        return _failed(
            f"{error.operation_name} failed with {code_of(error)}: allow it to the caller "
            "(docs/operations.md lists the permissions), or try again"
        )
    except BotoCoreError as error:
        return _failed(f"AWS does not respond: {error}")
    except KeyboardInterrupt:
        print("interrupted; `make releases` says which release serves", file=sys.stderr)
        return INTERRUPTED


def options_of(arguments: Sequence[str] | None) -> Options:
    """Parse the arguments; exits with status 2 if they are invalid."""
    parser = argparse.ArgumentParser(
        prog="operations.rollback",
        description="Move every function of a stack back to the versions of an earlier release.",
        epilog="Exit status: 0 rolled back and nothing is wrong, 1 rolled back and something is "
        "wrong, 2 not rolled back, or rolled back and not verified.",
    )
    parser.add_argument(
        "--stack", default=LOCAL_STACK, help="the stack (default: local, the running local cloud)"
    )
    parser.add_argument(
        "--to",
        metavar="RELEASE",
        help="the beginning of a release's commit or date, as `make releases` prints them "
        "(default: the release before the one that is live)",
    )
    parser.add_argument("--yes", action="store_true", help="do not ask")
    parser.add_argument("--cloud", metavar="FOLDER", help="the local cloud in this folder (.local)")
    parser.add_argument(
        "--outputs",
        type=Path,
        metavar="FILE",
        help="for the verification: the output of `pulumi stack output --json` (default: call the "
        "Pulumi CLI)",
    )
    return Options(**vars(parser.parse_args(arguments)))


def _roll_back(stack: ReleasedStack, plan: Plan, options: Options) -> bool:
    """Whether the aliases are on the release now. Raises ReleaseError."""
    print(*plan_lines(stack.name, plan), sep="\n")
    if plan.moves and not (options.yes or _agreed()):
        print("nothing is rolled back", file=sys.stderr)
        return False
    started = time.monotonic()
    carry_out(stack, plan)
    print(*done_lines(stack.name, plan), sep="\n")
    print(f"moved in {time.monotonic() - started:.1f} s", flush=True)
    return True


def _agreed() -> bool:
    """Raises ReleaseError if there is nobody to ask."""
    if not sys.stdin.isatty():
        raise ReleaseError("there is no terminal to ask on: pass --yes to roll back without asking")
    try:
        return input("Roll back? Only 'yes' does: ").strip().lower() == "yes"
    except EOFError:
        return False


def _verified(stack: ReleasedStack, options: Options) -> int:
    """Run the checks of `make verify`; the exit status."""

    def say(text: str) -> None:
        print(f"  {text}", file=sys.stderr, flush=True)

    asked = VerifyOptions(stack=options.stack, cloud=options.cloud, outputs=options.outputs)
    try:
        rows = verify(deployment_of(asked), asked, say)
    except (CannotVerify, StackConfigError, SettingsError) as error:
        return _failed(
            f"{stack.name} is rolled back, but not verified: {error}; then run "
            f"`make verify STACK={options.stack}`"
        )
    write_table(rows, sys.stdout)
    return exit_status(rows)


def _failed(reason: str) -> int:
    print(f"failed: {reason}", file=sys.stderr)
    return COULD_NOT_RUN


if __name__ == "__main__":
    sys.exit(main())
