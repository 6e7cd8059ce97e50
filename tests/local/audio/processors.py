"""The audio processor's function on a local cloud: its time, its processes, its runs."""

import contextlib
import io
import os
import signal
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

from local.cloud import LocalCloud
from tests.local.releases import downloaded_code, serving

ENTRY = "audio_processor"
LOG_TIMEOUT_SECONDS = 60
NEARLY_OVER = """
import time
import audio_processor
from live_sessions.audio.processing import RESERVE_SECONDS

class Context:
    def __init__(self, context):
        self.left_at_first = context.get_remaining_time_in_millis()
        self.ends_at = time.monotonic() + %d + RESERVE_SECONDS

    def get_remaining_time_in_millis(self):
        left = (self.ends_at - time.monotonic()) * 1000
        return self.left_at_first if left > RESERVE_SECONDS * 1000 else left

def handler(event, context):
    return audio_processor.handler(event, Context(context))
"""


@contextlib.contextmanager
def nearly_over(cloud: LocalCloud, after_seconds: int) -> Iterator[None]:
    """Each processor that starts in this context learns after so many seconds that its time is
    nearly over, with the whole reserve to stop in good order that it has on AWS.

    Its function's real time limit stays out of reach.
    """
    name = cloud.outputs["functionNames"][ENTRY]
    client = cloud.client("lambda")
    archive = io.BytesIO(downloaded_code(client, name))
    with zipfile.ZipFile(archive, "a") as code:
        code.writestr("nearly_over.py", NEARLY_OVER % after_seconds)
    with serving(client, name, code=archive.getvalue(), Handler="nearly_over.handler"):
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
