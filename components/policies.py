"""IAM statements as data, and the policy documents made of them. No resources are made here."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import pulumi

Condition = Mapping[str, Mapping[str, pulumi.Input[str] | Sequence[str]]]

_VERSION = "2012-10-17"


@dataclass(frozen=True, kw_only=True)
class Statement:
    """One permission: listed actions on listed resources, without wildcards for either.

    The exception is `about_everything`, for actions that have no resource types in IAM. Raises
    `ValueError` for a Sid, an action or a resource that is not allowed here.
    """

    sid: str
    actions: tuple[str, ...]
    resources: tuple[pulumi.Input[str], ...]
    condition: Condition | None = None
    reason: str = ""

    @classmethod
    def about_everything(cls, *, sid: str, actions: tuple[str, ...], reason: str) -> Self:
        """Actions on resource `*`; `reason` explains why, with the page of AWS."""
        if not reason:
            raise ValueError(f"Statement {sid} must say why its actions have no resource.")
        return cls(sid=sid, actions=actions, resources=("*",), reason=reason)

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[A-Za-z0-9]+", self.sid):
            raise ValueError(f"Sid {self.sid!r} must be letters and digits: IAM allows no others.")
        if not self.actions or not self.resources:
            raise ValueError(f"Statement {self.sid} must name at least one action and resource.")
        for action in self.actions:
            if "*" in action or not re.fullmatch(r"[a-z0-9-]+:[A-Za-z]+", action):
                raise ValueError(
                    f"Statement {self.sid} has action {action!r}: it must be a single action such"
                    " as dynamodb:GetItem; list each one that is needed."
                )
        if not self.reason and any(resource == "*" for resource in self.resources):
            raise ValueError(
                f"Statement {self.sid} must name its resources by ARN, not by '*'; where AWS has"
                " none, use Statement.about_everything and give the reason."
            )

    def as_document(self) -> dict[str, Any]:
        """The statement in IAM's JSON form."""
        document: dict[str, Any] = {
            "Sid": self.sid,
            "Effect": "Allow",
            "Action": list(self.actions),
            "Resource": list(self.resources),
        }
        if self.condition is not None:
            document["Condition"] = self.condition
        return document


def permissions(statements: Sequence[Statement]) -> pulumi.Output[str]:
    """The policy document of a role; raises `ValueError` for a Sid that is there twice."""
    sids = [statement.sid for statement in statements]
    if twice := sorted({sid for sid in sids if sids.count(sid) > 1}):
        raise ValueError(f"Sids must be unique within a role; {', '.join(twice)} is there twice.")
    return _document([statement.as_document() for statement in statements])


def trust(service: str, account_id: pulumi.Input[str] | None = None) -> pulumi.Output[str]:
    """The trust policy that lets a service assume a role, on behalf of the given account only.

    It has no `aws:SourceArn`: Lambda's pollers and its delivery of failures assume the execution
    role too, each for another resource.
    """
    statement: dict[str, Any] = {
        "Sid": "AssumeRole",
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": ["sts:AssumeRole"],
    }
    if account_id is not None:
        # IfExists, since AWS does not document that every such call of Lambda has the key.
        statement["Condition"] = {"StringEqualsIfExists": {"aws:SourceAccount": account_id}}
    return _document([statement])


def queue_access(
    queue_arn: pulumi.Input[str], sending_rule_arn: pulumi.Input[str] | None = None
) -> pulumi.Output[str]:
    """A queue's own policy: only TLS for everyone, and sending for one EventBridge rule, if any.

    The account's roles get access by their own policies.
    """
    statements: list[dict[str, Any]] = [
        {
            "Sid": "DenyPlainHttp",
            "Effect": "Deny",
            "Principal": "*",
            "Action": ["sqs:SendMessage", "sqs:ReceiveMessage", "sqs:DeleteMessage"],
            "Resource": [queue_arn],
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        }
    ]
    if sending_rule_arn is not None:
        statements.append(
            {
                "Sid": "SendFromRule",
                "Effect": "Allow",
                "Principal": {"Service": "events.amazonaws.com"},
                "Action": ["sqs:SendMessage"],
                "Resource": [queue_arn],
                "Condition": {"ArnEquals": {"aws:SourceArn": sending_rule_arn}},
            }
        )
    return _document(statements)


