"""Queues as SQS returns them: every attribute as a string."""

import json
from typing import Any

import pytest

from operations.verify.checks.queues import MAPPING, QUEUE, queue_attributes, queues
from operations.verify.context import FUNCTION
from operations.verify.verdicts import Result, Verdict
from tests.operations.verify.contexts import Service, context_of, declared, missing

FAILURES = "arn:aws:sqs:eu-central-1:998877665544:failures"
INPUTS = {
    "name": "ticks",
    "delaySeconds": 12,
    "messageRetentionSeconds": 120,
    "visibilityTimeoutSeconds": 30,
    "sqsManagedSseEnabled": True,
    "redrivePolicy": json.dumps({"deadLetterTargetArn": FAILURES, "maxReceiveCount": 2}),
}
LIVE = {
    "DelaySeconds": "12",
    "MessageRetentionPeriod": "120",
    "VisibilityTimeout": "30",
    "SqsManagedSseEnabled": "true",
    # SQS returns the number as it was given, possibly as a string.
    "RedrivePolicy": json.dumps({"maxReceiveCount": "2", "deadLetterTargetArn": FAILURES}),
}


def verdict(live: dict[str, str], **inputs: Any) -> Verdict:
    aws = Service(get_queue_url={"QueueUrl": "u"}, get_queue_attributes={"Attributes": live})
    queue = declared(QUEUE, "ticks-queue", **{**INPUTS, **inputs})
    [verdict] = queue_attributes(context_of(queue, client=lambda service: aws))
    return verdict


def test_a_queue_as_declared_is_right() -> None:
    found = verdict(LIVE)
    assert (found.result, found.seen[:2]) == (Result.RIGHT, "1 ")


@pytest.mark.parametrize(
    "change",
    [
        {"DelaySeconds": "0"},
        {"MessageRetentionPeriod": "345600"},
        {"VisibilityTimeout": "5"},
        {"SqsManagedSseEnabled": "false"},
        {"KmsMasterKeyId": "alias/other"},
        {"RedrivePolicy": ""},
        {"RedrivePolicy": json.dumps({"deadLetterTargetArn": FAILURES, "maxReceiveCount": 9})},
        {"RedrivePolicy": json.dumps({"deadLetterTargetArn": "x", "maxReceiveCount": 2})},
    ],
)
def test_an_attribute_that_differs_is_reported(change: dict[str, str]) -> None:
    found = verdict(LIVE | change)
    assert (found.subject, found.result) == ("queue ticks", Result.WRONG)
    assert found.seen.startswith(f"{next(iter(change))} is ")
    assert found.way_out


def test_an_undeclared_redrive_policy_is_reported() -> None:
    assert verdict(LIVE, redrivePolicy=None).seen.startswith("RedrivePolicy is ")


def mapped(function: str) -> list[Verdict]:
    """What is found if the queue's mapping invokes this function."""
    arn = "arn:aws:lambda:eu-central-1:998877665544:function:status"
    source = "arn:aws:sqs:eu-central-1:998877665544:ticks"
    live = {"EventSourceArn": source, "FunctionArn": function, "State": "Enabled", "BatchSize": 1}
    aws = Service(list_event_source_mappings={"EventSourceMappings": [{**live, "UUID": "u"}]})
    context = context_of(
        declared(FUNCTION, "status-function", name="status"),
        declared(
            MAPPING, "ticks-mapping", eventSourceArn=source, functionName=f"{arn}:live", batchSize=1
        ),
        client=lambda service: aws,
    )
    return list(queues(context))


def test_a_mapping_that_does_not_invoke_the_alias_is_reported() -> None:
    arn = "arn:aws:lambda:eu-central-1:998877665544:function:status"
    [right] = mapped(f"{arn}:live")
    assert right.result is Result.RIGHT
    for other in (arn, f"{arn}:7"):
        [found] = mapped(other)
        assert (found.subject, found.result) == ("queue ticks to status", Result.WRONG)
        assert found.seen == f"invokes {other}, declared is {arn}:live"


def test_a_missing_queue_is_reported() -> None:
    aws = Service(get_queue_url=missing)
    queue = declared(QUEUE, "ticks-queue", **INPUTS)
    [found] = queue_attributes(context_of(queue, client=lambda service: aws))
    assert (found.result, found.seen) == (Result.WRONG, "does not exist")
