"""Runs the Pulumi program without the Pulumi CLI, on mocks that decide what a resource is.

`stack_config` does what the CLI does with config; `run_program` is one `up` or `preview`.
"""

import asyncio
import contextvars
import json
import re
import runpy
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, cast

import pulumi
import yaml
from pulumi.runtime import mocks as pulumi_mocks
from pulumi.runtime import settings as pulumi_settings
from pulumi.runtime import stack as pulumi_stack

ROOT = Path(__file__).resolve().parents[1]
# Mocks block their thread while they make a resource.
RESOURCES_AT_ONCE = 16


class StackConfigError(ValueError):
    """Pulumi.<stack>.yaml cannot be read; the message is one line with its name and the place."""


def project() -> dict[str, Any]:
    """Pulumi.yaml as it stands."""
    return yaml.safe_load((ROOT / "Pulumi.yaml").read_text())


def committed_stacks() -> list[str]:
    """The stacks that have a Pulumi.<stack>.yaml."""
    names = (re.fullmatch(r"Pulumi\.(.+)\.yaml", path.name) for path in ROOT.glob("Pulumi.*.yaml"))
    return sorted(name[1] for name in names if name)


def stack_config(stack: str, overrides: Mapping[str, Any] | None = None) -> dict[str, str]:
    """A stack's whole config as the engine passes it on: `live-sessions:key` to text or JSON.

    The defaults of Pulumi.yaml, the values of Pulumi.<stack>.yaml over them, and over these the
    `overrides`, whose keys have no prefix. Raises `StackConfigError`.
    """
    declared = project()
    prefix = f"{declared['name']}:"
    values = {f"{prefix}{key}": each["default"] for key, each in declared["config"].items()}
    for key, value in _config_in(ROOT / f"Pulumi.{stack}.yaml").items():
        values[key if ":" in key else f"{prefix}{key}"] = value
    for key, value in (overrides or {}).items():
        values[f"{prefix}{key}"] = value
    return {key: _as_text(value) for key, value in values.items()}


def _config_in(path: Path) -> dict[str, Any]:
    """What a stack's file has under `config`; nothing in an empty file."""
    try:
        text = path.read_text()
        tree, content = yaml.compose(text, yaml.SafeLoader), yaml.safe_load(text)
    except (OSError, UnicodeDecodeError) as error:
        raise StackConfigError(f"{path.name}: cannot be read: {_reason(error)}") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f", line {mark.line + 1}" if mark else ""
        raise StackConfigError(f"{path.name}{line}: {error.problem}") from None
    except yaml.YAMLError as error:
        raise StackConfigError(f"{path.name}: {_reason(error)}") from None
    if tree is None or content is None:
        return {}
    if not isinstance(content, dict):
        raise StackConfigError(f"{_place(path, tree)}: must be a mapping with the key config")
    config = content.get("config")
    if config is None:
        return {}
    if not isinstance(config, dict):
        node = next(value for key, value in tree.value if key.value == "config")
        raise StackConfigError(f"{_place(path, node)}: config must be a mapping of keys to values")
    return {str(key): value for key, value in config.items()}


def _place(path: Path, node: yaml.Node) -> str:
    return f"{path.name}, line {node.start_mark.line + 1}"


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or getattr(error, "reason", None) or str(error)


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, default=str)


def run_program(
    mocks: pulumi.runtime.Mocks,
    *,
    stack: str,
    config: Mapping[str, str],
    preview: bool = False,
    timeout_seconds: float = 300,
    monitor: pulumi_mocks.MockMonitor | None = None,
) -> dict[str, Any]:
    """Runs `__main__.py` once and returns the stack's outputs, None for those not known.

    Raises what the program or the mocks raise, and `TimeoutError` if a resource hangs.
    """

    def run_main() -> None:
        runpy.run_path(str(ROOT / "__main__.py"), run_name="__main__")

    return run_under_mocks(
        mocks,
        run_main,
        stack=stack,
        config=config,
        preview=preview,
        timeout_seconds=timeout_seconds,
        monitor=monitor,
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
) -> dict[str, Any]:
    """Runs any Pulumi program as `run_program` does; returns once every resource is registered.

    Each run has a thread and a state of its own, so runs do not see each other.
    """
    result: Future[dict[str, Any]] = Future()

    def run() -> None:
        try:
            # The runtime wants a loop before it is given mocks.
            asyncio.set_event_loop(asyncio.new_event_loop())
            _start_clean(mocks, stack, config, preview, monitor)
            result.set_result(_run_in_loop(program, timeout_seconds))
        except BaseException as error:
            result.set_exception(error)

    run_apart = contextvars.copy_context().run
    threading.Thread(target=run_apart, args=(run,), name="pulumi-program", daemon=True).start()
    return result.result(timeout_seconds + 30)


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
    """After a failure everything that waited for it fails too: the first error has said it."""
    loop.set_exception_handler(lambda loop, context: None)
    tasks = asyncio.all_tasks(loop)
    for task in tasks:
        task.cancel()
    if tasks:
        loop.run_until_complete(asyncio.wait(tasks, timeout=5))


def _start_clean(
    mocks: pulumi.runtime.Mocks,
    stack: str,
    config: Mapping[str, str],
    preview: bool,
    monitor: pulumi_mocks.MockMonitor | None,
) -> None:
    """Gives this context a Pulumi state of its own; the SDK keeps parts of it per process."""
    pulumi_settings.ROOT.set(None)
    # Context properties, which type checkers take for plain ones.
    setattr(pulumi_settings.SETTINGS, "outputs", set())  # noqa: B010
    setattr(pulumi_settings.SETTINGS, "lock", threading.Lock())  # noqa: B010
    pulumi_mocks.set_mocks(
        mocks, project=project()["name"], stack=stack, preview=preview, monitor=monitor
    )
    pulumi.runtime.set_all_config(dict(config))
