"""Plans and differences for people, as text or Markdown, and for machines, as JSON."""

import json
import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from operations.plan.comparison import Changed, Comparison, described, in_order
from operations.plan.recording import Recording, Resource, natural
from operations.plan.shown_inputs import shown_inputs
from operations.plan.wording import counted, worded

Path = tuple[str, ...]
# Without an account the real values are unknown.
STAND_INS = "ARNs and hashes of ids are stand-ins: … is the account and Region."


@dataclass(frozen=True)
class Entry:
    """One line under a component, followed by its detail lines."""

    component: Path
    text: str
    mark: str = " "
    details: tuple[str, ...] = ()


def plan_lines(recording: Recording) -> list[str]:
    """Every resource of the stack under its component."""
    entries = [Entry(recording.components_above(each), _line(each)) for each in in_order(recording)]
    within = Counter(
        each.component[:depth] for each in entries for depth in range(len(each.component) + 1)
    )
    return [
        f"{recording.stack}: {counted(len(entries), 'resource')} in"
        f" {counted(len(recording.component_paths()), 'component')}",
        *_tree(entries, recording.component_paths(), counts=within),
        f"  outputs: {', '.join(recording.outputs)}",
    ]


def comparison_lines(comparison: Comparison) -> list[str]:
    """Every difference under its component; the first line has the counts."""
    old, new = comparison.old, comparison.new
    entries = [
        *(Entry(old.components_above(each), _line(each), "-") for each in comparison.removed),
        *(Entry(new.components_above(each), _line(each), "+") for each in comparison.added),
        *(_changed(new.components_above(each.resource), each) for each in comparison.changed),
        *(Entry((), f"output {each}", "-") for each in comparison.outputs_removed),
        *(Entry((), f"output {each}", "+") for each in comparison.outputs_added),
    ]
    marks = {
        **dict.fromkeys(old.component_paths() - new.component_paths(), "-"),
        **dict.fromkeys(new.component_paths() - old.component_paths(), "+"),
    }
    above = ((each.component, len(each.component)) for each in entries)
    touched = {path[: depth + 1] for path, depths in above for depth in range(depths)} | set(marks)
    counts = ", ".join(f"{number} {what}" for what, number in comparison.counts.items())
    return [f"{new.stack}: {counts}", *_tree(entries, touched, marks=marks)]


def _changed(component: Path, changed: Changed) -> Entry:
    title = f"{changed.resource.title} ({changed.effect})"
    return Entry(component, title, "~", tuple(worded(each) for each in changed.changes))


def _line(resource: Resource) -> str:
    shown = shown_inputs(resource)
    return f"{resource.title}: {shown}" if shown else resource.title


def _tree(
    entries: list[Entry],
    components: Collection[Path],
    *,
    marks: Mapping[Path, str] | None = None,
    counts: Mapping[Path, int] | None = None,
    here: Path = (),
) -> Iterator[str]:
    """The entries of the component `here`, then each component inside it."""
    indent = "  " * (len(here) + 1)
    for each in entries:
        if each.component == here:
            yield f"{each.mark}{indent[1:]}{each.text}"
            yield from (f" {indent[1:]}    {detail}" for detail in each.details)
    inner = {each for each in components if each[:-1] == here and each}
    for path in sorted(inner, key=lambda each: natural(each[-1])):
        count = f" ({counts[path]})" if counts else ""
        yield f"{(marks or {}).get(path, ' ')}{indent[1:]}{path[-1]}{count}"
        yield from _tree(entries, components, marks=marks, counts=counts, here=path)


class Plan:
    """The resources of each stack."""

    def __init__(self, recordings: Sequence[Recording]) -> None:
        self._recordings = recordings
        self.blocks = [plan_lines(each) for each in recordings]
        made = sum(len(each.made) for each in recordings)
        total = f"{counted(made, 'resource')} in {counted(len(recordings), 'stack')}"
        self.last_line = f"Total: {total}. {STAND_INS}"

    def as_json(self) -> dict[str, Any]:
        """By stack, with complete inputs."""
        return {
            "stacks": [
                {
                    "stack": each.stack,
                    "outputs": list(each.outputs),
                    "resources": [described(each, resource) for resource in in_order(each)],
                }
                for each in self._recordings
            ]
        }


class Difference:
    """The changes to each stack; `against` is the label of the old side."""

    def __init__(self, comparisons: Sequence[Comparison], against: str) -> None:
        self.comparisons, self._against = comparisons, against
        self.blocks = [comparison_lines(each) for each in comparisons]
        total: Counter[str] = Counter()
        for each in comparisons:
            total.update(each.counts)
        counts = ", ".join(f"{number} {what}" for what, number in total.items())
        self.last_line = f"Total against {against}: {counts}. {STAND_INS}"

    def as_json(self) -> dict[str, Any]:
        """By stack, with complete values."""
        stacks = [each.as_json() for each in self.comparisons]
        return {"against": self._against, "stacks": stacks}


def text(report: Plan | Difference) -> str:
    """As plain text for a terminal."""
    return "\n\n".join(["\n".join(lines) for lines in report.blocks] + [report.last_line])


def json_text(report: Plan | Difference) -> str:
    """As indented JSON."""
    return json.dumps(report.as_json(), indent=2, sort_keys=True, ensure_ascii=False)


def markdown(report: Plan | Difference) -> str:
    """For a workflow's job summary: one folded block per stack, coloured as a diff."""
    blocks = [_block(lines) for lines in report.blocks]
    return "\n\n".join([*blocks, report.last_line])


def _block(lines: list[str]) -> str:
    # GitHub colours lines with +, - and !; the fence must be longer than any in the body.
    body = "\n".join(re.sub("^~", "!", line) for line in lines[1:])
    fence = "`" * max(3, *(len(each) + 1 for each in re.findall("`+", body) or [""]))
    return f"<details><summary>{lines[0]}</summary>\n\n{fence}diff\n{body}\n{fence}\n\n</details>"
