"""How much of the functions' logs the emulator keeps in its memory.

MiniStack keeps all of it, in a stream for each invocation: some 4 KB for each message of a client,
for as long as it runs. Here each function's log group keeps its latest streams.
"""

import threading
from collections import Counter
from typing import Any

from ministack.core.responses import get_account_id, get_region
from ministack.services import cloudwatch_logs, lambda_svc

MAX_GROUP_BYTES = 8 * 1024 * 1024
# What Python needs for a stream and for a line, beside the text.
STREAM_BYTES = 1_000
LINE_BYTES = 500
# Invocations from one look at a group's size to the next.
LOOK_EVERY = 100

_looking = threading.Lock()
_invocations: Counter[tuple[str, str, str]] = Counter()


def install() -> None:
    """Replace MiniStack's function, or what has replaced it; it is looked up at each call."""
    emit = lambda_svc._emit_lambda_logs

    def emit_and_forget(func: dict[str, Any], *arguments: Any, **options: Any) -> None:
        emit(func, *arguments, **options)
        _forget(f"/aws/lambda/{(func.get('config') or func)['FunctionName']}")

    lambda_svc._emit_lambda_logs = emit_and_forget


def _forget(group_name: str) -> None:
    """Remove the oldest streams of a group that has become too large."""
    with _looking:
        key = (get_account_id(), get_region(), group_name)
        _invocations[key] += 1
        if _invocations[key] % LOOK_EVERY or group_name not in cloudwatch_logs._log_groups:
            return
        streams = cloudwatch_logs._log_groups[group_name]["streams"]
        sizes = {name: _size(stream) for name, stream in list(streams.items())}
        surplus = sum(sizes.values()) - MAX_GROUP_BYTES
        for name, size in sizes.items():
            if surplus <= 0:
                return
            streams.pop(name, None)
            surplus -= size


def _size(stream: dict[str, Any]) -> int:
    return STREAM_BYTES + sum(LINE_BYTES + len(each["message"]) for each in stream["events"])
