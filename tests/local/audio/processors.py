"""The audio processor's function on a local cloud: its time limit, its processes, its runs."""

import contextlib
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

from local.cloud import LocalCloud
from local.emulator.process import LEAST_TIME_LIMIT_VARIABLE
from tests.local.releases import serving

ENTRY = "audio_processor"
LOG_TIMEOUT_SECONDS = 60


@contextlib.contextmanager
def time_limit(cloud: LocalCloud, seconds: int) -> Iterator[None]:
    """Give the function another time limit in this context, and have the emulator apply it.

    Processors that are running keep the limit with which they started.
    """
    name = cloud.outputs["functionNames"][ENTRY]
    client = cloud.client("lambda")
    usual = client.get_function_configuration(FunctionName=name)
    variables = {**usual["Environment"]["Variables"], LEAST_TIME_LIMIT_VARIABLE: "0"}
    with serving(client, name, Timeout=seconds, Environment={"Variables": variables}):
        yield


def kill_processes(cloud: LocalCloud) -> int:
    """Kill the processes that run the function, at once; returns how many there were."""
    folder = f"/ministack-lambda-{cloud.outputs['functionNames'][ENTRY]}-"
    killed = 0
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if folder in os.readlink(process / "cwd"):
                os.kill(int(process.name), signal.SIGKILL)
                killed += 1
    return killed


def endings(cloud: LocalCloud, session_id: str) -> list[str]:
    """How the session's processors have ended so far, oldest first."""
    return [
        line.fields["ending"]
        for line in cloud.function_log(ENTRY)
        if line.fields.get("message") == "processed" and line.fields["session"] == session_id
    ]


def wait_for_ending(cloud: LocalCloud, session_id: str) -> list[str]:
    """The endings, once there is one."""
    deadline = time.monotonic() + LOG_TIMEOUT_SECONDS
    while not (ended := endings(cloud, session_id)) and time.monotonic() < deadline:
        time.sleep(0.2)
    return ended
