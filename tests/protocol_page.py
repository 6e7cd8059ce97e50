"""docs/protocol.md as data: the facts in its tables, and the messages of its example."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PAGE = Path(__file__).parents[1] / "docs" / "protocol.md"

NAME = re.compile(r"`([^`]+)`")
LINK = re.compile(r"\[([^\]]+)\](?:\([^)]+\)|\[[^\]]+\])")
BLOCK = re.compile(r"^ *```.*?^ *```$", re.DOTALL | re.MULTILINE)
EXAMPLE = re.compile(r"^```text\n(.*?)^```", re.DOTALL | re.MULTILINE)
EXAMPLE_LINE = re.compile(r"(?P<who>\w+(?: \d)?) +(?:(?P<arrow>[→←]) (?P<message>\{)|closes)")


def tables(page: str) -> Iterator[tuple[str, list[str], list[list[str]]]]:
    """Yields each table as `(heading above it, header cells, rows)`."""
    heading, block = "", []
    for line in [*page.splitlines(), ""]:
        if line.startswith("|"):
            block.append([cell.strip() for cell in line.strip().strip("|").split("|")])
        elif block:
            header, _, *rows = block
            yield heading, header, rows
            block = []
        if line.startswith("#"):
            heading = line.lstrip("# ")


def prose(page: str) -> str:
    """Returns the page up to its example, without blocks of code."""
    return BLOCK.sub("", page[: page.index("```text")])


def plain(cell: str) -> str:
    """Replaces links by their text."""
    return LINK.sub(r"\1", cell)


def only_name(cell: str) -> str:
    """Returns the one `quoted` name of a cell; raises ValueError if there is not exactly one."""
    [name] = NAME.findall(cell)
    return name


def page_facts(page: str) -> set[str]:
    """Returns the facts in the page's tables and list of languages, worded like `code_facts`."""
    facts: set[str] = set()
    for heading, header, rows in tables(page):
        first = plain(header[0])
        if first == "action":
            facts.update(fact for row in rows for fact in action_facts_of(row))
        elif first == "every message":
            facts.update(f"message: {plain(' | '.join(row))}" for row in rows)
        elif first == "every frame":
            facts.update(f"frame: {only_name(row[0])} is {plain(row[1])}" for row in rows)
        elif first in ("speaker's field", "listener's field"):
            sender = f"{only_name(heading)} of a {first.removesuffix(chr(39) + 's field')}"
            facts.update(f"{sender}: {' | '.join(row)}" for row in rows)
        elif first == "error code":
            facts.update(error_fact_of(row) for row in rows)
        elif first == "limit":
            facts.update(f"config {only_name(key)} is {default}" for _, key, default in rows)
        elif first == "source language":
            facts.update(f"Source language {plain(' | '.join(row))}" for row in rows)
        elif header[1] == "when":
            facts.update(f"{only_name(first)} {only_name(row[0])}" for row in rows)
        elif header[1] == "type":
            facts.update(
                f"{frame}: {only_name(row[0])} is {plain(row[1])}"
                for frame in NAME.findall(first)
                for row in rows
            )
    [codes] = re.findall(r"Target languages:\n((?:`.*\n)+)", page)
    facts.update(f"Target language {code}" for code in NAME.findall(codes))
    return facts


def error_fact_of(row: list[str]) -> str:
    """Reads a row of the table of meanings (three cells) or of the table of details (two)."""
    code = only_name(row[0])
    return f"code {code}" if len(row) == 3 else f"details of {code}: {sorted(NAME.findall(row[1]))}"


def action_facts_of(row: list[str]) -> Iterator[str]:
    action, who, also = only_name(row[0]), row[1], row[3]
    reply = row[2] if row[2] == "none" else only_name(row[2])
    roles = ["speaker", "listener"] if who == "both" else [who]
    yield from (f"{action} is for the {role}" for role in roles)
    yield f"{action} is answered by {reply}"
    for part in filter(None, also.split("; ")):
        receiver, _, frames = part.partition(": ")
        names = [reply] if frames == "the same" else NAME.findall(frames)
        yield from (f"{action} sends {receiver}: {name}" for name in names)


def language_tags(page: str) -> list[tuple[str, str]]:
    """Returns the tags of the page's table with the languages that they stand for.

    A row has one language for all its tags, or one for each.
    """
    found: list[tuple[str, str]] = []
    for _, header, rows in tables(page):
        if header[0] == "language tag":
            for sent, supported, _ in rows:
                tags, codes = NAME.findall(sent), NAME.findall(supported)
                found += zip(tags, codes * (len(tags) if len(codes) == 1 else 1), strict=True)
    return found


def config_keys(page: str) -> set[str]:
    """Returns the config keys in the table of limits."""
    return {
        only_name(row[1])
        for _, header, rows in tables(page)
        if header[0] == "limit"
        for row in rows
    }


@dataclass(frozen=True)
class Step:
    """One line of the example; with neither message, the client closes its socket."""

    client: str
    sent: dict[str, Any] | None = None
    received: dict[str, Any] | None = None


def example(page: str) -> list[Step]:
    """Returns the steps of the example; indented lines continue the message above them."""
    [text] = EXAMPLE.findall(page)
    steps: list[list[str]] = []
    for line in text.splitlines():
        if line.startswith(" "):
            steps[-1].append(line)
        elif line and not line.startswith("#"):
            steps.append([line])
    return [step_of(" ".join(lines)) for lines in steps]


def step_of(line: str) -> Step:
    found = EXAMPLE_LINE.match(line)
    if found is None:
        raise ValueError(f"not a line of the example: {line}")
    if not found["arrow"]:
        return Step(found["who"])
    message = json.loads(line[found.start("message") :])
    return (
        Step(found["who"], sent=message)
        if found["arrow"] == "→"
        else Step(found["who"], received=message)
    )
