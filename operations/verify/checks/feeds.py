"""The queues, and the event source mappings that feed functions from them and from no others."""

from collections.abc import Iterator
from typing import Any

from operations.verify.checks.queues import queues
from operations.verify.scene import FUNCTION, Scene
from operations.verify.verdicts import Verdict, right, wrong

MAPPING = "aws:lambda/eventSourceMapping:EventSourceMapping"
ENABLED = "Enabled"


def feeds(scene: Scene) -> Iterator[Verdict]:
    functions = scene.declared.named(FUNCTION)
    live = {
        (mapping["EventSourceArn"], _function(mapping["FunctionArn"])): mapping
        for mapping in _mappings(scene)
        if _function(mapping["FunctionArn"]) in functions
    }
    enabled = 0
    for inputs in scene.declared.of(MAPPING).values():
        queue, function = inputs["eventSourceArn"], _function(inputs["functionName"])
        subject = f"queue {_last(queue)} into {function}"
        mapping = live.pop((queue, function), None)
        if mapping is None:
            yield wrong(
                subject, "has no event source mapping: nothing is read", scene.deployment.repair
            )
        elif mapping["State"] != ENABLED:
            yield wrong(
                subject,
                f"its mapping is {mapping['State']}",
                f"aws lambda update-event-source-mapping --uuid {mapping['UUID']} --enabled",
            )
        elif mapping["BatchSize"] != inputs["batchSize"]:
            yield wrong(
                subject,
                f"takes {mapping['BatchSize']} at once, declared is {inputs['batchSize']}",
                scene.deployment.repair,
            )
        else:
            enabled += 1
    for (source, function), mapping in live.items():
        yield wrong(
            f"{_last(source)} into {function}",
            "feeds the function, which the program does not declare",
            f"aws lambda delete-event-source-mapping --uuid {mapping['UUID']}",
        )
    if enabled:
        yield right("queues into functions", f"{enabled} enabled, as declared")
    yield from queues(scene)


def _mappings(scene: Scene) -> list[dict[str, Any]]:
    pages = scene.deployment.client("lambda").get_paginator("list_event_source_mappings").paginate()
    return [mapping for page in pages for mapping in page["EventSourceMappings"]]


def _function(arn: str) -> str:
    """The name in a function's ARN, which may end in a version or alias, or the name itself."""
    return arn.split(":")[6] if arn.startswith("arn:") else arn


def _last(arn: str) -> str:
    return arn.rpartition(":")[2]
