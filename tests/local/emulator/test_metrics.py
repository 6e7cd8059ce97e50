"""What the emulator measures by itself, and makes of what functions log."""

import io
import json
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from botocore.config import Config

from local.emulator.process import Emulator
from tests.local.emulator.sockets import FUNCTION_TIMEOUT_SECONDS, eventually

# Prints the lines given in the event or in a queue message.
CODE = """
import json, os, time

def handler(event, context):
    order = json.loads(event["Records"][0]["body"]) if "Records" in event else event
    for line in order.get("lines", []):
        print(line)
    while "until" in order and not os.path.exists(order["until"]):
        time.sleep(0.01)
    if "fail" in order:
        raise RuntimeError("as asked")
"""
LAMBDA = "AWS/Lambda"
QUEUES = "AWS/SQS"


def embedded(namespace: str, at_ms: int, value: Any) -> str:
    directive = {
        "Namespace": namespace,
        "Dimensions": [["service"]],
        "Metrics": [{"Name": "Ticks", "Unit": "Count"}],
    }
    head = {"Timestamp": at_ms, "CloudWatchMetrics": [directive]}
    return json.dumps({"_aws": head, "service": "probe", "Ticks": value})


def measured(
    emulator: Emulator, namespace: str, name: str, dimensions: dict[str, str]
) -> list[dict[str, Any]]:
    """The metric's datapoints of the last and next hour, a minute each."""
    now = time.time()
    return emulator.client("cloudwatch").get_metric_statistics(
        Namespace=namespace,
        MetricName=name,
        Dimensions=[{"Name": key, "Value": value} for key, value in dimensions.items()],
        StartTime=now - 3600,
        EndTime=now + 3600,
        Period=60,
        Statistics=["Sum", "SampleCount", "Maximum"],
    )["Datapoints"]


def total(emulator: Emulator, function: str, name: str) -> float | None:
    points = measured(emulator, LAMBDA, name, {"FunctionName": function})
    return sum(point["Sum"] for point in points) if points else None


@pytest.fixture
def function(emulator: Emulator) -> str:
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("measured.py", CODE)
    name = f"measured-{uuid4().hex[:8]}"
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "lambda"}}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    role = emulator.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=policy)
    emulator.client("lambda").create_function(
        FunctionName=name,
        Runtime="python3.13",
        Handler="measured.handler",
        Role=role["Role"]["Arn"],
        Code={"ZipFile": code.getvalue()},
        Timeout=FUNCTION_TIMEOUT_SECONDS,
    )
    return name


@pytest.fixture
def queue(emulator: Emulator) -> Iterator[str]:
    """A queue's URL."""
    client = emulator.client("sqs")
    url = client.create_queue(
        QueueName=f"measured-{uuid4().hex[:8]}", Attributes={"VisibilityTimeout": "600"}
    )["QueueUrl"]
    yield url
    client.delete_queue(QueueUrl=url)


def invoke(emulator: Emulator, function: str, **order: Any) -> None:
    emulator.client("lambda").invoke(FunctionName=function, Payload=json.dumps(order))


def test_what_a_function_prints_in_the_format_becomes_a_metric_at_its_own_time(
    emulator: Emulator, function: str
) -> None:
    namespace, at_ms = f"Test/{function}", int(time.time() - 600) * 1000
    lines = [embedded(namespace, at_ms, [2, 5]), "plain text", embedded(namespace, at_ms, 1)]
    invoke(emulator, function, lines=lines)
    [point] = measured(emulator, namespace, "Ticks", {"service": "probe"})
    assert (point["Sum"], point["SampleCount"], point["Maximum"]) == (8.0, 3.0, 5.0)
    assert point["Unit"] == "Count"
    assert 0 <= at_ms / 1000 - point["Timestamp"].timestamp() < 60
    metrics = emulator.client("cloudwatch").list_metrics(Namespace=namespace)["Metrics"]
    assert [each["MetricName"] for each in metrics] == ["Ticks"]


def test_what_anybody_puts_into_a_log_becomes_a_metric_too(emulator: Emulator) -> None:
    logs, name = emulator.client("logs"), f"measured-{uuid4().hex[:8]}"
    logs.create_log_group(logGroupName=name)
    logs.create_log_stream(logGroupName=name, logStreamName="one")
    now_ms = int(time.time() * 1000)
    event = {"timestamp": now_ms, "message": embedded(f"Test/{name}", now_ms, 4)}
    logs.put_log_events(logGroupName=name, logStreamName="one", logEvents=[event])
    [point] = measured(emulator, f"Test/{name}", "Ticks", {"service": "probe"})
    assert point["Sum"] == 4


