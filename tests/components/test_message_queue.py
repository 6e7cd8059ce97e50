import json
from typing import Any

import pytest

from components.message_queue import DeadLetters, MessageQueue, MessageQueueArgs
from program.engine import Engine


def args(**changes: Any) -> MessageQueueArgs:
    return MessageQueueArgs(**{"physical_name": "ticks", "retention_seconds": 120, **changes})


def test_a_queue_is_encrypted_and_hides_a_message_six_times_its_consumers_limit():
    engine = Engine()
    dead_letters = DeadLetters(arn="arn:failures", maximum_receives=2)
    made = args(delay_seconds=30, consumer_timeout_seconds=5, dead_letters=dead_letters)
    engine.run(lambda: MessageQueue("ticks", made))
    queue = engine.only("sqs/queue")
    assert json.loads(queue.pop("redrivePolicy")) == {
        "deadLetterTargetArn": "arn:failures",
        "maxReceiveCount": 2,
    }
    assert queue == {
        "name": "ticks",
        "delaySeconds": 30,
        "messageRetentionSeconds": 120,
        "visibilityTimeoutSeconds": 30,
        "sqsManagedSseEnabled": True,
    }


def test_every_queue_has_a_policy_of_its_own():
    engine = Engine()
    engine.run(lambda: MessageQueue("ticks", args(rule_arn="arn:rule")))
    policy = engine.only("sqs/queuePolicy")
    assert policy["queueUrl"] == "https://sqs.us-east-1.amazonaws.com/123456789012/ticks"
    sids = [each["Sid"] for each in json.loads(policy["policy"])["Statement"]]
    assert sids == ["DenyPlainHttp", "SendFromRule"]


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"delay_seconds": 901}, "from 0 to 900 s"),
        ({"delay_seconds": -1}, "from 0 to 900 s"),
        ({"retention_seconds": 59}, "from 60 to 1209600 s"),
        ({"retention_seconds": 1_209_601}, "from 60 to 1209600 s"),
        ({"physical_name": "x" * 81}, "at most 80 characters"),
    ],
)
def test_what_sqs_would_reject_is_rejected_first(changes: dict[str, Any], rule: str):
    with pytest.raises(ValueError, match=rule):
        args(**changes)


def test_sending_and_consuming_are_separate_grants_for_this_queue():
    made: list[MessageQueue] = []
    Engine().run(lambda: made.append(MessageQueue("ticks", args())))
    sending, consuming = made[0].sending("Send", "TICKS_URL"), made[0].consuming("Consume")
    (send,), (consume,) = sending.statements, consuming.statements
    assert send.actions == ("sqs:SendMessage",)
    assert consume.actions == ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes")
    assert send.resources == consume.resources == (made[0].arn,)
    assert (sending.variables, consuming.variables) == ({"TICKS_URL": made[0].url}, {})
