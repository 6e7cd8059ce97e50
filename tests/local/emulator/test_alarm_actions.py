"""Which topics an alarm tells: those whose policy, and whose key's policy, name CloudWatch."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest

from local.emulator.process import Emulator

CLOUDWATCH = {"Service": "cloudwatch.amazonaws.com"}
KEY_ACTIONS = ["kms:Decrypt", "kms:GenerateDataKey"]


def policy(**statement: Any) -> str:
    allowed = {"Effect": "Allow", "Resource": "*", "Principal": CLOUDWATCH, **statement}
    return json.dumps({"Version": "2012-10-17", "Statement": [allowed]})


def of_account(account_id: str) -> dict[str, Any]:
    return {"StringEquals": {"aws:SourceAccount": account_id}}


@dataclass(frozen=True)
class Told:
    """A topic with a queue that hears it."""

    emulator: Emulator
    topic_arn: str
    queue_url: str

    @classmethod
    def create(cls, emulator: Emulator, attributes: dict[str, str]) -> "Told":
        sns, sqs, name = emulator.client("sns"), emulator.client("sqs"), uuid4().hex[:8]
        topic = sns.create_topic(Name=name, Attributes=attributes)["TopicArn"]
        may_send = policy(Action="sqs:SendMessage", Principal={"Service": "sns.amazonaws.com"})
        queue = sqs.create_queue(QueueName=name, Attributes={"Policy": may_send})["QueueUrl"]
        arn = f"arn:aws:sqs:{emulator.region}:{emulator.account_id}:{name}"
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
        return cls(emulator, topic, queue)

    def delete(self) -> None:
        self.emulator.client("sns").delete_topic(TopicArn=self.topic_arn)
        self.emulator.client("sqs").delete_queue(QueueUrl=self.queue_url)

    def heard(self) -> list[str]:
        """The states told so far, none of them twice."""
        messages = self.emulator.client("sqs").receive_message(
            QueueUrl=self.queue_url, MaxNumberOfMessages=10
        )
        bodies = [json.loads(each["Body"]) for each in messages.get("Messages", [])]
        return [json.loads(each["Message"])["NewStateValue"] for each in bodies]


Make = Callable[[dict[str, str]], Told]


@pytest.fixture
def told(emulator: Emulator) -> Iterator[Make]:
    """Makes a topic with these attributes, and somebody who hears it."""
    made: list[Told] = []

    def create(attributes: dict[str, str]) -> Told:
        made.append(Told.create(emulator, attributes))
        return made[-1]

    yield create
    for each in made:
        each.delete()


def fire(emulator: Emulator, *topics: Told) -> None:
    """An alarm goes from OK to ALARM and tells them all."""
    client, name = emulator.client("cloudwatch"), uuid4().hex[:8]
    client.put_metric_alarm(
        AlarmName=name,
        Namespace="Test/actions",
        MetricName="Ticks",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
        AlarmActions=[topic.topic_arn for topic in topics],
    )
    client.set_alarm_state(AlarmName=name, StateValue="OK", StateReason="test")
    client.set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="test")


def key(emulator: Emulator, **statement: Any) -> dict[str, str]:
    """A topic's attributes with a key of its own, whose policy is this statement."""
    made = emulator.client("kms").create_key(Policy=policy(**statement))
    return {"KmsMasterKeyId": made["KeyMetadata"]["Arn"]}


def test_a_topic_that_allows_cloudwatch_to_publish_is_notified_of_the_alarm_alone(
    emulator: Emulator, told: Make
) -> None:
    account = of_account(emulator.account_id)
    named = told({"Policy": policy(Action="sns:Publish", Condition=account)})
    encrypted = told(key(emulator, Action=KEY_ACTIONS, Condition=account))
    fire(emulator, named, encrypted)
    assert named.heard() == encrypted.heard() == ["ALARM"]


@pytest.mark.parametrize(
    "statement",
    [
        {"Principal": {"Service": "events.amazonaws.com"}},
        {"Condition": of_account("999999999999")},
        {"Effect": "Deny"},
        {"Action": "sns:Subscribe"},
    ],
    ids=["another service", "another account", "denied", "another action"],
)
def test_a_topic_whose_policy_does_not_is_not_notified(
    emulator: Emulator, told: Make, statement: dict[str, Any]
) -> None:
    open_one = told({})
    closed = told({"Policy": policy(**{"Action": "sns:Publish"} | statement)})
    fire(emulator, closed, open_one)
    assert open_one.heard() == ["ALARM"]
    assert closed.heard() == []


@pytest.mark.parametrize(
    "statement",
    [
        {"Principal": {"Service": "sns.amazonaws.com"}},
        {"Action": KEY_ACTIONS[:1]},
        {"Condition": of_account("999999999999")},
    ],
    ids=["another service", "half of the actions", "another account"],
)
def test_a_topic_whose_key_does_not_is_not_notified(
    emulator: Emulator, told: Make, statement: dict[str, Any]
) -> None:
    open_one = told({})
    closed = told(key(emulator, **{"Action": KEY_ACTIONS} | statement))
    fire(emulator, closed, open_one)
    assert open_one.heard() == ["ALARM"]
    assert closed.heard() == []


def test_a_topic_with_the_key_that_aws_manages_is_not_notified(
    emulator: Emulator, told: Make
) -> None:
    closed = told({"KmsMasterKeyId": "alias/aws/sns"})
    fire(emulator, closed)
    assert closed.heard() == []
