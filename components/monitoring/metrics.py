"""The metrics there are: those that the functions emit themselves, and those of AWS.

Names and dimensions have to be exactly those that they are emitted with; tests/contracts hold the
functions' own to what the handlers emit.
"""

from components.alarms import Metric
from components.handler_function import FunctionPlatform
from components.session_api import SessionApi


def own(platform: FunctionPlatform, entry: str, name: str) -> Metric:
    """A metric that the function of an entry module emits through its log."""
    return Metric(namespace=platform.metrics_namespace, name=name, dimensions={"service": entry})


def of_function(physical_name: str, name: str) -> Metric:
    """https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html"""
    return Metric(namespace="AWS/Lambda", name=name, dimensions={"FunctionName": physical_name})


def of_queue(physical_name: str, name: str) -> Metric:
    """https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html"""
    return Metric(namespace="AWS/SQS", name=name, dimensions={"QueueName": physical_name})


def of_stage(api: SessionApi, name: str) -> Metric:
    """https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-api-logging.html"""
    return Metric(
        namespace="AWS/ApiGateway",
        name=name,
        dimensions={"ApiId": api.api_id, "Stage": api.stage_name},
    )
