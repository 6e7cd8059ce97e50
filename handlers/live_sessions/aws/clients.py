"""botocore's clients: one session a container, short timeouts, connections kept alive.

They are boto3's own, without the import of boto3.
"""

from functools import cache
from typing import TYPE_CHECKING, Any

from botocore.config import Config
from botocore.session import Session

from live_sessions.aws.service_models import NamedServices

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_translate import TranslateClient

# A call that fails for good has done so within six seconds, with two attempts within three, or half
# as much again where not even a connection comes about. Past a route's time limit the client gets
# API Gateway's own frame, no answer of ours.
CONNECT_TIMEOUT_SECONDS = 1
READ_TIMEOUT_SECONDS = 1
ATTEMPTS = 3

HURRIED_TIMEOUT_SECONDS = 0.5
"""Of calls that are better not made than waited for."""

AT_MOST_ONCE_TIMEOUT_SECONDS = 3


SERVICES = ("dynamodb", "lambda", "sqs", "translate")


@cache
def _session() -> Session:
    session = Session()
    session.register_component("data_loader", NamedServices(SERVICES))
    return session


def _client(service: str, config: Config) -> Any:
    return _session().create_client(service, config=config)


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
def dynamodb(*, connections: int = 10, attempts: int = ATTEMPTS) -> "DynamoDBClient":
    return _client("dynamodb", _config(connections=connections, attempts=attempts))


@cache
def hurried_dynamodb(timeout_seconds: float) -> "DynamoDBClient":
    """A client that gives up after `timeout_seconds` without a second attempt."""
    return _client(
        "dynamodb",
        _config(
            attempts=1,
            connect_timeout_seconds=timeout_seconds,
            read_timeout_seconds=timeout_seconds,
        ),
    )


def dynamodb_at_most_once() -> "DynamoDBClient":
    """A client for calls that must not be carried out twice."""
    return hurried_dynamodb(AT_MOST_ONCE_TIMEOUT_SECONDS)


@cache
def lambda_() -> "LambdaClient":
    return _client("lambda", _config(read_timeout_seconds=3, attempts=2))


@cache
def lambda_at_most_once(timeout_seconds: float) -> "LambdaClient":
    """A client that waits so long for a function's result, and never has it invoked twice."""
    return _client("lambda", _config(read_timeout_seconds=timeout_seconds, attempts=1))


@cache
def sqs(*, attempts: int = 2) -> "SQSClient":
    return _client("sqs", _config(read_timeout_seconds=3, attempts=attempts))


@cache
def translate() -> "TranslateClient":
    """A client that gives up after a moment: a caption that is late is of little use."""
    return _client("translate", _config(read_timeout_seconds=1.5, attempts=1, connections=20))
