import functools
import json
from typing import Any

import pulumi

from components.alarms import AlarmTopic, AlarmTopicArgs
from program.computed import ACCOUNT, REGION
from program.engine import Engine

PREFIX = "live-sessions-test"
TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:{PREFIX}-alarms"
KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/alarms-key"


@functools.cache
def run(email: str = "", *, preview: bool = False) -> Engine:
    def program() -> None:
        args = AlarmTopicArgs(prefix=PREFIX, partition="aws", account_id=ACCOUNT, email=email)
        pulumi.export("arn", AlarmTopic("alarms", args).arn)

    engine = Engine(preview=preview)
    outputs = engine.run(program)
    assert outputs["arn"] == (None if preview else TOPIC)
    return engine


def statements(policy: str) -> dict[str, dict[str, Any]]:
    return {each["Sid"]: each for each in json.loads(policy)["Statement"]}


def test_the_topic_is_encrypted_with_its_own_key_which_rotates():
    engine = run()
    assert engine.only("sns/topic") == {"name": f"{PREFIX}-alarms", "kmsMasterKeyId": KEY}
    key = engine.only("kms/key")
    assert key["enableKeyRotation"] is True
    assert key["deletionWindowInDays"] == 7
    assert engine.only("kms/alias") == {
        "name": f"alias/{PREFIX}-alarms",
        "targetKeyId": "alarms-key",
    }


def test_cloudwatch_of_this_account_alone_may_encrypt_with_the_key():
    found = statements(run().only("kms/key")["policy"])
    assert found.keys() == {"GovernByAccount", "EncryptAlarms"}
    assert found["EncryptAlarms"] == {
        "Sid": "EncryptAlarms",
        "Effect": "Allow",
        "Principal": {"Service": "cloudwatch.amazonaws.com"},
        "Action": ["kms:Decrypt", "kms:GenerateDataKey"],
        "Resource": ["*"],
        "Condition": {"StringEquals": {"aws:SourceAccount": ACCOUNT}},
    }


def test_the_accounts_iam_policies_apply_to_the_key():
    governing = statements(run().only("kms/key")["policy"])["GovernByAccount"]
    assert governing["Principal"] == {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
    assert governing["Action"] == ["kms:*"]


def test_only_alarms_of_the_account_publish_and_only_over_tls():
    policy = run().only("sns/topicPolicy")
    assert policy["arn"] == TOPIC
    assert statements(policy["policy"]) == {
        "DenyPlainHttp": {
            "Sid": "DenyPlainHttp",
            "Effect": "Deny",
            "Principal": "*",
            "Action": ["sns:Publish"],
            "Resource": [TOPIC],
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        },
        "PublishAlarms": {
            "Sid": "PublishAlarms",
            "Effect": "Allow",
            "Principal": {"Service": "cloudwatch.amazonaws.com"},
            "Action": ["sns:Publish"],
            "Resource": [TOPIC],
            "Condition": {"StringEquals": {"aws:SourceAccount": ACCOUNT}},
        },
    }


def test_there_is_no_subscription_unless_an_address_is_set():
    assert run().inputs("sns/topicSubscription") == []


def test_the_address_that_is_set_is_subscribed():
    assert run("ops@example.com").only("sns/topicSubscription") == {
        "topic": TOPIC,
        "protocol": "email",
        "endpoint": "ops@example.com",
    }


def test_the_key_outlives_the_topic():
    # Without the key, messages in delivery could not be decrypted.
    (topic,) = run().of_type("sns/topic").values()
    assert "alarms-key" in topic.depends_on


def test_a_preview_with_no_arn_known_yet_plans_the_same():
    planned = {each.urn for each in run("ops@example.com", preview=True).registered}
    assert planned == {each.urn for each in run("ops@example.com").registered}
