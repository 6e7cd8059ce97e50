"""The alarms' topic, its key and their policies, as SNS and KMS return them."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from operations.verify.checks.alarm_topic import ALIAS, KEY, TOPIC, TOPIC_POLICY, alarm_topic
from operations.verify.verdicts import Result, Verdict
from tests.operations.verify.contexts import Service, context_of, declared, missing

ARN = "arn:aws:sns:eu-central-1:998877665544:alarms"
KEYS = "arn:aws:kms:eu-central-1:998877665544:key"
SUBSCRIBERS = "subscribers of alarms"


def policy(*sids: str, action: str = "sns:Publish") -> str:
    statements = [
        {"Sid": sid, "Effect": "Allow", "Principal": "*", "Action": action} for sid in sids
    ]
    return json.dumps({"Statement": statements})


ATTRIBUTES = {"Policy": policy("PublishAlarms"), "KmsMasterKeyId": f"{KEYS}/1234"}
KEY_OF = {"alias/alarms": "1234", f"{KEYS}/1234": "1234", f"{KEYS}/5678": "5678"}


def described(KeyId: str) -> Mapping[str, Any]:
    return {"KeyMetadata": {"KeyId": KEY_OF[KeyId], "KeyState": "Enabled"}}


def verdicts(
    change: dict[str, str] | None = None,
    *,
    describe_key: Any = described,
    key_policy: str | None = None,
) -> list[Verdict]:
    """The verdicts that are not about subscribers."""
    aws = Service(
        get_topic_attributes={"Attributes": ATTRIBUTES | (change or {})},
        list_subscriptions_by_topic={"Subscriptions": []},
        describe_key=describe_key,
        get_key_policy={"Policy": key_policy or policy("EncryptAlarms")},
    )
    context = context_of(
        declared(TOPIC, "topic", name="alarms", kmsMasterKeyId=f"{KEYS}/alarms-key"),
        declared(TOPIC_POLICY, "topic-policy", arn=ARN, policy=policy("PublishAlarms")),
        declared(KEY, "alarms-key", policy=policy("EncryptAlarms")),
        declared(ALIAS, "alias", name="alias/alarms", targetKeyId="alarms-key"),
        client=lambda service: aws,
    )
    return [each for each in alarm_topic(context, ARN) if each.subject != SUBSCRIBERS]


def test_a_topic_as_declared_is_right_with_any_key_id() -> None:
    [verdict] = verdicts()
    assert (verdict.subject, verdict.result) == ("topic alarms", Result.RIGHT)


@pytest.mark.parametrize(
    ("change", "seen"),
    [
        ({"Policy": policy()}, "lacks the statement PublishAlarms"),
        (
            {"Policy": policy("PublishAlarms", "Open")},
            "has the statement Open, which the program does not declare",
        ),
        (
            {"Policy": policy("PublishAlarms", action="sns:*")},
            "has the statement PublishAlarms, which differs from the declared one",
        ),
        ({"KmsMasterKeyId": ""}, f"is encrypted by no key, declared is {KEYS}/alarms-key"),
        (
            {"KmsMasterKeyId": f"{KEYS}/5678"},
            f"is encrypted by {KEYS}/5678, declared is alias/alarms",
        ),
    ],
)
def test_a_topic_that_differs_is_reported(change: dict[str, str], seen: str) -> None:
    [verdict] = verdicts(change)
    assert (verdict.result, verdict.seen) == (Result.WRONG, seen)
    assert verdict.way_out


def test_a_key_that_cloudwatch_may_not_use_is_reported() -> None:
    for key_policy, seen in (
        (policy("Other"), "its key's policy lacks the statement EncryptAlarms"),
        (
            policy("EncryptAlarms", action="kms:Decrypt"),
            "its key's policy has the statement EncryptAlarms, which differs from the declared one",
        ),
    ):
        verdict = verdicts(key_policy=key_policy)[0]
        assert (verdict.result, verdict.seen) == (Result.WRONG, seen)


def test_a_disabled_or_missing_key_is_reported() -> None:
    off = {"KeyMetadata": {"KeyId": "1234", "KeyState": "PendingDeletion"}}
    [verdict] = verdicts(describe_key=off)
    assert verdict.seen == "its key is PendingDeletion: notifications are lost"
    [verdict] = verdicts(describe_key=missing)
    assert "does not exist" in verdict.seen
    assert verdict.result is Result.WRONG


def test_a_missing_topic_is_reported() -> None:
    aws = Service(get_topic_attributes=missing)
    [verdict] = alarm_topic(context_of(client=lambda service: aws), ARN)
    assert (verdict.result, verdict.seen) == (Result.WRONG, "does not exist: no one is notified")
