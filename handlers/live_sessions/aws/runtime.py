"""What a function gets from where it runs: environment, clock, log and metrics.

The one reader of os.environ. Metrics are written to the log in the embedded metric format, so no
function needs cloudwatch:PutMetricData. Connection ids are hashed before they are logged.
"""

import hashlib
import importlib
import os
import random
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, field, fields
from typing import Any, TypeVar

from aws_lambda_powertools import Logger, Metrics

from contract.metrics import UNITS, Kind, Metric

Record = TypeVar("Record")
Handler = Callable[[Mapping[str, Any], Any], Any]
"""A function's handler: the event and Lambda's context in, the result out."""

TRUTH = {"true": True, "false": False}

OR_ELSE = "or else"
"""Metadata of a field whose variable may have another name, too."""


class EnvironmentProblem(Exception):
    """The function's environment lacks variables or holds values of the wrong kind."""


@dataclass(frozen=True)
class AwsEnvironment:
    """The variables that Lambda sets on every function; the local cloud also sets its endpoint.

    A function that starts from a snapshot has no keys here, since they would expire with it
    (credentials.py). `aws_client_timeout_scale` multiplies the time limits of AWS calls: the tests
    of the local cloud set it, so that a busy machine does not decide them.
    https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
    """

    aws_region: str = field(metadata={OR_ELSE: "AWS_DEFAULT_REGION"})
    aws_access_key_id: str | None = None
    aws_secret_access_key: str | None = field(default=None, repr=False)
    aws_session_token: str | None = field(default=None, repr=False)
    aws_endpoint_url: str | None = None
    aws_endpoint_url_dynamodb: str | None = None
    aws_endpoint_url_transcribe_streaming: str | None = None
    aws_client_timeout_scale: int = 1

    @property
    def dynamodb_endpoint(self) -> str:
        """https://docs.aws.amazon.com/general/latest/gr/ddb.html"""
        return (
            self.aws_endpoint_url_dynamodb
            or self.aws_endpoint_url
            or f"https://dynamodb.{self.aws_region}.amazonaws.com"
        )

    @property
    def transcribe_streaming_endpoint(self) -> str:
        """https://docs.aws.amazon.com/general/latest/gr/transcribe.html"""
        return (
            self.aws_endpoint_url_transcribe_streaming
            or f"https://transcribestreaming.{self.aws_region}.amazonaws.com:8443"
        )


def read_environment(record: type[Record], variables: Mapping[str, str] | None = None) -> Record:
    """Fill `record` from the variables named like its fields in capitals.

    `variables` stands in for os.environ. A field with a default is optional. Raises
    EnvironmentProblem naming every variable that is missing or of the wrong kind.
    """
    source = os.environ if variables is None else variables
    values: dict[str, str | int | bool] = {}
    problems: list[str] = []
    for each in fields(record):  # pyright: ignore[reportArgumentType]
        name = each.name.upper()
        text = source.get(name) or source.get(each.metadata.get(OR_ELSE, ""), "")
        if not text:
            if each.default is MISSING:
                problems.append(f"{name} is not set")
        elif each.type is int:
            try:
                values[each.name] = int(text)
            except ValueError:
                problems.append(f"{name} is {text!r}, which is not a whole number")
        elif each.type is bool:
            if text not in TRUTH:
                problems.append(f"{name} is {text!r}, which is neither true nor false")
            values[each.name] = TRUTH.get(text, False)
        else:
            values[each.name] = text
    if problems:
        raise EnvironmentProblem(
            f"{record.__name__}: {'; '.join(problems)}. "
            "The Pulumi program or Lambda itself sets these variables on the function."
        )
    return record(**values)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


@dataclass(frozen=True)
class Clock:
    """`now_ms` is epoch milliseconds, `monotonic` seconds that only rise, `sleep` takes seconds."""

    now_ms: Callable[[], int] = _now_ms
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


SYSTEM_CLOCK = Clock()


def draw_anew_after_restore() -> None:
    """Environments that start from one snapshot would otherwise draw the same random numbers.

    https://docs.aws.amazon.com/lambda/latest/dg/snapstart-uniqueness.html
    """
    if os.environ.get("AWS_LAMBDA_INITIALIZATION_TYPE") == "snap-start":
        # In the managed runtimes alone.
        hooks = importlib.import_module("snapshot_restore_py")
        hooks.register_after_restore(random.seed)


draw_anew_after_restore()
logger = Logger(serialize_stacktrace=False)
metrics = Metrics()
_one_at_a_time = threading.Lock()


def hashed(connection_id: str) -> str:
    """A connection id in the form that logs may hold: 12 hex digits."""
    return hashlib.sha256(connection_id.encode()).hexdigest()[:12]


def emit(values: Mapping[Metric, int]) -> None:
    """Write metrics to the log, one line for each unit; the contract says how each one counts."""
    by_unit: dict[str, list[tuple[str, int]]] = {}
    for metric, value in values.items():
        if value or metric.kind is not Kind.COUNTER:
            least = 0 if metric.kind is Kind.DURATION else value
            named = by_unit.setdefault(UNITS[metric.kind], [])
            named.append((metric.name, int(max(least, value))))
    with _one_at_a_time:
        for unit, named in by_unit.items():
            for name, value in named:
                metrics.add_metric(name=name, unit=unit, value=value)
            metrics.flush_metrics()
