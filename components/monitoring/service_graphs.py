"""What AWS reports of the API, the functions and the tables."""

from typing import Any

import pulumi

from components.monitoring.answer_alarms import ANSWERING
from components.monitoring.arguments import MonitoringArgs
from components.monitoring.graph import PERCENTILES, Line, graph, own_lines, percentiles

THROTTLES = ("ReadThrottleEvents", "WriteThrottleEvents")


def clients_graphs(args: MonitoringArgs) -> list[dict[str, Any]]:
    """https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-api-logging.html"""
    stage: tuple[pulumi.Input[str], ...] = (
        *("ApiId", args.api.api_id),
        *("Stage", args.api.stage_name),
    )
    graphs = [
        graph(
            "Connections and messages",
            [["AWS/ApiGateway", name, *stage] for name in ("ConnectCount", "MessageCount")],
        ),
        graph(
            "Errors that clients met",
            [
                *(
                    ["AWS/ApiGateway", name, *stage]
                    for name in ("ClientError", "ExecutionError", "IntegrationError")
                ),
                *(
                    line
                    for entry in ANSWERING
                    for line in own_lines(args, entry, "InternalErrors", "ServicesUnavailable")
                ),
            ],
        ),
        graph(
            "Answers, from when the message arrived (ms)",
            [
                *percentiles(args, "connection", "SessionCreationMilliseconds"),
                *percentiles(args, "connection", "JoinMilliseconds"),
                *percentiles(args, "connection", "ControlAckMilliseconds"),
                *percentiles(args, "session_status", "StatusQueryMilliseconds"),
            ],
        ),
    ]
    if args.has_route_metrics:
        graphs += [
            graph(f"Latency by route, {stat} (ms)", [[{"expression": _routes(args, stat)}]], stat)
            for stat in PERCENTILES
        ]
    return graphs


def _routes(args: MonitoringArgs, stat: str) -> pulumi.Output[str]:
    """A search, for AWS's page names other dimensions of a route than are seen elsewhere.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/search-expression-syntax.html
    """
    return pulumi.Output.concat(
        'SEARCH(\'Namespace="AWS/ApiGateway" MetricName="IntegrationLatency" "',
        args.api.api_id,
        f"\"', '{stat}')",
    )


def functions_graphs(args: MonitoringArgs) -> list[dict[str, Any]]:
    def of_each(name: str) -> list[Line]:
        return [
            ["AWS/Lambda", name, "FunctionName", function.physical_name, {"label": function.entry}]
            for function in args.functions
        ]

    return [
        *(graph(f"Duration, {stat} (ms)", of_each("Duration"), stat) for stat in PERCENTILES),
        graph("Errors of functions", of_each("Errors")),
        graph("Throttles of functions", of_each("Throttles")),
        graph("Functions at once", of_each("ConcurrentExecutions"), "Maximum"),
    ]


def tables_graphs(args: MonitoringArgs) -> list[dict[str, Any]]:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/metrics-dimensions.html"""
    return [
        graph(
            "DynamoDB throttles",
            [
                *(
                    ["AWS/DynamoDB", name, "TableName", table]
                    for table in args.tables
                    for name in THROTTLES
                ),
                # A table's own do not hold those of its indexes.
                *(
                    ["AWS/DynamoDB", name, "TableName", table, "GlobalSecondaryIndexName", index]
                    for table, index in args.indexes
                    for name in THROTTLES
                ),
            ],
        )
    ]
