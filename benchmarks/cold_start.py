"""Processor time of a cold start: importing each entry module, compared with `import boto3`.

Importing an entry module builds its clients. Each import runs in a new process, alternating with
the others, so that a busy machine slows all of them equally; ratios come from the same round.
Bytecode is compiled beforehand, as in the layers.

Also measured: boto3 plus a DynamoDB client, and reading the certificate authorities, which our own
connections do when they are set up and botocore's do at their first request.
"""

import argparse
import os
import statistics
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from contract.functions import FUNCTIONS  # noqa: E402

BASELINE = "boto3"
REFERENCES = {
    BASELINE: "import boto3",
    "boto3 client": "import boto3; boto3.client('dynamodb')",
    "authorities": "import ssl; ssl.create_default_context()",
}
GOALS = {
    "connection": 1.6,
    "disconnect": 1.6,
    "heartbeat": 0.5,
    "refresh": 1.6,
    "session_status": 1.6,
    "fan_out": 1.6,
    "reconcile": 1.6,
    "audio_ingest": 1.6,
    "audio_processor": 1.6,
    "translation": 1.6,
}
MEASURE = """
import time
began = time.process_time()
{statement}
print(time.process_time() - began)
"""
REGION = "eu-central-1"
URL = f"https://sqs.{REGION}.amazonaws.com/123456789012/queue"
ENVIRONMENT = {
    "PATH": os.environ["PATH"],
    "PYTHONPATH": f"{ROOT}:{ROOT / 'handlers'}",
    "AWS_REGION": REGION,
    "AWS_DEFAULT_REGION": REGION,
    "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "secret",
    "AWS_SESSION_TOKEN": "token",
    "POWERTOOLS_SERVICE_NAME": "benchmark",
    "POWERTOOLS_METRICS_NAMESPACE": "LiveSessions/test",
    **{
        variable.name.upper(): "16" if variable.type is int else URL
        for function in FUNCTIONS.values()
        for variable in fields(function.environment)
    },
}


def processor_seconds(statement: str) -> float:
    """The processor time of a statement in a new process."""
    child = subprocess.run(  # noqa: S603
        [sys.executable, "-c", MEASURE.format(statement=statement)],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=True,
    )
    return float(child.stdout.splitlines()[-1])


def measure(statements: Mapping[str, str], rounds: int) -> dict[str, list[float]]:
    """The seconds of each statement in each round, after a first run that writes the bytecode."""
    for statement in statements.values():
        processor_seconds(statement)
    seconds: dict[str, list[float]] = {name: [] for name in statements}
    for _ in range(rounds):
        for name, statement in statements.items():
            seconds[name].append(processor_seconds(statement))
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--modules", nargs="*", default=list(GOALS), choices=list(GOALS))
    arguments = parser.parse_args()
    imports = {module: f"import {module}" for module in arguments.modules}
    seconds = measure(REFERENCES | imports, arguments.rounds)
    print(f"{'':16} {'ms':>6} {'x boto3':>13} {'goal':>6}")
    for name, taken in seconds.items():
        ratio = statistics.median(
            one / other for one, other in zip(taken, seconds[BASELINE], strict=True)
        )
        goal = f"{GOALS[name]:.2f}" if name in GOALS else ""
        print(f"{name:16} {statistics.median(taken) * 1000:6.0f} {ratio:13.2f} {goal:>6}")


if __name__ == "__main__":
    main()
