"""What the engine did in one operation, from its own event stream."""

import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pulumi.automation import EngineEvent, OpType

# Steps on resources that stay as they are; `refresh` steps say so by their outcome.
UNCHANGED = frozenset({OpType.SAME, OpType.READ, OpType.REFRESH})


@dataclass(kw_only=True)
class Step:
    """One step on one resource.

    `type` is such as `aws:sqs/queue:Queue`, `name` the resource's name in the program. `began` and
    `ended` are positions in the engine's stream of events: a step A came before a step B if
    `A.ended < B.began`. `ended` is None if the step failed or was never finished. `changed` are the
    inputs that differ, `replaced_by` those of them that need a new resource.
    """

    op: OpType
    type: str
    name: str
    urn: str
    old_inputs: Mapping[str, Any]
    inputs: Mapping[str, Any]
    changed: Collection[str]
    replaced_by: Collection[str]
    began: int
    ended: int | None = None

    def __str__(self) -> str:
        reasons = ", ".join(sorted(self.changed))
        return f"{self.op.value} {self.type} {self.name}" + (f" ({reasons})" if reasons else "")


@dataclass
class Steps:
    """The steps of one operation in the order in which they began, and the errors it reported.

    Components and the stack itself have steps as well; `of` and `changes` leave them out.
    """

    all: list[Step] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    watch: Callable[[Step], object] | None = None
    """Called when a step begins, while the operation waits for no answer."""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def changes(self) -> list[Step]:
        """Every step that changed, or in a preview would change, a resource of AWS."""
        return [step for step in self.of() if step.op not in UNCHANGED]

    def of(self, *ops: OpType, type: str | None = None, name: str | None = None) -> list[Step]:
        """The steps on resources of AWS; `type` is written as `lambda/function`."""
        return [step for step in self._of_aws() if _matches(step, ops, type, name)]

    def names(self, *ops: OpType, type: str | None = None) -> set[str]:
        """The names of the resources that have such a step."""
        return {step.name for step in self.of(*ops, type=type)}

    def __str__(self) -> str:
        return "\n".join([str(step) for step in self.changes] + self.errors) or "no changes"

    def _of_aws(self) -> Iterator[Step]:
        return (step for step in self.all if step.type.startswith("aws:"))

    def record(self, event: EngineEvent) -> None:
        """Takes one event of the engine's stream; the Automation API calls it on its threads."""
        with self._lock:
            began = self._recorded(event)
        if began and self.watch:
            self.watch(began)

    def _recorded(self, event: EngineEvent) -> Step | None:
        if event.resource_pre_event:
            at = event.resource_pre_event.metadata
            step = Step(
                op=at.op,
                type=at.type,
                name=at.urn.rpartition("::")[2],
                urn=at.urn,
                old_inputs=(at.old.inputs if at.old else None) or {},
                inputs=(at.new.inputs if at.new else None) or {},
                changed=frozenset(at.diffs or ()),
                replaced_by=frozenset(at.keys or ()),
                began=event.sequence,
            )
            self.all.append(step)
            return step
        if event.res_outputs_event:
            at = event.res_outputs_event.metadata
            step = next(
                (each for each in reversed(self.all) if (each.urn, each.op) == (at.urn, at.op)),
                None,
            )
            if step:
                step.ended = event.sequence
        if event.diagnostic_event and event.diagnostic_event.severity == "error":
            self.errors.append(event.diagnostic_event.message)
        return None


def _matches(step: Step, ops: Collection[OpType], type: str | None, name: str | None) -> bool:
    return (
        (not ops or step.op in ops)
        and (type is None or step.type.startswith(f"aws:{type}:"))
        and (name is None or step.name == name)
    )
