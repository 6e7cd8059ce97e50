"""Each line of the dashboard is about a resource of the program or a metric of the contract."""

import json

import pytest

from contract import metrics
from contract.metrics import Metric
from tests.contracts.program_runs import EVERYTHING, ProgramRun, run, run_named

PIPELINE = f"arn:aws:lambda:{EVERYTHING['region']}:210987654321:function:captions"
OF_FUNCTIONS_THEMSELVES = {
    each.name: each for each in vars(metrics).values() if isinstance(each, Metric)
}
# https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-api-logging.html
OF_THE_API = {
    *("ConnectCount", "MessageCount", "ClientError", "ExecutionError"),
    *("IntegrationError", "IntegrationLatency"),
}
# https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
OF_FUNCTIONS = {"Duration", "Errors", "Throttles", "ConcurrentExecutions"}
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
OF_QUEUES = {"ApproximateNumberOfMessagesVisible", "ApproximateAgeOfOldestMessage"}
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/metrics-dimensions.html
OF_TABLES = {"ReadThrottleEvents", "WriteThrottleEvents"}


@pytest.fixture(scope="module", params=["production", "everything", "a pipeline from elsewhere"])
def watched(request: pytest.FixtureRequest) -> ProgramRun:
    if request.param == "a pipeline from elsewhere":
        elsewhere = {"translationFunctionArn": PIPELINE, "transcripts": False}
        return run("staging", {**EVERYTHING, **elsewhere})
    return run_named(request.param)


def lines(stack: ProgramRun) -> list[tuple[str, str, dict[str, str]]]:
    """Namespace, name and dimensions of each line that names a metric."""
    body = json.loads(stack.engine.only("cloudwatch/dashboard")["dashboardBody"])
    found: list[tuple[str, str, dict[str, str]]] = []
    for widget in body["widgets"]:
        for line in widget["properties"]["metrics"]:
            if isinstance(line[0], dict):
                continue  # a search, which names no dimensions
            namespace, name, *rest = line
            words = [word for word in rest if isinstance(word, str)]
            assert rest[len(words) :] == [each for each in rest if isinstance(each, dict)]
            found.append((namespace, name, dict(zip(words[::2], words[1::2], strict=True))))
    return found


def physical(stack: ProgramRun, typ: str) -> set[str]:
    return {each["name"] for each in stack.engine.inputs(typ)}


def indexes(stack: ProgramRun) -> set[str]:
    return {
        index["name"]
        for table in stack.engine.inputs("dynamodb/table")
        for index in table["globalSecondaryIndexes"]
    }


def test_each_line_is_about_a_part_of_the_stack(watched: ProgramRun):
    of: dict[str, tuple[set[str], dict[str, set[str]]]] = {
        "AWS/ApiGateway": (
            OF_THE_API,
            {"ApiId": {"api-api-id"}, "Stage": {watched.config["stageName"]}},
        ),
        "AWS/Lambda": (OF_FUNCTIONS, {"FunctionName": physical(watched, "lambda/function")}),
        "AWS/SQS": (OF_QUEUES, {"QueueName": physical(watched, "sqs/queue")}),
        "AWS/DynamoDB": (
            OF_TABLES,
            {
                "TableName": physical(watched, "dynamodb/table"),
                "GlobalSecondaryIndexName": indexes(watched),
            },
        ),
        f"LiveSessions/{watched.name}": (
            set(OF_FUNCTIONS_THEMSELVES),
            {"service": set(watched.outputs["functionNames"])},
        ),
    }
    assert {namespace for namespace, _, _ in lines(watched)} == of.keys()
    for namespace, name, dimensions in lines(watched):
        names, values = of[namespace]
        assert name in names, f"no function or service emits {name} to {namespace}"
        assert dimensions.keys() <= values.keys(), f"{name} has no dimensions {dimensions}"
        for dimension, value in dimensions.items():
            assert value in values[dimension], f"{name}: the stack has no {dimension} {value}"
        assert dimensions.keys() == values.keys() or set(dimensions) == {"TableName"}


def test_each_line_of_a_functions_own_metric_is_about_a_function_that_emits_it(
    watched: ProgramRun,
):
    own = [each for each in lines(watched) if each[0] == f"LiveSessions/{watched.name}"]
    assert own
    for _, name, dimensions in own:
        assert dimensions["service"] in OF_FUNCTIONS_THEMSELVES[name].emitted_by, name


def test_every_function_queue_of_failures_slot_and_table_is_shown(watched: ProgramRun):
    shown = {value for _, _, dimensions in lines(watched) for value in dimensions.values()}
    assert shown >= physical(watched, "lambda/function") | physical(watched, "dynamodb/table")
    assert shown >= indexes(watched)
    fed = {
        each["eventSourceArn"].rpartition(":")[2]
        for each in watched.engine.inputs("lambda/eventSourceMapping")
    }
    assert shown >= physical(watched, "sqs/queue") - fed


def test_transcripts_are_shown_where_they_are_written_and_how_many_failed():
    def titles_and_names(stack: ProgramRun) -> dict[str, list[tuple[str, str]]]:
        body = json.loads(stack.engine.only("cloudwatch/dashboard")["dashboardBody"])
        graphs = [widget["properties"] for widget in body["widgets"]]
        return {
            graph["title"]: [(line[1], line[3]) for line in graph["metrics"]]
            for graph in graphs
            if graph["title"] == "Transcripts"
        }

    prefix = "live-sessions-staging"
    assert titles_and_names(run_named("everything")) == {
        "Transcripts": [
            ("TranscriptsWritten", "transcripts"),
            ("Errors", f"{prefix}-transcripts"),
            ("ApproximateNumberOfMessagesVisible", f"{prefix}-transcript-failures"),
        ]
    }
    assert titles_and_names(run_named("production")) == {}
