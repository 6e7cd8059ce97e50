"""boto3 clients: one session a container, short timeouts, connections kept alive."""

from functools import cache
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config

if TYPE_CHECKING:
    from mypy_boto3_apigatewaymanagementapi import ApiGatewayManagementApiClient
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_sqs import SQSClient

# Three attempts stay below ten seconds, the shortest time limit of a function that uses them: past
# it the client would get API Gateway's own frame instead of an answer.
CONNECT_TIMEOUT_SECONDS = 1
READ_TIMEOUT_SECONDS = 1
ATTEMPTS = 3


@cache
def _session() -> boto3.session.Session:
    return boto3.session.Session()


def _config(
    *,
    attempts: int = ATTEMPTS,
    connect_timeout_seconds: float = CONNECT_TIMEOUT_SECONDS,
    read_timeout_seconds: float = READ_TIMEOUT_SECONDS,
    connections: int = 10,
) -> Config:
    return Config(
        connect_timeout=connect_timeout_seconds,
        read_timeout=read_timeout_seconds,
        retries={"mode": "standard", "total_max_attempts": attempts},
        max_pool_connections=connections,
        tcp_keepalive=True,
    )


@cache
def dynamodb(*, connections: int = 10) -> "DynamoDBClient":
    return _session().client("dynamodb", config=_config(connections=connections))


@cache
def hurried_dynamodb(timeout_seconds: float) -> "DynamoDBClient":
    """A client that gives up after `timeout_seconds` without a second attempt."""
    return _session().client(
        "dynamodb",
        config=_config(
            attempts=1,
            connect_timeout_seconds=timeout_seconds,
            read_timeout_seconds=timeout_seconds,
        ),
    )


@cache
def lambda_() -> "LambdaClient":
    return _session().client("lambda", config=_config(read_timeout_seconds=3, attempts=2))


@cache
def sqs() -> "SQSClient":
    return _session().client("sqs", config=_config(read_timeout_seconds=3, attempts=2))


@cache
def connections_api(
    endpoint: str, *, connections: int, attempts: int = 2
) -> "ApiGatewayManagementApiClient":
    """@connections of the stage at `endpoint`, for `connections` posts at a time."""
    return _session().client(
        "apigatewaymanagementapi",
        endpoint_url=endpoint,
        config=_config(attempts=attempts, connections=connections),
    )
