"""How each queue delays, keeps, hides, encrypts and gives up its messages."""

import json
from collections.abc import Iterator
from typing import Any

from operations.verify.one_by_one import ABSENT, one_by_one
from operations.verify.scene import Scene
from operations.verify.verdicts import Verdict, differences

QUEUE = "aws:sqs/queue:Queue"


def queues(scene: Scene) -> Iterator[Verdict]:
    sqs = scene.deployment.client("sqs")

    def fault(name: str, inputs: dict[str, Any]) -> str:
        try:
            url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
        except sqs.exceptions.QueueDoesNotExist:
            return ABSENT
        answer = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])
        return differences(_declared(inputs), _shape(answer.get("Attributes", {})))

    return one_by_one(
        scene, QUEUE, "queue", fault, if_right="delay, keep, hide and give up as declared"
    )


def _declared(inputs: dict[str, Any]) -> dict[str, Any]:
    """As `_shape`; what Pulumi leaves out is SQS's default."""
    return {
        "DelaySeconds": inputs.get("delaySeconds", 0),
        "MessageRetentionPeriod": inputs.get("messageRetentionSeconds", 345_600),
        "VisibilityTimeout": inputs.get("visibilityTimeoutSeconds", 30),
        "SqsManagedSseEnabled": inputs.get("sqsManagedSseEnabled", True),
        "KmsMasterKeyId": inputs.get("kmsMasterKeyId"),
        "RedrivePolicy": _redrive(inputs.get("redrivePolicy")),
    }


def _shape(attributes: dict[str, str]) -> dict[str, Any]:
    """SQS tells every attribute as text."""
    numbers = ("DelaySeconds", "MessageRetentionPeriod", "VisibilityTimeout")
    return {
        **{name: int(attributes[name]) for name in numbers if name in attributes},
        "SqsManagedSseEnabled": attributes.get("SqsManagedSseEnabled") == "true",
        "KmsMasterKeyId": attributes.get("KmsMasterKeyId") or None,
        "RedrivePolicy": _redrive(attributes.get("RedrivePolicy")),
    }


def _redrive(text: str | None) -> tuple[str, int] | None:
    """Whereto, and after how many receives; SQS takes the number as text too."""
    if not text:
        return None
    policy = json.loads(text)
    return policy["deadLetterTargetArn"], int(policy["maxReceiveCount"])
