"""`make run`: run the local cloud until Ctrl-C or SIGTERM; the exit code is then 0."""

import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from client.running_cloud import OUTPUTS_FILE, PROJECT_ROOT
from local.alarms import State
from local.cloud import LocalCloud
from local.deployer import DeployError
from local.emulator.process import EmulatorError
from local.state_folder import StateFolder

HANDLERS = PROJECT_ROOT / "handlers"
WATCH_SECONDS = 0.5
# CloudWatch evaluates alarms each minute. The first evaluation waits until each period that the
# alarms on status ticks evaluate can contain one.
ALARM_SECONDS = 60.0
FIRST_ALARM_SECONDS = 300.0
# The program's names of layers and functions.
LAYER_START = "layers-"
FUNCTION_END = "-function"
ALIAS_END = "-alias"
ENDING_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

Modified = dict[Path, int]


class Ended(BaseException):
    """A signal has asked the run to end; not an Exception, so that no error handler catches it."""


def main() -> int:
    """Return the exit code: 1 if the start failed or a process ended by itself."""
    try:
        with ending_on_signals(), StateFolder.claim() as folder:
            serve(folder.path)
    except Ended:
        _say("ended; all processes and files are removed")
        return 0
    except (DeployError, EmulatorError) as error:
        _say(str(error))
        return 1
    return 0


def serve(folder: Path) -> None:
    """Deploy and run until `Ended` is raised; raises EmulatorError if a process ends by itself."""
    started = time.monotonic()
    _say("starting the emulator and deploying the program …")
    seen, seen_program = _modified(), _program()
    with LocalCloud(folder) as cloud:
        _say(
            f"ready in {time.monotonic() - started:.1f} s: "
            f"sockets {cloud.outputs['websocketUrl']} · AWS {cloud.outputs['emulatorUrl']} · "
            f"outputs {_shown(folder / OUTPUTS_FILE)} (Ctrl-C ends)"
        )
        next_alarms = time.monotonic() + FIRST_ALARM_SECONDS
        while (ending := cloud.ending()) is None:
            time.sleep(WATCH_SECONDS)
            if time.monotonic() >= next_alarms:
                next_alarms = time.monotonic() + ALARM_SECONDS
                report_alarms(cloud)
            now_program = _program()
            if now_program != seen_program:
                changed = now_program.items() ^ seen_program.items()
                names = ", ".join(sorted({_shown(path) for path, _ in changed}))
                _say(f"{names}: not deployed: stop this and start `make run` again")
                seen_program = now_program
            now = _modified()
            if now != seen:
                reload(
                    cloud,
                    changed=sorted(path for path in now if now[path] != seen.get(path)),
                    deleted=sorted(seen.keys() - now.keys()),
                )
                seen = now
        raise EmulatorError(ending)


def report_alarms(cloud: LocalCloud) -> None:
    """Evaluate the alarms and print those that enter or leave ALARM."""
    try:
        changes = cloud.evaluate_alarms(time.time())
    except (BotoCoreError, ClientError):  # no answer: `cloud.ending` will report why
        return
    for change in changes:
        if State.ALARM in (change.before, change.after):
            _say(str(change))


def reload(cloud: LocalCloud, changed: list[Path], deleted: list[Path]) -> None:
    """Deploy the changes; errors in them are printed, and the deployed code keeps running."""
    names = ", ".join([*map(_shown, changed), *(f"{_shown(path)} (deleted)" for path in deleted)])
    started = time.monotonic()
    try:
        for path in changed:
            if path.suffix == ".py":
                compile(path.read_bytes(), path, "exec")
        updated = cloud.deploy()
    except SyntaxError as error:
        _say(f"{names}: {error.msg} (line {error.lineno}); the deployed code keeps running")
    except Exception as error:
        _say(f"{names}: not deployed: {error}")
    else:
        _say(
            f"{names}: reloaded {described(updated, len(cloud.outputs['functionNames']))} "
            f"in {time.monotonic() - started:.1f} s"
        )


def described(resources: list[str], function_count: int) -> str:
    """Return the names of layers, functions and other resources, in this order, each sorted.

    Aliases are not named: they follow their functions.

    >>> described(["b-function", "layers-shared", "a-function", "a-alias", "b-alias"], 2)
    'the shared layer and all 2 functions'
    """
    layers = sorted(name for name in resources if name.startswith(LAYER_START))
    functions = sorted(name for name in resources if name.endswith(FUNCTION_END))
    aliases = {name for name in resources if name.endswith(ALIAS_END)}
    others = sorted(set(resources) - {*layers, *functions, *aliases})
    parts = [f"the {name.removeprefix(LAYER_START)} layer" for name in layers]
    if 1 < len(functions) == function_count:
        parts.append(f"all {function_count} functions")
    else:
        parts += [name.removesuffix(FUNCTION_END) for name in functions]
    *first, last = [*parts, *others] or ["nothing"]
    return f"{', '.join(first)} and {last}" if first else last


def _modified() -> Modified:
    files = [*HANDLERS.rglob("*.py"), *HANDLERS.glob("requirements*.txt")]
    return dict(_times(files))


def _program() -> Modified:
    """Return the files of the program, which a running cloud does not deploy again."""
    folders = (PROJECT_ROOT / "components", PROJECT_ROOT / "contract")
    sources = [path for folder in folders for path in folder.rglob("*.py")]
    configs = PROJECT_ROOT.glob("Pulumi.*yaml")
    return dict(_times([*sources, *configs, PROJECT_ROOT / "__main__.py"]))


def _times(files: list[Path]) -> Iterator[tuple[Path, int]]:
    for path in files:
        try:
            yield path, path.stat().st_mtime_ns
        except FileNotFoundError:  # an editor is replacing it
            continue


@contextmanager
def ending_on_signals() -> Iterator[None]:
    """Raise `Ended` at the first signal and ignore further ones, so that the clean-up completes."""

    def end(number: int, frame: object) -> None:
        for ending in ENDING_SIGNALS:
            signal.signal(ending, signal.SIG_IGN)
        raise Ended

    for ending in ENDING_SIGNALS:
        if ending is signal.SIGHUP and signal.getsignal(ending) is signal.SIG_IGN:
            continue  # started with nohup
        signal.signal(ending, end)
    yield


def _shown(path: Path) -> str:
    return str(path.relative_to(PROJECT_ROOT)) if path.is_relative_to(PROJECT_ROOT) else str(path)


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
