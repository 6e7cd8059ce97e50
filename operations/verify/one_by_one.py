"""Resources of a type, compared one by one: a verdict on each at fault, and one on all others."""

from collections.abc import Callable, Iterator
from typing import Any

from operations.verify.scene import Scene
from operations.verify.verdicts import Verdict, right, wrong

ABSENT = "does not exist"
Fault = Callable[[str, dict[str, Any]], str]
"""What is wrong with the resource of that physical name and these inputs, "" for nothing."""


def one_by_one(
    scene: Scene, token: str, kind: str, fault_of: Fault, *, if_right: str
) -> Iterator[Verdict]:
    """`kind` is what people call one of them, `if_right` what those without a fault do."""
    as_declared = 0
    for name, inputs in scene.declared.named(token).items():
        if fault := fault_of(name, inputs):
            yield wrong(f"{kind} {name}", fault, scene.deployment.repair)
        else:
            as_declared += 1
    if as_declared:
        yield right(f"{kind}s", f"{as_declared} {if_right}")
