"""What `python -m operations.verify` is told."""

import argparse
from dataclasses import dataclass, field
from pathlib import Path

from client.speaker_options import add_speaker_options
from operations.verify.checks import CHECKS
from program.stack_config import LOCAL_STACK


@dataclass(frozen=True)
class Options:
    """`intervals`: of the periodic status, how many are measured."""

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
        """The names of the checks that are wanted, in the table's order."""
        return tuple(name for name in CHECKS if not self.only or name in self.only)


def options_of(arguments: list[str] | None) -> Options:
    parser = argparse.ArgumentParser(
        prog="operations.verify",
        description="Check a deployed stack, or the running local cloud, from outside.",
        epilog="Exit status: 0 nothing wrong, 1 something found, 2 could not be run or not wholly.",
    )
    parser.add_argument(
        "--stack", default=LOCAL_STACK, help="the stack (default: local, the running local cloud)"
    )
    parser.add_argument(
        "--outputs",
        type=Path,
        metavar="FILE",
        help="what `pulumi stack output --json` says; without it the Pulumi CLI is asked",
    )
    parser.add_argument("--cloud", metavar="FOLDER", help="the local cloud of this folder (.local)")
    parser.add_argument(
        "--json", action="store_true", dest="as_json", help="the rows as JSON on stdout"
    )
    parser.add_argument(
        "--only",
        action="append",
        choices=list(CHECKS),
        default=[],
        metavar="CHECK",
        help=f"this check alone; may be given several times: {', '.join(CHECKS)}",
    )
    parser.add_argument(
        "--captions",
        action="store_true",
        help="also speak ten seconds and wait for captions, for which Transcribe charges",
    )
    parser.add_argument(
        "--intervals",
        type=_whole_number,
        default=2,
        metavar="N",
        help="how many intervals of the periodic status are measured (2)",
    )
    add_speaker_options(
        parser, default_speaker="a user that is created for the run and deleted afterwards"
    )
    parser.add_argument(
        "--expired-token-file",
        type=_token_in,
        metavar="FILE",
        dest="expired_token",
        help="an ID token of the stack's pool and client that has expired, to be refused",
    )
    parser.add_argument(
        "--foreign-token-file",
        type=_token_in,
        metavar="FILE",
        dest="foreign_token",
        help="a valid ID token of another client of the pool, to be refused",
    )
    values = vars(parser.parse_args(arguments))
    return Options(**{**values, "only": tuple(values["only"])})


def _whole_number(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 100:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of intervals: it takes 1 to 100")
    return int(text)


def _token_in(name: str) -> str:
    try:
        token = Path(name).read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no text"
        raise argparse.ArgumentTypeError(f"{name} cannot be read: {reason}") from None
    if token.count(".") != 2:
        raise argparse.ArgumentTypeError(f"{name} holds no token: it takes three parts with dots")
    return token
