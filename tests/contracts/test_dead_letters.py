"""What fails without a caller that waits for it is kept, and raises an alarm."""

import json
import re
from pathlib import Path
from typing import Any

from program.computed import ACCOUNT, REGION
from program.engine import Engine
from tests.contracts.program_runs import ProgramRun

HANDLERS = Path(__file__).resolve().parents[2] / "handlers"
FORTNIGHT_SECONDS = 14 * 86_400
# Invoked synchronously: the caller reports failures.
ANSWERING = {"translation"}
# Processors poll these while they stream to Transcribe. Audio that waits raises an alarm; after a
# minute it is too old for a live caption and expires.
SLOT_QUEUE = re.compile(r"audio-[0-9]+")


def short(stack: ProgramRun, arn: str) -> str:
    """A queue's or function's ARN or URL without the stack, and without the alias."""
    return re.split("[:/]", arn.removesuffix(":live"))[-1].removeprefix(
        f"live-sessions-{stack.name}-"
    )


def invoked_asynchronously(stack: ProgramRun) -> set[str]:
    """Functions that a rule invokes, or that a role may invoke asynchronously."""
    engine = stack.engine
    invoked = {
        short(stack, resource)
        for policy in engine.inputs("iam/rolePolicy")
        for statement in json.loads(policy["policy"])["Statement"]
        if "lambda:InvokeFunction" in statement["Action"]
        for resource in statement["Resource"]
    }
    fired = {
        short(stack, each["arn"])
        for each in engine.inputs("cloudwatch/eventTarget")
        if ":function:" in each["arn"]
    }
    return (invoked - ANSWERING) | fired


def dead_letter_queues(stack: ProgramRun) -> set[str]:
    """The queues to which a rule, Lambda or another queue moves what failed repeatedly."""
    engine = stack.engine
    return {
        *(
            short(stack, each["deadLetterConfig"]["arn"])
            for each in engine.inputs("cloudwatch/eventTarget")
        ),
        *(
            short(stack, each["destinationConfig"]["onFailure"]["destination"])
            for each in engine.inputs("lambda/functionEventInvokeConfig")
        ),
        *(
            short(stack, json.loads(each["redrivePolicy"])["deadLetterTargetArn"])
            for each in engine.inputs("sqs/queue")
            if "redrivePolicy" in each
        ),
    }


def test_the_functions_that_are_invoked_asynchronously_are_these(stack: ProgramRun):
    assert invoked_asynchronously(stack) == {
        *("audio-processor", "fan-out", "reconcile", "session-status")
    }


def test_the_handlers_invoke_nothing_else_asynchronously():
    sources = {path: path.read_text() for path in HANDLERS.rglob("*.py")}
    invoking = {path.name for path, text in sources.items() if ".invoke(" in text}
    assert invoking == {"clients.py", "pages.py", "transcripts.py"}
    events = {path.name for path, text in sources.items() if "InvocationType" in text}
    assert events == {"clients.py"}, "transcripts and pages are waited for"


def test_an_event_that_a_rule_cannot_deliver_is_retried_and_then_kept(stack: ProgramRun):
    targets = stack.engine.inputs("cloudwatch/eventTarget")
    assert targets
    for each in targets:
        assert 1 <= each["retryPolicy"]["maximumRetryAttempts"] <= 2, each["targetId"]
        assert each["retryPolicy"]["maximumEventAgeInSeconds"] >= 60, each["targetId"]
        assert each["deadLetterConfig"]["arn"], each["targetId"]


def test_an_asynchronous_event_that_a_function_fails_is_kept(stack: ProgramRun):
    engine = stack.engine
    configs = {
        (short(stack, each["functionName"]), each.get("qualifier")): each
        for each in engine.inputs("lambda/functionEventInvokeConfig")
    }
    # The release before invokes without the alias (ADR 0014).
    assert configs.keys() == {
        (function, qualifier)
        for function in invoked_asynchronously(stack)
        for qualifier in (None, "live")
    }
    for (function, _), config in configs.items():
        assert settings_of(config) == settings_of(configs[function, "live"])
        destination = config["destinationConfig"]["onFailure"]["destination"]
        assert destination in queue_arns(engine)
        role = f"live-sessions-{stack.name}-{function}"
        sends = engine.statements(role)["SendFailures"]
        assert sends["Action"] == ["sqs:SendMessage"]
        assert sends["Resource"] == [destination], f"{function} may not send its failures"


def settings_of(config: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in config.items() if key != "qualifier"}


def queue_arns(engine: Engine) -> set[str]:
    return {f"arn:aws:sqs:{REGION}:{ACCOUNT}:{each['name']}" for each in engine.inputs("sqs/queue")}


def test_a_message_that_a_function_cannot_consume_is_kept(stack: ProgramRun):
    engine = stack.engine
    queues = {short(stack, each["name"]): each for each in engine.inputs("sqs/queue")}
    fed = {
        short(stack, each["eventSourceArn"]) for each in engine.inputs("lambda/eventSourceMapping")
    }
    slots = {name for name in queues if SLOT_QUEUE.fullmatch(name)}
    assert queues.keys() == fed | slots | dead_letter_queues(stack), "a queue without a consumer"
    assert len(slots) == int(stack.config["audioSlots"])
    for name in fed:
        redrive = json.loads(queues[name]["redrivePolicy"])
        kept = queues[short(stack, redrive["deadLetterTargetArn"])]
        assert 1 <= redrive["maxReceiveCount"] <= 5, name
        # A message keeps the age it had: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-dead-letter-queues.html
        assert kept["messageRetentionSeconds"] > queues[name]["messageRetentionSeconds"]
    for name in slots:
        assert "redrivePolicy" not in queues[name]
        assert queues[name]["messageRetentionSeconds"] == 60


def test_failures_are_kept_for_the_longest_retention_of_sqs(stack: ProgramRun):
    queues = {short(stack, each["name"]): each for each in stack.engine.inputs("sqs/queue")}
    of_transcripts = {"transcript-failures"} if stack.is_on("transcripts") else set[str]()
    assert dead_letter_queues(stack) == {
        *("audio-failures", "fan-out-failures", "reconcile-failures"),
        *("session-check-failures", "status-failures"),
        *of_transcripts,
    }
    for name in dead_letter_queues(stack):
        assert queues[name]["messageRetentionSeconds"] == FORTNIGHT_SECONDS
        assert "redrivePolicy" not in queues[name]
        assert not queues[name]["delaySeconds"]


def test_each_queue_of_failures_has_an_alarm(stack: ProgramRun):
    assert stack.is_on("alarms"), "each committed stack has alarms"
    watched = {
        short(stack, each["dimensions"]["QueueName"]): each
        for each in stack.engine.inputs("cloudwatch/metricAlarm")
        if each["metricName"] == "ApproximateNumberOfMessagesVisible"
    }
    assert watched.keys() == dead_letter_queues(stack)
    for each in watched.values():
        assert each["namespace"] == "AWS/SQS"
        assert each["statistic"] == "Maximum"
        assert (each["comparisonOperator"], each["threshold"]) == (
            "GreaterThanOrEqualToThreshold",
            1,
        )
        assert each["alarmActions"] == [stack.outputs["alarmTopicArn"]]


def test_each_slot_has_an_alarm_on_audio_that_waits(stack: ProgramRun):
    watched = {
        short(stack, each["dimensions"]["QueueName"])
        for each in stack.engine.inputs("cloudwatch/metricAlarm")
        if each["metricName"] == "ApproximateAgeOfOldestMessage"
    }
    assert watched == {f"audio-{slot}" for slot in range(int(stack.config["audioSlots"]))}
