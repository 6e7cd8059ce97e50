"""SQS queues and their policies."""

from typing import Any

from client.account import Account
from local.deployer.resource import Created, Kind, Resource

# Pulumi's input name → the queue attribute's name.
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html
ATTRIBUTES = {
    "contentBasedDeduplication": "ContentBasedDeduplication",
    "delaySeconds": "DelaySeconds",
    "fifoQueue": "FifoQueue",
    "kmsDataKeyReusePeriodSeconds": "KmsDataKeyReusePeriodSeconds",
    "kmsMasterKeyId": "KmsMasterKeyId",
    "maxMessageSize": "MaximumMessageSize",
    "messageRetentionSeconds": "MessageRetentionPeriod",
    "policy": "Policy",
    "receiveWaitTimeSeconds": "ReceiveMessageWaitTimeSeconds",
    "redriveAllowPolicy": "RedriveAllowPolicy",
    "redrivePolicy": "RedrivePolicy",
    "sqsManagedSseEnabled": "SqsManagedSseEnabled",
    "visibilityTimeoutSeconds": "VisibilityTimeout",
}


def create_queue(account: Account, resource: Resource) -> Created:
    name = resource.physical_name
    attributes = {
        ATTRIBUTES[key]: _text(value)
        for key, value in resource.inputs.items()
        if key not in ("name", "region", "tags")
    }
    client = account.client("sqs")
    url = client.create_queue(QueueName=name, Attributes=attributes, tags=resource.tags)["QueueUrl"]
    answer = client.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    return Created(
        id=url,
        outputs={
            "name": name,
            "url": url,
            "arn": answer["Attributes"]["QueueArn"],
            "tagsAll": resource.tags,
        },
    )


def set_queue_attribute(account: Account, resource: Resource) -> Created:
    """Set the attribute that a QueuePolicy, RedrivePolicy or RedriveAllowPolicy stands for."""
    url = resource.inputs["queueUrl"]
    attributes = {
        ATTRIBUTES[key]: _text(value)
        for key, value in resource.inputs.items()
        if key not in ("queueUrl", "region")
    }
    account.client("sqs").set_queue_attributes(QueueUrl=url, Attributes=attributes)
    return Created(id=url)


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


KINDS = {
    "aws:sqs/queue:Queue": Kind(create_queue),
    "aws:sqs/queuePolicy:QueuePolicy": Kind(set_queue_attribute, update=set_queue_attribute),
    "aws:sqs/redriveAllowPolicy:RedriveAllowPolicy": Kind(
        set_queue_attribute, update=set_queue_attribute
    ),
    "aws:sqs/redrivePolicy:RedrivePolicy": Kind(set_queue_attribute, update=set_queue_attribute),
}
