"""Processor time of a cold start: importing each entry module, compared with `import boto3`.

Importing an entry module builds its clients. Each import runs in a new process, alternating with
the others, so that a busy machine slows all of them equally; ratios come from the same round.
Bytecode is compiled beforehand, as in the layers.

Also measured: boto3 plus a DynamoDB client, and reading the certificate authorities, which our own
connections do when they are set up and botocore's do at their first request.

`--layers` instead compares the built layers with bytecode and without: what `layerBytecode` gives.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from types import MappingProxyType

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from components.layers import Target, host_architecture  # noqa: E402
from components.layers.function_layers import (  # noqa: E402
    CACHE,
    HANDLERS,
    SHARED,
    STREAMING,
    TOKENS,
)
from components.layers.packaging import build_layer  # noqa: E402
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
    "removed_action": 0.5,
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


def processor_seconds(
    statement: str, environment: Mapping[str, str] = MappingProxyType(ENVIRONMENT)
) -> float:
    """The processor time of a statement in a new process."""
    child = subprocess.run(  # noqa: S603
        [sys.executable, "-c", MEASURE.format(statement=statement)],
        env=dict(environment),
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


def compare_layers(modules: Sequence[str], rounds: int) -> None:
    """Print each module's import from the layers as they are shipped, with and without bytecode."""
    seconds: dict[tuple[str, bool], list[float]] = {}
    with tempfile.TemporaryDirectory(prefix="live-sessions-cold-start-") as folder:
        environments = {
            bytecode: _unpacked(Path(folder, str(bytecode)), bytecode=bytecode)
            for bytecode in (True, False)
        }
        for _ in range(rounds):
            for module in modules:
                for bytecode, environment in environments.items():
                    taken = processor_seconds(f"import {module}", environment)
                    seconds.setdefault((module, bytecode), []).append(taken)
    print(f"{'':16} {'with':>8} {'without':>8} {'ratio':>6}")
    for module in modules:
        with_it, without = seconds[module, True], seconds[module, False]
        ratio = statistics.median(b / a for a, b in zip(with_it, without, strict=True))
        milliseconds = [statistics.median(each) * 1000 for each in (with_it, without)]
        print(f"{module:16} {milliseconds[0]:5.0f} ms {milliseconds[1]:5.0f} ms {ratio:6.2f}")


def _unpacked(folder: Path, *, bytecode: bool) -> dict[str, str]:
    """The environment of a function whose entry modules and layers are in the folder, read-only."""
    task = folder / "task"
    task.mkdir(parents=True)
    for module in FUNCTIONS:
        shutil.copy(HANDLERS / f"{module}.py", task)
    target = Target(
        runtime=f"python3.{sys.version_info[1]}",
        architecture=host_architecture(),
        is_host=True,
        bytecode=bytecode,
    )
    for source in (SHARED, TOKENS, STREAMING):
        zipfile.ZipFile(build_layer(source, target, CACHE)).extractall(folder)
    return {
        **ENVIRONMENT,
        "PYTHONPATH": f"{task}:{folder / 'python'}",
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--modules", nargs="*", default=list(GOALS), choices=list(FUNCTIONS))
    parser.add_argument("--layers", action="store_true")
    arguments = parser.parse_args()
    if arguments.layers:
        compare_layers(arguments.modules, arguments.rounds)
        return
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
