"""`python -m operations.cost`: the command line of `make cost`."""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import Field
from typing import Any

from components.settings import SettingsError
from operations.cost.estimate import estimate
from operations.cost.load import Load, LoadError, is_required, option, options
from operations.cost.prices import prices
from operations.cost.report import as_json, as_text
from operations.cost.stack_facts import NoSuchStack, facts_of
from program.stack_config import StackConfigError

REFUSED = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the estimate; return 0, or 2 with a line on stderr for an invalid load or stack."""
    asked = vars(command_line().parse_args(arguments))
    stack, wants_json = asked.pop("stack"), asked.pop("json")
    try:
        load = Load(**asked)
        result = estimate(load, facts_of(stack), prices())
    except (LoadError, NoSuchStack, SettingsError, StackConfigError) as error:
        print(error, file=sys.stderr)
        return REFUSED
    print(json.dumps(as_json(result), indent=2) if wants_json else as_text(result))
    return 0


def command_line() -> argparse.ArgumentParser:
    """The parser, with one option for each field of `Load`."""
    parser = argparse.ArgumentParser(
        prog="python -m operations.cost",
        usage="%(prog)s --sessions N --listeners N --hours N --captions-per-minute N [options]",
        allow_abbrev=False,
        description="Estimate a stack's monthly bill under a given load.",
    )
    parser.add_argument(
        "--stack", default="staging", help="the stack whose config is used (default: staging)"
    )
    for each in options().values():
        parser.add_argument(
            option(each.name),
            type=int if "int" in str(each.type) else float,
            help=_help(each),
            required=is_required(each),
            default=None if is_required(each) else each.default,
        )
    parser.add_argument("--json", action="store_true", help="print every line, unrounded, as JSON")
    return parser


def _help(each: Field[Any]) -> str:
    about = each.metadata["about"]
    if is_required(each) or each.default is None:
        return about
    return f"{about} (default: {each.default:g})"


if __name__ == "__main__":
    sys.exit(main())
