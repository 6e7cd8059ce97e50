"""The queues, and the event source mappings that connect them to functions."""

import json
from collections.abc import Iterator
from typing import Any

from operations.verify.context import ABSENT, FUNCTION, Context, compare_each
from operations.verify.verdicts import Verdict, differences, right, wrong

MAPPING = "aws:lambda/eventSourceMapping:EventSourceMapping"
QUEUE = "aws:sqs/queue:Queue"
ENABLED = "Enabled"


def queues(context: Context) -> Iterator[Verdict]:
    """Compare the event source mappings, then each queue, with what is declared."""
    functions = context.declared.named(FUNCTION)
    live = {
        (mapping["EventSourceArn"], _function(mapping["FunctionArn"])): mapping
        for mapping in _mappings(context)
        if _function(mapping["FunctionArn"]) in functions
    }
    enabled = 0
    for inputs in context.declared.of(MAPPING).values():
        queue, function = inputs["eventSourceArn"], _function(inputs["functionName"])
        subject = f"queue {_last(queue)} to {function}"
        mapping = live.pop((queue, function), None)
        if mapping is None:
            yield wrong(
                subject,
                "has no event source mapping: its messages are not read",
                context.deployment.repair,
            )
        elif mapping["FunctionArn"] != inputs["functionName"]:
            yield wrong(
                subject,
                f"invokes {mapping['FunctionArn']}, declared is {inputs['functionName']}",
                context.deployment.repair,
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
                f"batch size is {mapping['BatchSize']}, declared is {inputs['batchSize']}",
                context.deployment.repair,
            )
        else:
            enabled += 1
    for (source, function), mapping in live.items():
        yield wrong(
            f"{_last(source)} to {function}",
            "feeds the function, but is not declared",
            f"aws lambda delete-event-source-mapping --uuid {mapping['UUID']}",
        )
    if enabled:
        yield right("event source mappings", f"{enabled} enabled, as declared")
    yield from queue_attributes(context)


def _mappings(context: Context) -> list[dict[str, Any]]:
    pages = (
        context.deployment.client("lambda").get_paginator("list_event_source_mappings").paginate()
    )
    return [mapping for page in pages for mapping in page["EventSourceMappings"]]


def _function(arn: str) -> str:
    """The name in a function's ARN, which may end in a version or alias, or the name itself."""
    return arn.split(":")[6] if arn.startswith("arn:") else arn


def _last(arn: str) -> str:
    return arn.rpartition(":")[2]


def queue_attributes(context: Context) -> Iterator[Verdict]:
    """Compare the attributes of each queue."""
    sqs = context.deployment.client("sqs")

    def fault(name: str, inputs: dict[str, Any]) -> str:
        try:
            url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
        except sqs.exceptions.QueueDoesNotExist:
            return ABSENT
        answer = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])
        return differences(_declared(inputs), _shape(answer.get("Attributes", {})))

    return compare_each(
        context,
        QUEUE,
        "queue",
        fault,
        if_right="as declared: delay, retention, visibility timeout, encryption, redrive",
    )


def _declared(inputs: dict[str, Any]) -> dict[str, Any]:
    """The declared attributes, as `_shape` has them; unset inputs are SQS's defaults."""
    return {
        "DelaySeconds": inputs.get("delaySeconds", 0),
        "MessageRetentionPeriod": inputs.get("messageRetentionSeconds", 345_600),
        "VisibilityTimeout": inputs.get("visibilityTimeoutSeconds", 30),
        "SqsManagedSseEnabled": inputs.get("sqsManagedSseEnabled", True),
        "KmsMasterKeyId": inputs.get("kmsMasterKeyId"),
        "RedrivePolicy": _redrive(inputs.get("redrivePolicy")),
    }


def _shape(attributes: dict[str, str]) -> dict[str, Any]:
    """The live attributes, which SQS returns as strings."""
    numbers = ("DelaySeconds", "MessageRetentionPeriod", "VisibilityTimeout")
    return {
        **{name: int(attributes[name]) for name in numbers if name in attributes},
        "SqsManagedSseEnabled": attributes.get("SqsManagedSseEnabled") == "true",
        "KmsMasterKeyId": attributes.get("KmsMasterKeyId") or None,
        "RedrivePolicy": _redrive(attributes.get("RedrivePolicy")),
    }


def _redrive(text: str | None) -> tuple[str, int] | None:
    """The target, and after how many receives; SQS also accepts the number as a string."""
    if not text:
        return None
    policy = json.loads(text)
    return policy["deadLetterTargetArn"], int(policy["maxReceiveCount"])
