"""An alarm notifies only the topics whose policy and key policy allow CloudWatch."""

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
class SubscribedTopic:
    """A topic with a queue subscribed to it."""

    emulator: Emulator
    topic_arn: str
    queue_url: str

    @classmethod
    def create(cls, emulator: Emulator, attributes: dict[str, str]) -> "SubscribedTopic":
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

    def received(self) -> list[str]:
        """The states received since the last call."""
        messages = self.emulator.client("sqs").receive_message(
            QueueUrl=self.queue_url, MaxNumberOfMessages=10
        )
        bodies = [json.loads(each["Body"]) for each in messages.get("Messages", [])]
        return [json.loads(each["Message"])["NewStateValue"] for each in bodies]


Make = Callable[[dict[str, str]], SubscribedTopic]


@pytest.fixture
def create_topic(emulator: Emulator) -> Iterator[Make]:
    """Create topics with the given attributes, each with a subscribed queue."""
    made: list[SubscribedTopic] = []

    def create(attributes: dict[str, str]) -> SubscribedTopic:
        made.append(SubscribedTopic.create(emulator, attributes))
        return made[-1]

    yield create
    for each in made:
        each.delete()


def fire(emulator: Emulator, *topics: SubscribedTopic) -> None:
    """Set an alarm to OK, then to ALARM, with all these topics as actions."""
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
    emulator: Emulator, create_topic: Make
) -> None:
    account = of_account(emulator.account_id)
    named = create_topic({"Policy": policy(Action="sns:Publish", Condition=account)})
    encrypted = create_topic(key(emulator, Action=KEY_ACTIONS, Condition=account))
    fire(emulator, named, encrypted)
    assert named.received() == encrypted.received() == ["ALARM"]


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
    emulator: Emulator, create_topic: Make, statement: dict[str, Any]
) -> None:
    open_one = create_topic({})
    closed = create_topic({"Policy": policy(**{"Action": "sns:Publish"} | statement)})
    fire(emulator, closed, open_one)
    assert open_one.received() == ["ALARM"]
    assert closed.received() == []


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
    emulator: Emulator, create_topic: Make, statement: dict[str, Any]
) -> None:
    open_one = create_topic({})
    closed = create_topic(key(emulator, **{"Action": KEY_ACTIONS} | statement))
    fire(emulator, closed, open_one)
    assert open_one.received() == ["ALARM"]
    assert closed.received() == []


def test_a_topic_with_the_key_that_aws_manages_is_not_notified(
    emulator: Emulator, create_topic: Make
) -> None:
    closed = create_topic({"KmsMasterKeyId": "alias/aws/sns"})
    fire(emulator, closed)
    assert closed.received() == []
