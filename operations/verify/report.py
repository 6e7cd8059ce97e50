"""The rows as a table and as JSON."""

import json
from collections import Counter
from collections.abc import Sequence
from typing import TextIO

from rich.console import Console
from rich.table import Table
from rich.text import Text

from operations.verify.verdicts import Result, Row

COLOURS = {
    Result.RIGHT: "green",
    Result.WRONG: "bold red",
    Result.NOT_TRIED: "yellow",
    Result.NOT_CHECKED: "bold magenta",
    Result.UNKNOWN: "bold magenta",
}
PLAIN_WIDTH = 160


def exit_status(rows: Sequence[Row]) -> int:
    """1 if something is wrong, else 2 if something could not be checked, else 0."""
    results = {row.verdict.result for row in rows}
    if Result.WRONG in results:
        return 1
    return 2 if results & {Result.NOT_CHECKED, Result.UNKNOWN} else 0


def write_table(rows: Sequence[Row], stream: TextIO) -> None:
    """Write the table, as wide as the terminal, or PLAIN_WIDTH if the stream is not one."""
    console = Console(file=stream, width=None if stream.isatty() else PLAIN_WIDTH)
    table = Table(show_lines=False, pad_edge=False, box=None)
    for heading in ("check", "result", "subject", "found", "what to do"):
        table.add_column(heading, overflow="fold")
    for row in rows:
        verdict = row.verdict
        table.add_row(
            row.check,
            Text(verdict.result.value, style=COLOURS[verdict.result]),
            Text(verdict.subject),
            Text(verdict.seen),
            Text(verdict.way_out),
        )
    console.print(table)
    console.print(summary(rows), highlight=False)


def write_json(stack: str, rows: Sequence[Row], stream: TextIO) -> None:
    """Write the stack, the exit status and the rows as one JSON document."""
    document = {
        "stack": stack,
        "exitStatus": exit_status(rows),
        "rows": [row.as_json() for row in rows],
    }
    stream.write(json.dumps(document, indent=2) + "\n")


def summary(rows: Sequence[Row]) -> str:
    """Text such as `18 ok, 1 WRONG`."""
    counts = Counter(row.verdict.result for row in rows)
    return ", ".join(f"{counts[result]} {result.value}" for result in Result if counts[result])
