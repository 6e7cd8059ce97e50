"""A few of MiniStack's Lambda environments start at a time, however many are asked for at once.

On Lambda a hundred of them start in the time of one. Here they share a laptop's cores, and a burst
would outlast its integration timeout. So an invocation in a burst takes whichever comes first, an
environment that falls free or a place to start one; how many run at once stays unlimited.
"""

import os
import threading
from typing import Any

from ministack.core import lambda_runtime
from ministack.services import lambda_svc
from shared_layers import with_shared_layers

MAX_STARTING = min(16, 2 * (os.cpu_count() or 1))

_acquire_worker = lambda_runtime.acquire_worker
_release_worker = lambda_runtime.release_worker
_spawn = lambda_runtime.Worker._spawn
_starting: set[lambda_runtime.Worker] = set()
_changed = threading.Condition()


def install() -> None:
    lambda_svc.acquire_worker = _acquire_in_turn
    lambda_svc.release_worker = _release_and_tell
    lambda_runtime.Worker._spawn = _spawn_and_tell


def _acquire_in_turn(name: str, config: dict[str, Any], code: bytes, **options: Any) -> Any:
    key = lambda_runtime._worker_key(name, config, options["qualifier"])
    with _changed:
        _changed.wait_for(lambda: len(_starting) < MAX_STARTING or _has_idle(key))
        worker, origin = _acquire_worker(name, config, code, **options)
        if origin == "spawn":
            _starting.add(worker)
        return worker, origin


def _has_idle(key: str) -> bool:
    return not all(worker.in_use for worker in lambda_runtime._workers.get(key, []))


def _release_and_tell(worker: lambda_runtime.Worker) -> None:
    _release_worker(worker)
    _no_longer_starting(worker)


def _spawn_and_tell(worker: lambda_runtime.Worker) -> None:
    try:
        worker.config = with_shared_layers(worker.config)
        _spawn(worker)
    finally:
        _no_longer_starting(worker)


def _no_longer_starting(worker: lambda_runtime.Worker) -> None:
    with _changed:
        _starting.discard(worker)
        _changed.notify_all()
