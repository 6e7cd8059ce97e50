"""Execution environments of MiniStack's Lambda: how they start, how long they run, what they log.

Five differences from MiniStack's own:

- A few environments start at a time, and a burst of invocations shares few environments as long as
  they keep finishing. On Lambda a hundred start in the time of one; here they share a laptop's
  cores with the server, and a hundred that run at once keep DynamoDB from answering in time. Where
  none of a function finishes, such as functions that wait for each other, further ones start, so
  the number that runs at once is not limited. Nor is that of a function which may run for minutes.
- Environments run at a lower priority than the server. A function gives DynamoDB and @connections
  about a second to answer, so under load the server has to get the processor first.
- A Python environment is forked from a process that has imported botocore; forked_process.py
  explains it.
- A layer is unpacked once, and every environment reads it there: unpacking takes longer than
  starting an environment.
- The reason why a function could not start, such as a failed import, is in its log, as on Lambda.
  MiniStack returns it to the caller alone.

limits.py raises time limits that are too short for a slow machine.
"""

import contextlib
import hashlib
import io
import os
import subprocess
import tempfile
import threading
import time
import types
import zipfile
from collections import defaultdict, deque
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

import forked_process
from forked_process import LAYER_FOLDERS_VARIABLE
from limits import least_time_limit_seconds
from ministack.core import lambda_runtime
from ministack.services import lambda_svc

MAX_STARTING = min(16, 2 * (os.cpu_count() or 1))
# Of one function, before an invocation waits for one of them to finish, and for how long.
MAX_IN_BURST = min(16, 2 * (os.cpu_count() or 1))
STALL_SECONDS = 2.0
# Of a function whose every invocation runs long; Lambda's longest.
LONG_TIMEOUT_SECONDS = 900
NICENESS = 5

# Called, on the invocation's thread, when it has got an environment. Until then an invocation that
# has a time limit waits for others, as none does on AWS.
on_environment: ContextVar[Callable[[], None] | None] = ContextVar("on_environment", default=None)

_acquire_worker = lambda_runtime.acquire_worker
_release_worker = lambda_runtime.release_worker
_spawn = lambda_runtime.Worker._spawn
_execute_function_warm = lambda_svc._execute_function_warm

_starting: set[lambda_runtime.Worker] = set()
_lock = threading.Lock()
# When an environment of a function last became idle or was started, by monotonic clock.
_progress_at: dict[str, float] = {}
# Invocations that wait, by function, in the order in which they came; the first of each is woken
# when something has changed. To wake all of them would take most of the server's time.
_queues: defaultdict[str, deque[threading.Event]] = defaultdict(deque)
_layer_folders: dict[str, str] = {}
_layers_lock = threading.Lock()


def install() -> None:
    """Replace MiniStack's functions, which it looks up at each call."""
    lambda_svc.acquire_worker = _acquire_in_turn
    lambda_svc.release_worker = _release
    lambda_svc._execute_function_warm = _execute_and_log
    lambda_runtime.Worker._spawn = _start
    lambda_runtime.subprocess = types.SimpleNamespace(
        **{**vars(subprocess), "Popen": forked_process.popen}
    )


def _acquire_in_turn(name: str, config: dict[str, Any], code: bytes, **options: Any) -> Any:
    key = lambda_runtime._worker_key(name, config, options["qualifier"])
    is_long = config.get("Timeout", 3) >= LONG_TIMEOUT_SECONDS
    turn = threading.Event()
    with _lock:
        queue = _queues[key]
        queue.append(turn)
    while True:
        with _lock:
            if queue[0] is turn and _may_acquire(key, is_long=is_long):
                queue.popleft()
                if queue:
                    queue[0].set()
                worker, origin = _acquire_worker(name, config, code, **options)
                if origin == "spawn":
                    _starting.add(worker)
                    _progress_at[key] = time.monotonic()
                break
            turn.clear()
            # Only the first one can be kept waiting by a function that stalls.
            timeout_seconds = STALL_SECONDS if queue[0] is turn else None
        turn.wait(timeout_seconds)
    if notify := on_environment.get():
        notify()
    return worker, origin


def _may_acquire(key: str, *, is_long: bool) -> bool:
    workers = lambda_runtime._workers.get(key, [])
    if not all(worker.in_use for worker in workers):
        return True
    stalled = time.monotonic() - _progress_at.get(key, 0.0) >= STALL_SECONDS
    may_grow = is_long or len(workers) < MAX_IN_BURST or stalled
    return len(_starting) < MAX_STARTING and may_grow


def _release(worker: lambda_runtime.Worker) -> None:
    _release_worker(worker)
    with _lock:
        _starting.discard(worker)
        for key, workers in list(lambda_runtime._workers.items()):
            if worker in workers:
                _progress_at[key] = time.monotonic()
        _wake_the_first()


def _start(worker: lambda_runtime.Worker) -> None:
    try:
        worker.config = _with_unpacked_layers(_with_time_limit(worker.config))
        _spawn(worker)
        with contextlib.suppress(ProcessLookupError):  # it ended at once
            # Set before the process has further threads, which inherit it.
            niceness = os.getpriority(os.PRIO_PROCESS, 0) + NICENESS
            os.setpriority(os.PRIO_PROCESS, worker._proc.pid, niceness)
    finally:
        _no_longer_starting(worker)


def _no_longer_starting(worker: lambda_runtime.Worker) -> None:
    with _lock:
        _starting.discard(worker)
        _wake_the_first()


def _wake_the_first() -> None:
    for queue in _queues.values():
        if queue:
            queue[0].set()


def _with_time_limit(config: dict[str, Any]) -> dict[str, Any]:
    variables = config.get("Environment", {}).get("Variables", {})
    return {**config, "Timeout": max(config.get("Timeout", 3), least_time_limit_seconds(variables))}


def _with_unpacked_layers(config: dict[str, Any]) -> dict[str, Any]:
    contents = [lambda_svc._resolve_layer_zip(layer) for layer in config.get("Layers", [])]
    if not all(contents) or not config["Runtime"].startswith("python"):
        return config
    folders = [_unpacked(content) for content in contents if content]
    variables = config.get("Environment", {}).get("Variables", {})
    if folders:
        variables = {**variables, LAYER_FOLDERS_VARIABLE: os.pathsep.join(folders)}
    return {**config, "Layers": [], "Environment": {"Variables": variables}}


def _unpacked(content: bytes) -> str:
    """The folder of a layer's content, which is trusted: this project's own deployer made it."""
    digest = hashlib.sha256(content).hexdigest()
    with _layers_lock:
        if digest not in _layer_folders:
            folder = tempfile.mkdtemp(prefix="layer-")
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                archive.extractall(folder)
            _layer_folders[digest] = folder
        return _layer_folders[digest]


def _execute_and_log(func: dict[str, Any], event: Any, request_id: str) -> dict[str, Any]:
    result = _execute_function_warm(func, event, request_id)
    if result.get("error") and not result.get("throttle") and not result.get("log"):
        result["log"] = f"[ERROR] {result['body']['errorMessage']}"
    return result
