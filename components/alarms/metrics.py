"""How CloudWatch finds a metric: the functions' own, which are in the contract, and AWS's."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi

from components.handler_function import FunctionPlatform
from components.session_api import SessionApi
from contract.metrics import Metric


@dataclass(frozen=True, kw_only=True)
class CloudWatchMetric:
    """A metric's full identity; all three must be exactly those that it is emitted with."""

    namespace: str
    name: str
    dimensions: Mapping[str, pulumi.Input[str]]


def own_metric(platform: FunctionPlatform, metric: Metric, entry: str = "") -> CloudWatchMetric:
    """A metric of the contract, as the function of the entry module `entry` emits it.

    `entry` may be left out where one function emits it. Raises `ValueError` for a function that
    does not emit it, or if there are several to choose from.
    """
    if not entry and len(metric.emitted_by) == 1:
        (entry,) = metric.emitted_by
    if entry not in metric.emitted_by:
        raise ValueError(
            f"Metric {metric.name} is not emitted by {entry or 'one function'}: name one of"
            f" {', '.join(metric.emitted_by)} (contract/metrics.py)."
        )
    return CloudWatchMetric(
        namespace=platform.metrics_namespace, name=metric.name, dimensions={"service": entry}
    )


def function_metric(physical_name: str, name: str) -> CloudWatchMetric:
    """https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html"""
    return CloudWatchMetric(
        namespace="AWS/Lambda", name=name, dimensions={"FunctionName": physical_name}
    )


def queue_metric(physical_name: str, name: str) -> CloudWatchMetric:
    """https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html"""
    return CloudWatchMetric(namespace="AWS/SQS", name=name, dimensions={"QueueName": physical_name})


def stage_metric(api: SessionApi, name: str) -> CloudWatchMetric:
    """https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-api-logging.html"""
    return CloudWatchMetric(
        namespace="AWS/ApiGateway",
        name=name,
        dimensions={"ApiId": api.api_id, "Stage": api.stage_name},
    )


def table_metric(table: pulumi.Input[str], name: str, index: str = "") -> CloudWatchMetric:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/metrics-dimensions.html"""
    of_index = {"GlobalSecondaryIndexName": index} if index else {}
    return CloudWatchMetric(
        namespace="AWS/DynamoDB", name=name, dimensions={"TableName": table, **of_index}
    )
