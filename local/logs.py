"""`make local-logs`: follow what the functions of the running local cloud log."""

import argparse
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from client.account import Account
from client.running_cloud import is_held, not_running, running_outputs
from local.function_logs import LogLine, read_log

POLL_SECONDS = 0.5
# A line may become visible after a later line of another invocation.
OVERLAP_MS = 5_000


def main(arguments: list[str] | None = None) -> int:
    """Return the exit code: 1 if no local cloud is running, or the function is unknown."""
    options = _options(arguments)
    running = running_outputs(name=options.cloud)
    if running is None:
        print(not_running(options.cloud), file=sys.stderr)
        return 1
    folder, outputs = running
    groups: dict[str, str] = outputs["logGroupNames"]
    if options.function and options.function not in groups:
        print(f"unknown function {options.function!r}; known: {', '.join(groups)}", file=sys.stderr)
        return 1
    chosen = {options.function: groups[options.function]} if options.function else groups
    logs = Account.load(folder).client("logs")
    print(f"following the local cloud of {folder.name}/ (Ctrl-C ends)", file=sys.stderr)
    with suppress(KeyboardInterrupt):
        follow(logs, chosen, options.all, lambda: is_held(folder))
    return 0


def follow(
    logs: Any, groups: Mapping[str, str], with_all: bool, is_alive: Callable[[], bool]
) -> None:
    """Print new lines of the log groups (entry → name) until `is_alive` returns False."""
    printed: set[LogLine] = set()
    since_ms = int(time.time() * 1000)
    while is_alive():
        unprinted = [
            (line, entry)
            for entry, group in groups.items()
            for line in read_log(logs, group, since_ms - OVERLAP_MS)
            if line not in printed
        ]
        for line, entry in sorted(unprinted, key=lambda item: item[0].timestamp_ms):
            printed.add(line)
            since_ms = max(since_ms, line.timestamp_ms)
            if with_all or not (line.is_of_lambda or line.is_metrics):
                print(line.for_people(entry), flush=True)
        time.sleep(POLL_SECONDS)


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="local.logs", description=__doc__)
    parser.add_argument(
        "--cloud",
        metavar="FOLDER",
        help="the local cloud's folder (.local)",
    )
    parser.add_argument("--function", metavar="NAME", help="only this entry module's function")
    parser.add_argument(
        "--all", action="store_true", help="metrics and Lambda's own START, END, REPORT lines too"
    )
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
