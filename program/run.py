"""Runs the Pulumi program without the Pulumi CLI, on mocks that provide the resources.

`run_program` corresponds to one `pulumi up` or `pulumi preview`.
"""

import asyncio
import contextvars
import gc
import runpy
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import pulumi
from pulumi.runtime import mocks as pulumi_mocks
from pulumi.runtime import settings as pulumi_settings
from pulumi.runtime import stack as pulumi_stack

from program.monitor import StackMonitor
from program.stack_config import ROOT, project

# Each mock call blocks its thread while it creates a resource.
RESOURCES_AT_ONCE = 16
ALLOCATIONS_BETWEEN_COLLECTIONS = 500_000
# The name that every stack of a self-managed backend has:
# https://www.pulumi.com/docs/iac/concepts/state-and-backends/#using-a-self-managed-backend
ORGANIZATION = "organization"


def run_program(
    mocks: pulumi.runtime.Mocks,
    *,
    stack: str,
    config: Mapping[str, str],
    preview: bool = False,
    timeout_seconds: float = 300,
    monitor: pulumi_mocks.MockMonitor | None = None,
    root: Path = ROOT,
) -> dict[str, Any]:
    """Runs `__main__.py` once and returns the stack's outputs, None for those not known.

    `root` may be another checkout, whose packages must then come first on `sys.path`.
    Raises what the program or the mocks raise, and `TimeoutError` if a resource hangs.
    """

    def run_main() -> None:
        runpy.run_path(str(root / "__main__.py"), run_name="__main__")

    return run_under_mocks(
        mocks,
        run_main,
        stack=stack,
        config=config,
        preview=preview,
        timeout_seconds=timeout_seconds,
        monitor=monitor,
        project_name=project(root)["name"],
    )


def run_under_mocks(
    mocks: pulumi.runtime.Mocks,
    program: Callable[[], None],
    *,
    stack: str,
    config: Mapping[str, str],
    preview: bool = False,
    timeout_seconds: float = 300,
    monitor: pulumi_mocks.MockMonitor | None = None,
    project_name: str | None = None,
) -> dict[str, Any]:
    """Runs any Pulumi program as `run_program` does; returns once every resource is registered.

    Each run has its own thread and its own Pulumi state, so runs do not affect each other.
    """
    result: Future[dict[str, Any]] = Future()

    def run() -> None:
        try:
            # The runtime needs an event loop before it gets its mocks.
            asyncio.set_event_loop(asyncio.new_event_loop())
            _start_clean(mocks, project_name or project()["name"], stack, config, preview, monitor)
            with _GARBAGE_COLLECTION.rare():
                exports = _run_in_loop(program, timeout_seconds)
            result.set_result(exports)
        except BaseException as error:
            result.set_exception(error)

    run_apart = contextvars.copy_context().run
    threading.Thread(target=run_apart, args=(run,), name="pulumi-program", daemon=True).start()
    return result.result(timeout_seconds + 30)


class _GarbageCollection:
    """The process's garbage collector, rare while a program runs.

    A run allocates so much that Python would go through all the SDK's objects again and again,
    which takes a third of the run's processor time, and finds little.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._runs = 0
        self._usual = gc.get_threshold()

    @contextmanager
    def rare(self) -> Iterator[None]:
        """Until the last of concurrent runs has ended."""
        with self._lock:
            if self._runs == 0:
                self._usual = gc.get_threshold()
                gc.set_threshold(ALLOCATIONS_BETWEEN_COLLECTIONS)
            self._runs += 1
        try:
            yield
        finally:
            with self._lock:
                self._runs -= 1
                if self._runs == 0:
                    gc.set_threshold(*self._usual)


_GARBAGE_COLLECTION = _GarbageCollection()


def _run_in_loop(program: Callable[[], None], timeout_seconds: float) -> dict[str, Any]:
    loop = asyncio.get_event_loop()
    threads = ThreadPoolExecutor(RESOURCES_AT_ONCE, thread_name_prefix="pulumi-resource")
    loop.set_default_executor(threads)

    async def everything() -> dict[str, Any]:
        await pulumi_stack.run_pulumi_func(program)
        root = cast(pulumi_stack.Stack, pulumi_settings.get_root_resource())
        return {
            name: await pulumi.Output.from_input(value).future()
            for name, value in root.outputs.items()
        }

    try:
        return loop.run_until_complete(asyncio.wait_for(everything(), timeout_seconds))
    finally:
        threads.shutdown(wait=False, cancel_futures=True)
        _abandon_tasks(loop)
        asyncio.set_event_loop(None)
        loop.close()


def _abandon_tasks(loop: asyncio.AbstractEventLoop) -> None:
    """Cancel what still waits after a failure: its errors would only repeat the first one."""
    loop.set_exception_handler(lambda loop, context: None)
    tasks = asyncio.all_tasks(loop)
    for task in tasks:
        task.cancel()
    if tasks:
        loop.run_until_complete(asyncio.wait(tasks, timeout=5))


def _start_clean(
    mocks: pulumi.runtime.Mocks,
    project_name: str,
    stack: str,
    config: Mapping[str, str],
    preview: bool,
    monitor: pulumi_mocks.MockMonitor | None,
) -> None:
    """Give this context its own Pulumi state; the SDK keeps parts of it per process."""
    pulumi_settings.ROOT.set(None)
    # Context properties, which type checkers treat as plain attributes.
    setattr(pulumi_settings.SETTINGS, "outputs", set())  # noqa: B010
    setattr(pulumi_settings.SETTINGS, "lock", threading.Lock())  # noqa: B010
    pulumi_mocks.set_mocks(
        mocks,
        project=project_name,
        stack=stack,
        preview=preview,
        monitor=monitor or StackMonitor(mocks),
        organization=ORGANIZATION,
    )
    pulumi.runtime.set_all_config(dict(config))
