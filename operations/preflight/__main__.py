"""`python -m operations.preflight`: checks the account before a stack is deployed to it."""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from components.layers import LayerBuildError
from components.settings import SettingsError
from components.web_pages import PagesBuildError
from operations.preflight.answers import asked
from operations.preflight.checks import CHECKS
from operations.verify.context import Check, Context
from operations.verify.declared import declared_by
from operations.verify.deployment import CannotVerify, Deployment, aws_account
from operations.verify.report import exit_status, write_json, write_table
from operations.verify.verdicts import Result, Row
from operations.verify.verification import Say, rows_of
from program.stack_config import LOCAL_STACK, StackConfigError, committed_stacks, stack_config

COULD_NOT_RUN = 2
NOT_STARTED = (CannotVerify, StackConfigError, SettingsError, LayerBuildError, PagesBuildError)


@dataclass(frozen=True)
class Options:
    """`before_update`: whether only what makes an update fail counts for the exit status."""

    stack: str
    as_json: bool = False
    before_update: bool = False


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return the exit status."""
    options = options_of(arguments)

    def say(text: str) -> None:
        print(text, file=sys.stderr, flush=True)

    try:
        rows = preflight(account_of(options.stack), say)
    except NOT_STARTED as error:
        print(f"not checked: {error}", file=sys.stderr)
        return COULD_NOT_RUN
    if options.as_json:
        write_json(options.stack, rows, sys.stdout)
    else:
        write_table(rows, sys.stdout)
    return int(would_fail(rows)) if options.before_update else exit_status(rows)


def account_of(stack: str) -> Deployment:
    """The account that the caller would deploy the stack to.

    Raises CannotVerify and StackConfigError.
    """
    stacks = [each for each in committed_stacks() if each != LOCAL_STACK]
    if stack not in stacks:
        raise CannotVerify(
            f"--stack {stack} is not a stack on AWS: it takes {', '.join(stacks)}; for another "
            f"one, commit a Pulumi.{stack}.yaml"
        )
    return aws_account(stack, stack_config(stack))


def preflight(account: Deployment, say: Say) -> list[Row]:
    """Run every check; raises what the program raises, such as SettingsError."""
    say("running the program to find out what it declares")
    context = Context(
        deployment=account,
        declared=declared_by(account.stack, account.config, account.identity),
        run_clients=None,
        say=say,
    )
    rows: list[Row] = []
    for name, spec in CHECKS.items():
        say(f"{name} …")
        rows += rows_of(context, name, _answered(name, spec.check))
    return rows


def _answered(name: str, check: Check) -> Check:
    """The check, with what AWS does not answer as unknown."""
    return lambda context: asked([(name, lambda: check(context))])


def would_fail(rows: Sequence[Row]) -> bool:
    """Whether an update of the stack would stop in the middle."""
    return any(
        row.verdict.result is Result.WRONG and CHECKS[row.check].fails_update for row in rows
    )


def options_of(arguments: Sequence[str] | None) -> Options:
    """Parse the arguments; exits with status 2 if they are invalid."""
    parser = argparse.ArgumentParser(
        prog="operations.preflight",
        description="Check that the account can take a stack, before it is deployed.",
        epilog="Exit status: 0 nothing is wrong, 1 something is wrong, 2 something is unknown "
        "or the run could not start.",
    )
    parser.add_argument("--stack", required=True, help="the stack to be deployed")
    parser.add_argument(
        "--json", action="store_true", dest="as_json", help="print the rows as JSON"
    )
    parser.add_argument(
        "--before-update",
        action="store_true",
        help="exit with 1 only if the update would fail in the middle, otherwise with 0",
    )
    return Options(**vars(parser.parse_args(arguments)))


if __name__ == "__main__":
    sys.exit(main())
