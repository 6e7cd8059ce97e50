"""A plan and a difference as indented text, component by component.

Marks stand in the first column, so that the same lines are a diff in Markdown.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from operations.plan.comparison import Changed, Comparison, in_order
from operations.plan.recording import Recording, Resource, natural
from operations.plan.shown_inputs import shown_inputs
from operations.plan.wording import counted, replaces, worded

Path = tuple[str, ...]


@dataclass(frozen=True)
class Entry:
    """One line under a component, with lines that belong to it."""

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
    """What is not the same, under its component; the first line counts."""
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
    short_type = changed.resource.short_type
    is_new = any(replaces(short_type, each) for each in changed.changes)
    title = changed.resource.title + (" (replaced by a new one)" if is_new else "")
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
    """What is in `here` itself, then each component in it."""
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
