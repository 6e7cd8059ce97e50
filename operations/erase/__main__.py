"""`python -m operations.erase`: erases what a stack has of one session that has ended."""

import argparse
import sys
from collections.abc import Sequence

from botocore.exceptions import BotoCoreError, ClientError

from operations.erase.erasing import EraseError, Eraser
from operations.releases.finding import released_stack
from operations.verify.deployment import CannotVerify, code_of
from program.stack_config import LOCAL_STACK, StackConfigError

COULD_NOT_RUN = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return the exit status: 0, or 2 if the session is not erased."""
    options = _parser().parse_args(arguments)
    try:
        stack = released_stack(options.stack, options.cloud)
        erased = Eraser(stack.name, stack.client).erase(options.session)
    except (CannotVerify, EraseError, StackConfigError) as error:
        return _failed(str(error))
    except ClientError as error:
        return _failed(
            f"{error.operation_name} failed with {code_of(error)}: allow it to the caller "
            "(docs/privacy.md lists the permissions), or try again"
        )
    except BotoCoreError as error:
        return _failed(f"AWS does not respond: {error}")
    row = "its row" if erased.had_row else "no row, which was gone already"
    print(
        f"Erased of {options.session}: {erased.captions} captions,"
        f" {erased.files} files of transcripts, and {row}."
    )
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="operations.erase",
        description="Erase the captions, the transcripts and the row of a session that has ended.",
    )
    parser.add_argument(
        "--stack", default=LOCAL_STACK, help="the stack (default: local, the running local cloud)"
    )
    parser.add_argument("--cloud", help="the folder of the local cloud, if several are running")
    parser.add_argument("--session", required=True, help="the session's id")
    return parser


def _failed(why: str) -> int:
    print(f"erase: {why}", file=sys.stderr)
    return COULD_NOT_RUN


if __name__ == "__main__":
    sys.exit(main())