def bucket_access(
    bucket_arn: pulumi.Input[str], reading_distribution_arn: pulumi.Input[str] | None = None
) -> pulumi.Output[str]:
    """A bucket's own policy: only TLS for everyone, and reading for one distribution, if any.

    The account's roles get access by their own policies.
    """
    objects = pulumi.Output.concat(bucket_arn, "/*")
    statements: list[dict[str, Any]] = [
        {
            "Sid": "DenyPlainHttp",
            "Effect": "Deny",
            "Principal": "*",
            "Action": ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:ListBucket"],
            "Resource": [bucket_arn, objects],
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        }
    ]
    if reading_distribution_arn is not None:
        statements.append(
            {
                "Sid": "ReadFromDistribution",
                "Effect": "Allow",
                "Principal": {"Service": "cloudfront.amazonaws.com"},
                "Action": ["s3:GetObject"],
                "Resource": [objects],
                "Condition": {"StringEquals": {"aws:SourceArn": reading_distribution_arn}},
            }
        )
    return _document(statements)


def trust_of_role(
    role_arn: pulumi.Input[str], partition: pulumi.Input[str], account_id: pulumi.Input[str]
) -> pulumi.Output[str]:
    """The trust policy that lets one role of the account take on another one.

    The role is named by a condition and not as the principal: it need not exist yet, and may be
    made anew.
    """
    return _document(
        [
            {
                "Sid": "AssumeRole",
                "Effect": "Allow",
                "Principal": {
                    "AWS": pulumi.Output.format("arn:{0}:iam::{1}:root", partition, account_id)
                },
                "Action": ["sts:AssumeRole"],
                "Condition": {"ArnEquals": {"aws:PrincipalArn": role_arn}},
            }
        ]
    )


def alarm_topic_access(
    topic_arn: pulumi.Input[str], account_id: pulumi.Input[str]
) -> pulumi.Output[str]:
    """An SNS topic's own policy: the account's CloudWatch alarms may publish, only over TLS."""
    return _document(
        [
            {
                "Sid": "DenyPlainHttp",
                "Effect": "Deny",
                "Principal": "*",
                "Action": ["sns:Publish"],
                "Resource": [topic_arn],
                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            },
            {
                "Sid": "PublishAlarms",
                "Effect": "Allow",
                "Principal": {"Service": "cloudwatch.amazonaws.com"},
                "Action": ["sns:Publish"],
                "Resource": [topic_arn],
                "Condition": {"StringEquals": {"aws:SourceAccount": account_id}},
            },
        ]
    )


def alarm_topic_key_access(
    partition: pulumi.Input[str], account_id: pulumi.Input[str]
) -> pulumi.Output[str]:
    """A key's own policy: the account's IAM policies apply, and its CloudWatch alarms encrypt.

    Without the first statement nobody could manage the key:
    https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html
    """
    return _document(
        [
            {
                "Sid": "GovernByAccount",
                "Effect": "Allow",
                "Principal": {
                    "AWS": pulumi.Output.format("arn:{0}:iam::{1}:root", partition, account_id)
                },
                "Action": ["kms:*"],
                "Resource": ["*"],
            },
            {
                "Sid": "EncryptAlarms",
                "Effect": "Allow",
                "Principal": {"Service": "cloudwatch.amazonaws.com"},
                "Action": ["kms:Decrypt", "kms:GenerateDataKey"],
                # In a key's policy, `*` is that key alone.
                "Resource": ["*"],
                "Condition": {"StringEquals": {"aws:SourceAccount": account_id}},
            },
        ]
    )


def _document(statements: list[dict[str, Any]]) -> pulumi.Output[str]:
    return pulumi.Output.json_dumps({"Version": _VERSION, "Statement": statements})
