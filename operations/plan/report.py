"""The whole answer in each form: text, Markdown for a workflow's job summary, JSON."""

import json
import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

from operations.plan.comparison import Comparison, described, in_order
from operations.plan.recording import Recording
from operations.plan.tree import comparison_lines, plan_lines
from operations.plan.wording import counted

# Without an account nobody knows them.
STAND_INS = "ARNs and hashes of ids are stand-ins: … is the account and Region."


class Plan:
    """What each stack consists of."""

    def __init__(self, recordings: Sequence[Recording]) -> None:
        self._recordings = recordings
        self.blocks = [plan_lines(each) for each in recordings]
        made = sum(len(each.made) for each in recordings)
        total = f"{counted(made, 'resource')} in {counted(len(recordings), 'stack')}"
        self.last_line = f"Total: {total}. {STAND_INS}"

    def as_json(self) -> dict[str, Any]:
        """By stack, with whole inputs."""
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
    """What each stack becomes; `against` is the label of the old side."""

    def __init__(self, comparisons: Sequence[Comparison], against: str) -> None:
        self.comparisons, self._against = comparisons, against
        self.blocks = [comparison_lines(each) for each in comparisons]
        total: Counter[str] = Counter()
        for each in comparisons:
            total.update(each.counts)
        counts = ", ".join(f"{number} {what}" for what, number in total.items())
        self.last_line = f"Total against {against}: {counts}. {STAND_INS}"

    def as_json(self) -> dict[str, Any]:
        """By stack, with whole values."""
        stacks = [each.as_json() for each in self.comparisons]
        return {"against": self._against, "stacks": stacks}


def text(report: Plan | Difference) -> str:
    """For a terminal."""
    return "\n\n".join(["\n".join(lines) for lines in report.blocks] + [report.last_line])


def json_text(report: Plan | Difference) -> str:
    """For machines."""
    return json.dumps(report.as_json(), indent=2, sort_keys=True, ensure_ascii=False)


def markdown(report: Plan | Difference) -> str:
    """One folded block a stack, coloured as a diff."""
    blocks = [_block(lines) for lines in report.blocks]
    return "\n\n".join([*blocks, report.last_line])


def _block(lines: list[str]) -> str:
    # GitHub colours + - and !, and a fence has to be longer than any inside.
    body = "\n".join(re.sub("^~", "!", line) for line in lines[1:])
    fence = "`" * max(3, *(len(each) + 1 for each in re.findall("`+", body) or [""]))
    return f"<details><summary>{lines[0]}</summary>\n\n{fence}diff\n{body}\n{fence}\n\n</details>"
