"""`make run`: run the local cloud and the pages until Ctrl-C or SIGTERM; exit code 0 then."""

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

from client.running_cloud import OUTPUTS_FILE, PROJECT_ROOT
from components.web_pages.build import page_sources
from local.cloud import LocalCloud
from local.deployer import DeployError
from local.emulator.process import EmulatorError
from local.pages.listen_address import ListenAddressError, listen_address
from local.pages.local_pages import LocalPages, not_built
from local.serving import AlarmReports, Ended, ending_on_signals, say, shown
from local.state_folder import StateFolder
from program.stack_config import LOCAL_STACK

HANDLERS = PROJECT_ROOT / "handlers"
WATCH_SECONDS = 0.5
# Of functions, integrations and, as a factor, of the functions' own AWS calls. AWS's limits would
# refuse work here that is only slow: when several people speak, their cores are busy.
LEAST_TIME_LIMIT_SECONDS = 30
# The program's names of layers and functions.
LAYER_START = "layers-"
FUNCTION_END = "-function"
ALIAS_END = "-alias"
PAGES_START = "pages-"

Modified = dict[Path, int]


def main(argv: Sequence[str] | None = None) -> int:
    """Return the exit code: 1 if the start failed or a process ended by itself."""
    parser = argparse.ArgumentParser(prog="make run")
    parser.add_argument("--listen", metavar="ADDRESS", help="where phones reach the listener page")
    options = parser.parse_args(argv)
    try:
        listen = None if options.listen is None else listen_address(options.listen)
        with ending_on_signals(), StateFolder.claim() as folder:
            serve(folder.path, listen)
    except Ended:
        say("ended; all processes and files are removed")
        return 0
    except (DeployError, EmulatorError, ListenAddressError) as error:
        say(str(error))
        return 1
    return 0


def serve(folder: Path, listen: str | None = None) -> None:
    """Deploy and run until `Ended` is raised; raises EmulatorError if a process ends by itself."""
    started = time.monotonic()
    say("starting the emulator and deploying the program …")
    reason = not_built()
    seen, seen_program = _modified(with_pages=not reason), _program()
    with ExitStack() as running:
        pages = None
        if reason:
            say(f"the pages are not served: {reason}")
        else:
            pages = running.enter_context(LocalPages(listen))
        cloud = running.enter_context(
            LocalCloud(
                folder,
                config=pages.settings if pages else {},
                least_time_limit_seconds=LEAST_TIME_LIMIT_SECONDS,
            )
        )
        if pages:
            pages.publish(cloud)
        say(
            f"ready in {time.monotonic() - started:.1f} s: "
            f"sockets {cloud.outputs['websocketUrl']} · AWS {cloud.outputs['emulatorUrl']} · "
            f"outputs {shown(folder / OUTPUTS_FILE)} (Ctrl-C ends)"
        )
        if pages:
            say(pages.described(cloud.outputs))
        alarms = AlarmReports(cloud.evaluate_alarms)
        while (ending := cloud.ending()) is None:
            time.sleep(WATCH_SECONDS)
            alarms.print_if_due()
            now_program = _program()
            if now_program != seen_program:
                changed = now_program.items() ^ seen_program.items()
                names = ", ".join(sorted({shown(path) for path, _ in changed}))
                say(f"{names}: not deployed: stop this and start `make run` again")
                seen_program = now_program
            now = _modified(with_pages=pages is not None)
            if now != seen:
                reload(
                    cloud,
                    pages,
                    changed=sorted(path for path in now if now[path] != seen.get(path)),
                    deleted=sorted(seen.keys() - now.keys()),
                )
                seen = now
        raise EmulatorError(ending)


def reload(
    cloud: LocalCloud, pages: LocalPages | None, changed: list[Path], deleted: list[Path]
) -> None:
    """Deploy the changes; errors in them are printed, and the deployed code keeps running."""
    names = ", ".join([*map(shown, changed), *(f"{shown(path)} (deleted)" for path in deleted)])
    started = time.monotonic()
    try:
        for path in changed:
            if path.suffix == ".py":
                compile(path.read_bytes(), path, "exec")
        updated = cloud.deploy()
        if pages:
            pages.publish(cloud)
    except SyntaxError as error:
        say(f"{names}: {error.msg} (line {error.lineno}); the deployed code keeps running")
    except Exception as error:
        say(f"{names}: not deployed: {error}")
    else:
        say(
            f"{names}: reloaded {described(updated, len(cloud.outputs['functionNames']))} "
            f"in {time.monotonic() - started:.1f} s"
        )


def described(resources: list[str], function_count: int) -> str:
    """Return the names of layers, functions and other resources, in this order, each sorted.

    Aliases are not named: they follow their functions. Nor is each file of the pages.

    >>> described(["b-function", "layers-shared", "a-function", "a-alias", "b-alias"], 2)
    'the shared layer and all 2 functions'
    """
    layers = sorted(name for name in resources if name.startswith(LAYER_START))
    functions = sorted(name for name in resources if name.endswith(FUNCTION_END))
    aliases = {name for name in resources if name.endswith(ALIAS_END)}
    pages = {name for name in resources if name.startswith(PAGES_START)}
    others = sorted(set(resources) - {*layers, *functions, *aliases, *pages})
    parts = [f"the {name.removeprefix(LAYER_START)} layer" for name in layers]
    if 1 < len(functions) == function_count:
        parts.append(f"all {function_count} functions")
    else:
        parts += [name.removesuffix(FUNCTION_END) for name in functions]
    if pages:
        parts.append("the pages")
    *first, last = [*parts, *others] or ["nothing"]
    return f"{', '.join(first)} and {last}" if first else last


def _modified(*, with_pages: bool) -> Modified:
    """Return what a running cloud deploys again, without the pages if these are not served."""
    files = [*HANDLERS.rglob("*.py"), *HANDLERS.glob("requirements*.txt")]
    if with_pages:
        files += [path for _, path in page_sources(PROJECT_ROOT)]
    return dict(_times(files))


def _program() -> Modified:
    """Return the files of the program, which a running cloud does not deploy again."""
    folders = (PROJECT_ROOT / "components", PROJECT_ROOT / "contract")
    sources = [path for folder in folders for path in folder.rglob("*.py")]
    names = ("__main__.py", "Pulumi.yaml", f"Pulumi.{LOCAL_STACK}.yaml")
    return dict(_times([*sources, *(PROJECT_ROOT / name for name in names)]))


def _times(files: list[Path]) -> Iterator[tuple[Path, int]]:
    for path in files:
        try:
            yield path, path.stat().st_mtime_ns
        except FileNotFoundError:  # an editor is replacing it
            continue


if __name__ == "__main__":
    sys.exit(main())
