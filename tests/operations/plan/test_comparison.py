"""Resources that Pulumi finds by an alias are renamed, not removed and made again."""

from typing import Any

from operations.plan.comparison import Comparison
from operations.plan.recording import Recording, Resource

QUEUE = "aws:sqs/queue:Queue"


def queue(name: str, *former: str, **inputs: Any) -> Resource:
    return Resource(
        urn=f"{QUEUE}::{name}",
        parent="",
        typ=QUEUE,
        name=name,
        custom=True,
        inputs=inputs,
        former_urns=tuple(f"{QUEUE}::{each}" for each in former),
    )


def compared(old: list[Resource], new: list[Resource]) -> Comparison:
    return Comparison(
        Recording(stack="one", resources=tuple(old)), Recording(stack="one", resources=tuple(new))
    )


def test_a_renamed_resource_is_compared_with_what_it_was() -> None:
    comparison = compared(
        [queue("ticks-30s", delaySeconds=30), queue("ticks-45s")],
        [queue("ticks-1", "ticks-12s", "ticks-30s", delaySeconds=12), queue("ticks-2")],
    )
    assert [each.name for each in comparison.removed] == ["ticks-45s"]
    assert [each.name for each in comparison.added] == ["ticks-2"]
    (changed,) = comparison.changed
    assert changed.resource.name == "ticks-1"
    assert [each.path for each in changed.changes] == ["delaySeconds"]
    assert comparison.counts == {"added": 1, "removed": 1, "changed": 1, "same": 0}


def test_an_alias_means_nothing_once_the_resource_has_its_new_name() -> None:
    comparison = compared([queue("ticks-1"), queue("ticks-30s")], [queue("ticks-1", "ticks-30s")])
    assert [each.name for each in comparison.removed] == ["ticks-30s"]
    assert comparison.counts == {"added": 0, "removed": 1, "changed": 0, "same": 1}
