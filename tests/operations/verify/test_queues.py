"""Queues as SQS returns them: every attribute as a string."""

import json
from typing import Any

import pytest

from operations.verify.checks.queues import QUEUE, queue_attributes
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


def test_a_missing_queue_is_reported() -> None:
    aws = Service(get_queue_url=missing)
    queue = declared(QUEUE, "ticks-queue", **INPUTS)
    [found] = queue_attributes(context_of(queue, client=lambda service: aws))
    assert (found.result, found.seen) == (Result.WRONG, "does not exist")
