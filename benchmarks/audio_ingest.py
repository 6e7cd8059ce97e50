"""Putting an audio chunk into its queue: audio_ingest compared with an empty function.

Both run on the local cloud and are invoked alternately with the event of a 100 ms chunk, so both
include the local cloud's own time per invocation, and ratios come from the same run.
"""

import argparse
import base64
import io
import itertools
import json
import statistics
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from client.people import Speaker  # noqa: E402
from contract.functions import LIVE  # noqa: E402
from local.cloud import LocalCloud  # noqa: E402

CHUNK = bytes(3200)
EMPTY = "benchmark-empty"
EMPTY_CODE = """
def handler(event, context):
    print("the local cloud waits for a function that prints nothing")
    return {"statusCode": 200}
"""


def event_of(speaker: Speaker, connection_id: str, sequence: int) -> dict[str, Any]:
    """The event that API Gateway passes for a chunk."""
    body = {
        "action": "sendAudio",
        "audioData": base64.b64encode(CHUNK).decode(),
        "sequence": sequence,
    }
    return {
        "requestContext": {
            "routeKey": "sendAudio",
            "eventType": "MESSAGE",
            "connectionId": connection_id,
            "connectedAt": time.time_ns() // 1_000_000,
            "identity": {"sourceIp": "127.0.0.1"},
            "authorizer": {"role": "speaker", "userId": "benchmark"},
        },
        "body": json.dumps(body),
        "isBase64Encoded": False,
    }


@contextmanager
def empty_function(cloud: LocalCloud) -> Iterator[str]:
    """A function with the configuration of audio_ingest that does nothing; yields its name."""
    client = cloud.client("lambda")
    ingest = client.get_function_configuration(
        FunctionName=cloud.outputs["functionNames"]["audio_ingest"]
    )
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("empty.py", EMPTY_CODE)
    client.create_function(
        FunctionName=EMPTY,
        Handler="empty.handler",
        Code={"ZipFile": code.getvalue()},
        **{name: ingest[name] for name in ("Role", "Runtime", "MemorySize", "Timeout")},
    )
    try:
        yield EMPTY
    finally:
        client.delete_function(FunctionName=EMPTY)


def measured(cloud: LocalCloud, chunks: int) -> dict[str, list[float]]:
    """The seconds that each invocation took, by function. Raises RuntimeError if one failed."""
    client = cloud.client("lambda")
    speaker = cloud.speaker()
    created = speaker.ask("createSession", sourceLanguage="en")
    sequences = itertools.count()

    def invoke(function: str) -> float:
        event = event_of(speaker, created["connectionId"], next(sequences))
        began_at = time.perf_counter()
        answer = client.invoke(FunctionName=function, Payload=json.dumps(event))
        answer["Payload"].read()
        if "FunctionError" in answer:
            raise RuntimeError(f"{function} failed")
        return time.perf_counter() - began_at

    with empty_function(cloud) as empty:
        names = {
            "empty": empty,
            "audio_ingest": f"{cloud.outputs['functionNames']['audio_ingest']}:{LIVE}",
        }
        for function in names.values():
            invoke(function)
        seconds: dict[str, list[float]] = {name: [] for name in names}
        for _ in range(chunks):
            for name, function in names.items():
                seconds[name].append(invoke(function))
    if speaker.received("error"):
        raise RuntimeError(f"a chunk was refused: {speaker.received('error')[0].body}")
    return seconds


def table(seconds: dict[str, list[float]]) -> str:
    """A row for each function, with its ratio to the empty one."""
    rows = [f"{'':14} {'p50 ms':>8} {'p95 ms':>8} {'p50 ratio':>10} {'p95 ratio':>10}"]
    empty = percentiles(seconds["empty"])
    for name, taken in seconds.items():
        figures = percentiles(taken)
        ratios = [one / other for one, other in zip(figures, empty, strict=True)]
        rows.append(
            f"{name:14} {figures[0] * 1000:8.1f} {figures[1] * 1000:8.1f} "
            f"{ratios[0]:10.2f} {ratios[1]:10.2f}"
        )
    return "\n".join(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--chunks", type=int, default=300, help="invocations of each (300)")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, LocalCloud(Path(folder)) as cloud:
        print(table(measured(cloud, arguments.chunks)))


def percentiles(seconds: list[float]) -> tuple[float, float]:
    """The median and the 95th percentile."""
    cuts = statistics.quantiles(seconds, n=20)
    return statistics.median(seconds), cuts[18]


if __name__ == "__main__":
    main()
