"""List what the program declares, or how it differs from a git revision.

Exit status: 0 if there is a plan, with or without differences; 2 if there is none.
"""

import argparse
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from operations.plan.checkout import Checkout, revision_checkout
from operations.plan.comparison import Comparison
from operations.plan.recording import PlanError, Recording
from operations.plan.report import Difference, Plan, json_text, markdown, text

ROOT = Path(__file__).resolve().parents[2]
FORMS = {"text": text, "json": json_text, "markdown": markdown}


def main(arguments: Sequence[str] | None = None, root: Path = ROOT) -> int:
    """Print the plan of the checkout at `root`; return the exit status."""
    options = _options(arguments)
    try:
        overrides = dict(_setting(each) for each in options.config)
        here = Checkout(root, "the working tree")
        if options.against is None:
            report = plan(here, options.stack, overrides)
        else:
            report = difference(here, options.against, options.stack, overrides)
    except PlanError as error:
        print(f"plan: {error}", file=sys.stderr)
        return 2
    print(FORMS[options.form](report))
    return 0


def plan(here: Checkout, stacks: Sequence[str], overrides: Mapping[str, str]) -> Plan:
    """The plan of the given stacks, or of all if none is given; raises `PlanError`."""
    chosen = _chosen(stacks, here.stacks())
    return Plan(list(here.record(chosen, overrides, preview=True).values()))


def difference(
    here: Checkout, revision: str, stacks: Sequence[str], overrides: Mapping[str, str]
) -> Difference:
    """The difference from the revision to the current checkout; raises `PlanError`."""
    with revision_checkout(here.root, revision) as there, ThreadPoolExecutor() as threads:
        sides = {here: here.stacks(), there: there.stacks()}
        chosen = _chosen(stacks, sorted({each for known in sides.values() for each in known}))
        new_stacks = [each for each in chosen if each in sides[here]]
        old_stacks = [each for each in chosen if each in sides[there]]
        old = threads.submit(there.record, old_stacks, preview=False)
        new = here.record(new_stacks, overrides, preview=True)
        comparisons = [
            Comparison(
                old.result().get(each, Recording(stack=each)), new.get(each, Recording(stack=each))
            )
            for each in chosen
        ]
        return Difference(comparisons, there.label)


def _chosen(wanted: Sequence[str], known: list[str]) -> list[str]:
    for each in wanted:
        if each not in known:
            raise PlanError(
                f"--stack {each}: there is no Pulumi.{each}.yaml; the stacks are"
                f" {', '.join(known) or 'none'}."
            )
    return list(dict.fromkeys(wanted)) or known


def _setting(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not key or not equals:
        raise PlanError(
            f"--config {text}: must be KEY=VALUE, such as periodicStatus=false; a list is"
            ' JSON, such as removedRoutes=["sendAudio"].'
        )
    return key, value


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make plan", description=__doc__)
    parser.add_argument(
        "--stack",
        action="append",
        default=[],
        help="a committed stack; may be repeated (default: all)",
    )
    parser.add_argument(
        "--against", metavar="REVISION", help="show the difference from this git revision"
    )
    parser.add_argument(
        "--config",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="try a setting in the working tree, overriding Pulumi.<stack>.yaml",
    )
    forms = parser.add_mutually_exclusive_group()
    for form in ("json", "markdown"):
        forms.add_argument(f"--{form}", action="store_const", dest="form", const=form)
    parser.set_defaults(form="text")
    return parser.parse_args(arguments)


def _stop(number: int, _frame: object) -> None:
    sys.exit(128 + number)


if __name__ == "__main__":
    # As exceptions, so that temporary folders are removed.
    signal.signal(signal.SIGTERM, _stop)
    signal.signal(signal.SIGINT, _stop)
    try:
        status = main()
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader, such as `head`, has closed the pipe.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = 0
    sys.exit(status)
