"""The command-line options of `python -m operations.verify`."""

import argparse
from dataclasses import dataclass, field
from pathlib import Path

from client.speaker_options import add_speaker_options
from operations.verify.checks import CHECKS
from program.stack_config import CLOUD_STACK, LOCAL_STACK


@dataclass(frozen=True)
class Options:
    """`intervals` is the number of status intervals that are measured."""

    stack: str = LOCAL_STACK
    cloud: str | None = None
    outputs: Path | None = None
    as_json: bool = False
    only: tuple[str, ...] = ()
    captions: bool = False
    intervals: int = 2
    username: str | None = None
    token: str | None = field(default=None, repr=False)
    expired_token: str | None = field(default=None, repr=False)
    foreign_token: str | None = field(default=None, repr=False)

    @property
    def checks(self) -> tuple[str, ...]:
        """The names of the selected checks, in the table's order."""
        return tuple(name for name in CHECKS if not self.only or name in self.only)


def options_of(arguments: list[str] | None) -> Options:
    """Parse the arguments; exits with status 2 if they are invalid."""
    parser = argparse.ArgumentParser(
        prog="operations.verify",
        description="Check a deployed stack, or the running local cloud, from the outside.",
        epilog="Exit status: 0 nothing is wrong, 1 something is wrong, 2 the run could not finish.",
    )
    parser.add_argument(
        "--stack",
        default=LOCAL_STACK,
        help=f"the stack (default: local, the running local cloud; {CLOUD_STACK}: on `make cloud`)",
    )
    parser.add_argument(
        "--outputs",
        type=Path,
        metavar="FILE",
        help="the output of `pulumi stack output --json` (default: call the Pulumi CLI)",
    )
    parser.add_argument("--cloud", metavar="FOLDER", help="the local cloud in this folder (.local)")
    parser.add_argument(
        "--json", action="store_true", dest="as_json", help="print the rows as JSON"
    )
    parser.add_argument(
        "--only",
        action="append",
        choices=list(CHECKS),
        default=[],
        metavar="CHECK",
        help=f"run only this check; may be repeated: {', '.join(CHECKS)}",
    )
    parser.add_argument(
        "--captions",
        action="store_true",
        help="also speak for ten seconds and wait for captions; Transcribe charges for it",
    )
    parser.add_argument(
        "--intervals",
        type=_whole_number,
        default=2,
        metavar="N",
        help="the number of status intervals to measure (2)",
    )
    add_speaker_options(
        parser, default_speaker="a user that is created for the run and deleted afterwards"
    )
    parser.add_argument(
        "--expired-token-file",
        type=_token_in,
        metavar="FILE",
        dest="expired_token",
        help="an expired ID token of the stack's issuer and audience, which must be refused",
    )
    parser.add_argument(
        "--foreign-token-file",
        type=_token_in,
        metavar="FILE",
        dest="foreign_token",
        help="a valid ID token of the stack's issuer for another audience, which must be refused",
    )
    values = vars(parser.parse_args(arguments))
    return Options(**{**values, "only": tuple(values["only"])})


def _whole_number(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 100:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to 100")
    return int(text)


def _token_in(name: str) -> str:
    try:
        token = Path(name).read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not text"
        raise argparse.ArgumentTypeError(f"{name} cannot be read: {reason}") from None
    if token.count(".") != 2:
        raise argparse.ArgumentTypeError(
            f"{name} does not contain a token of three parts separated by dots"
        )
    return token