def test_invocations_and_errors_are_counted_by_function(emulator: Emulator, function: str) -> None:
    invoke(emulator, function)
    invoke(emulator, function, fail=True)
    assert total(emulator, function, "Invocations") == 2
    assert total(emulator, function, "Errors") == 1
    assert total(emulator, function, "Throttles") == 0
    durations = measured(emulator, LAMBDA, "Duration", {"FunctionName": function})
    assert sum(point["SampleCount"] for point in durations) == 2
    assert {point["Unit"] for point in durations} == {"Milliseconds"}
    assert measured(emulator, LAMBDA, "Errors", {"FunctionName": f"{function}-other"}) == []


def test_an_invocation_by_a_queue_counts_as_one(
    emulator: Emulator, function: str, queue: str
) -> None:
    sqs = emulator.client("sqs")
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])
    emulator.client("lambda").create_event_source_mapping(
        FunctionName=function, EventSourceArn=arn["Attributes"]["QueueArn"], BatchSize=1
    )
    namespace = f"Test/{function}"
    lines = [embedded(namespace, int(time.time() * 1000), 1)]
    sqs.send_message(QueueUrl=queue, MessageBody=json.dumps({"lines": lines}))
    eventually(lambda: total(emulator, function, "Invocations"), "the invocation's metric")
    assert total(emulator, function, "Invocations") == 1
    assert total(emulator, function, "Errors") == 0
    assert measured(emulator, namespace, "Ticks", {"service": "probe"})


def test_a_throttled_invocation_is_one_throttle_and_neither_invocation_nor_error(
    emulator: Emulator, function: str
) -> None:
    once = Config(retries={"total_max_attempts": 1})
    client = emulator.client("lambda", config=once)
    client.put_function_concurrency(FunctionName=function, ReservedConcurrentExecutions=0)
    with pytest.raises(client.exceptions.TooManyRequestsException):
        client.invoke(FunctionName=function)
    assert total(emulator, function, "Throttles") == 1
    assert total(emulator, function, "Invocations") is None
    assert total(emulator, function, "Errors") is None


def test_a_queue_reports_how_many_messages_wait_and_for_how_long(
    emulator: Emulator, queue: str
) -> None:
    def level(name: str) -> float:
        dimensions = {"QueueName": queue.rpartition("/")[2]}
        return max(each["Maximum"] for each in measured(emulator, QUEUES, name, dimensions))

    sqs = emulator.client("sqs")
    assert level("ApproximateNumberOfMessagesVisible") == 0
    assert level("ApproximateAgeOfOldestMessage") == 0
    sqs.send_message(QueueUrl=queue, MessageBody="waits")
    sqs.send_message(QueueUrl=queue, MessageBody="comes later", DelaySeconds=900)
    assert level("ApproximateNumberOfMessagesVisible") == 1
    eventually(lambda: level("ApproximateAgeOfOldestMessage") >= 1, "an age of a second")
    sqs.receive_message(QueueUrl=queue, VisibilityTimeout=600)
    begun = level("ApproximateAgeOfOldestMessage")
    eventually(
        lambda: level("ApproximateAgeOfOldestMessage") > begun, "the age of a message in flight"
    )


def test_metrics_alone_change_no_alarms_state(emulator: Emulator) -> None:
    client, name = emulator.client("cloudwatch"), f"measured-{uuid4().hex[:8]}"
    client.put_metric_alarm(
        AlarmName=name,
        Namespace=f"Test/{name}",
        MetricName="Ticks",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
    )
    data = [{"MetricName": "Ticks", "Value": 5}]
    client.put_metric_data(Namespace=f"Test/{name}", MetricData=data)
    [alarm] = client.describe_alarms(AlarmNames=[name])["MetricAlarms"]
    assert alarm["StateValue"] == "INSUFFICIENT_DATA"


def test_a_function_reports_its_concurrent_executions(
    emulator: Emulator, function: str, tmp_path: Path
) -> None:
    def running() -> float:
        points = measured(emulator, LAMBDA, "ConcurrentExecutions", {"FunctionName": function})
        return max((point["Maximum"] for point in points), default=0)

    assert running() == 0
    gate = tmp_path / "gate"
    order = json.dumps({"until": str(gate)})
    for _ in range(2):
        emulator.client("lambda").invoke(
            FunctionName=function, InvocationType="Event", Payload=order
        )
    eventually(lambda: running() == 2, "two running at once")
    gate.touch()
