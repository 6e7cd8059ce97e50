import json
from typing import Any

import pulumi
import pytest

from components.policies import (
    Statement,
    alarm_topic_access,
    alarm_topic_key_access,
    permissions,
    queue_access,
    trust,
)
from program.engine import Engine


def document(make: Any) -> dict[str, Any]:
    outputs = Engine().run(lambda: pulumi.export("document", make()))
    return json.loads(outputs["document"])


def statement(**changes: Any) -> Statement:
    return Statement(
        **{
            "sid": "ReadSessions",
            "actions": ("dynamodb:GetItem",),
            "resources": ("arn:aws:dynamodb:us-east-1:123456789012:table/sessions",),
            **changes,
        }
    )


@pytest.mark.parametrize("action", ["*", "dynamodb:*", "dynamodb:Get*", "GetItem", ""])
def test_an_action_that_is_not_a_single_one_is_rejected(action: str):
    with pytest.raises(ValueError, match=r"ReadSessions has action .* list each one"):
        statement(actions=(action,))


def test_a_wildcard_resource_is_rejected():
    with pytest.raises(ValueError, match="must name its resources by ARN"):
        statement(resources=("arn:aws:sqs:us-east-1:123456789012:one", "*"))


def test_a_wildcard_resource_needs_a_reason():
    everything = {"sid": "TranslateText", "actions": ("translate:TranslateText",)}
    made = Statement.about_everything(**everything, reason="There is nothing to name.")
    assert made.as_document() == {
        "Sid": "TranslateText",
        "Effect": "Allow",
        "Action": ["translate:TranslateText"],
        "Resource": ["*"],
    }
    with pytest.raises(ValueError, match="TranslateText must say why"):
        Statement.about_everything(**everything, reason="")


def test_a_statement_about_everything_lists_its_actions_too():
    with pytest.raises(ValueError, match="list each one"):
        Statement.about_everything(sid="All", actions=("translate:*",), reason="Why not?")


@pytest.mark.parametrize("field", ["actions", "resources"])
def test_a_statement_without_actions_or_resources_is_rejected(field: str):
    with pytest.raises(ValueError, match="at least one action and resource"):
        statement(**{field: ()})


@pytest.mark.parametrize("sid", ["", "Read Sessions", "Read-Sessions", "Lesen_ü"])
def test_a_sid_that_iam_would_reject_is_rejected(sid: str):
    with pytest.raises(ValueError, match="letters and digits"):
        statement(sid=sid)


def test_a_sid_given_twice_within_a_role_is_rejected():
    with pytest.raises(ValueError, match="ReadSessions is there twice"):
        permissions([statement(), statement()])


def test_a_policy_contains_every_statement_with_its_condition():
    condition = {"ForAllValues:StringEquals": {"dynamodb:Attributes": ["sessionId"]}}
    made = document(lambda: permissions([statement(condition=condition)]))
    assert made == {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "ReadSessions",
                "Effect": "Allow",
                "Action": ["dynamodb:GetItem"],
                "Resource": ["arn:aws:dynamodb:us-east-1:123456789012:table/sessions"],
                "Condition": condition,
            }
        ],
    }


def test_a_role_trusts_one_service_for_one_account():
    made = document(lambda: trust("lambda.amazonaws.com", "123456789012"))
    assert made["Statement"] == [
        {
            "Sid": "AssumeRole",
            "Effect": "Allow",
            "Principal": {"Service": "lambda.amazonaws.com"},
            "Action": ["sts:AssumeRole"],
            "Condition": {"StringEqualsIfExists": {"aws:SourceAccount": "123456789012"}},
        }
    ]


def test_a_queue_without_a_rule_allows_no_principal_and_denies_plain_http():
    (only,) = document(lambda: queue_access("arn:queue"))["Statement"]
    assert only == {
        "Sid": "DenyPlainHttp",
        "Effect": "Deny",
        "Principal": "*",
        "Action": ["sqs:SendMessage", "sqs:ReceiveMessage", "sqs:DeleteMessage"],
        "Resource": ["arn:queue"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }


def test_a_queue_with_a_rule_allows_that_rule_alone_to_send():
    statements = document(lambda: queue_access("arn:queue", "arn:rule"))["Statement"]
    assert [each for each in statements if each["Effect"] == "Allow"] == [
        {
            "Sid": "SendFromRule",
            "Effect": "Allow",
            "Principal": {"Service": "events.amazonaws.com"},
            "Action": ["sqs:SendMessage"],
            "Resource": ["arn:queue"],
            "Condition": {"ArnEquals": {"aws:SourceArn": "arn:rule"}},
        }
    ]


def test_only_cloudwatch_of_this_account_publishes_to_the_topic_of_alarms():
    refused, allowed = document(lambda: alarm_topic_access("arn:topic", "123456789012"))[
        "Statement"
    ]
    assert (refused["Effect"], refused["Principal"]) == ("Deny", "*")
    assert refused["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert allowed == {
        "Sid": "PublishAlarms",
        "Effect": "Allow",
        "Principal": {"Service": "cloudwatch.amazonaws.com"},
        "Action": ["sns:Publish"],
        "Resource": ["arn:topic"],
        "Condition": {"StringEquals": {"aws:SourceAccount": "123456789012"}},
    }


def test_the_key_of_alarms_is_managed_by_the_account_in_its_own_partition():
    govern, encrypt = document(lambda: alarm_topic_key_access("aws-us-gov", "123456789012"))[
        "Statement"
    ]
    assert govern["Principal"] == {"AWS": "arn:aws-us-gov:iam::123456789012:root"}
    assert (govern["Action"], govern["Resource"]) == (["kms:*"], ["*"])
    assert encrypt["Action"] == ["kms:Decrypt", "kms:GenerateDataKey"]
    assert encrypt["Condition"] == {"StringEquals": {"aws:SourceAccount": "123456789012"}}
