"""The stack's own alarms, evaluated at times that the test chooses, and their notifications."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from local.alarms import State
from local.cloud import LocalCloud

MINUTE_SECONDS = 60
LONG_AFTER_SECONDS = 3600
PREFIX = "live-sessions-local"


@dataclass(frozen=True)
class Notice:
    """A notification to a subscriber of the alarms' topic."""

    alarm: str
    before: str
    after: str


def this_minute() -> int:
    return int(time.time() // MINUTE_SECONDS)


def fired(changes: dict[str, State]) -> set[str]:
    """The alarms that these changes brought to fire, those of ticks and of slowness left out."""
    return {
        name
        for name, state in changes.items()
        if state is State.ALARM and not name.startswith("status-") and not name.endswith("-slow")
    }


@dataclass(frozen=True)
class Watching:
    """A cloud with a test queue subscribed to its alarms' topic. Alarm names omit the prefix.

    Metrics are emitted in real time; the evaluations look at them from a later time.
    """

    cloud: LocalCloud
    queue_url: str
    _looked_at: list[int] = field(default_factory=list)

    def evaluate(self, minutes_ahead: int) -> dict[str, State]:
        """Which alarms changed to what, looking back from so many whole minutes ahead.

        Minutes that have begun since the last look are looked at in turn, up to the first in which
        something fires: else what fell into the old minute would be missed in a new one.
        """
        until = this_minute() + minutes_ahead
        changes: dict[str, State] = {}
        for minute in range(min([until, *self._looked_at[-1:]]), until + 1):
            changes |= self.evaluate_at(minute)
            if fired(changes):
                break
        return changes

    def evaluate_at(self, minute: int) -> dict[str, State]:
        """Which alarms changed to what, looking back from the beginning of this minute."""
        self._looked_at.append(minute)
        return self._named(self.cloud.evaluate_alarms(minute * MINUTE_SECONDS))

    def settle(self) -> None:
        """Move the alarms past all earlier metrics, and discard the notices so far."""
        self.cloud.evaluate_alarms(time.time() + LONG_AFTER_SECONDS)
        self._looked_at.clear()
        self.cloud.client("sqs").purge_queue(QueueUrl=self.queue_url)

    def state(self, alarm: str) -> State:
        described = self.cloud.client("cloudwatch").describe_alarms(
            AlarmNames=[f"{PREFIX}-{alarm}"]
        )
        return State(described["MetricAlarms"][0]["StateValue"])

    def heard(self) -> set[Notice]:
        """All notices since the last call."""
        notices: set[Notice] = set()
        while messages := self._receive():
            for message in messages:
                notice = json.loads(json.loads(message["Body"])["Message"])
                name = notice["AlarmName"].removeprefix(f"{PREFIX}-")
                notices.add(Notice(name, notice["OldStateValue"], notice["NewStateValue"]))
                self.cloud.client("sqs").delete_message(
                    QueueUrl=self.queue_url, ReceiptHandle=message["ReceiptHandle"]
                )
        return notices

    def _receive(self) -> list[dict[str, Any]]:
        answer = self.cloud.client("sqs").receive_message(
            QueueUrl=self.queue_url, MaxNumberOfMessages=10
        )
        return answer.get("Messages", [])

    @staticmethod
    def _named(changes: list[Any]) -> dict[str, State]:
        return {change.name.removeprefix(f"{PREFIX}-"): change.after for change in changes}


@contextmanager
def watching(cloud: LocalCloud) -> Iterator[Watching]:
    """Subscribe a queue to the alarms' topic for the length of a block."""
    sns, sqs = cloud.client("sns"), cloud.client("sqs")
    account = cloud.account
    topic = f"arn:aws:sns:{account.region}:{account.account_id}:{PREFIX}-alarms"
    name = f"test-{uuid4().hex[:8]}"
    queue = f"arn:aws:sqs:{account.region}:{account.account_id}:{name}"
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": queue,
        "Condition": {"ArnEquals": {"aws:SourceArn": topic}},
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    url = sqs.create_queue(QueueName=name, Attributes={"Policy": policy})["QueueUrl"]
    subscription = sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue)
    try:
        watched = Watching(cloud, url)
        watched.settle()
        yield watched
        watched.settle()
    finally:
        sns.unsubscribe(SubscriptionArn=subscription["SubscriptionArn"])
        sqs.delete_queue(QueueUrl=url)
