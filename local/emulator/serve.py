"""The server process of the local cloud: MiniStack behind API Gateway's WebSocket front.

Runs in the emulator's own environment, which holds MiniStack and boto3 alone. `process.py` hands
it a listening socket; without one it binds BIND_HOST:GATEWAY_PORT itself. It ends on SIGTERM, on
SIGINT and when its parent is gone, and leaves no worker process and no temporary file then.
"""

import asyncio
import contextlib
import os
import resource
import shutil
import signal
import sys
import tempfile
import threading
import time
import traceback

PARENT_POLL_SECONDS = 0.5


def main() -> None:
    os.environ.setdefault("BIND_HOST", "127.0.0.1")
    os.environ.setdefault("GATEWAY_PORT", "4566")
    most_files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    with contextlib.suppress(ValueError, OSError):  # macOS has a lower limit than it says
        resource.setrlimit(resource.RLIMIT_NOFILE, (most_files, most_files))
    parent_pid = int(os.environ.pop("EMULATOR_PARENT_PID", os.getppid()))
    threading.Thread(target=_end_with_parent, args=(parent_pid,), daemon=True).start()
    scratch = tempfile.mkdtemp(prefix="emulator-")
    tempfile.tempdir = os.environ["TMPDIR"] = scratch
    status = 0
    try:
        asyncio.new_event_loop().run_until_complete(_serve_until_told())
    except BaseException:
        traceback.print_exc()
        status = 1
    # Not waiting for invocations under way: their workers are gone with this.
    _kill_workers()
    shutil.rmtree(scratch, ignore_errors=True)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


async def _serve_until_told() -> None:
    told_to_end = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, told_to_end.set)

    import alarm_actions
    import authorisation
    import cold_starts
    import iam_checks
    import init_errors
    import metrics
    import websocket_gateway
    from hypercorn.asyncio import serve
    from hypercorn.config import Config
    from ministack.app import app

    websocket_gateway.install()
    cold_starts.install()
    iam_checks.install()
    init_errors.install()
    metrics.install()
    alarm_actions.install()
    config = Config()
    listener = os.environ.pop("EMULATOR_LISTENER_FD", "")
    address = f"{os.environ['BIND_HOST']}:{os.environ['GATEWAY_PORT']}"
    config.bind = [f"fd://{listener}" if listener else address]
    config.backlog = 1024
    config.keep_alive_timeout = 75.0
    until_killed = asyncio.Event()
    serving = serve(authorisation.beside(app), config, shutdown_trigger=until_killed.wait)
    server = asyncio.ensure_future(serving)
    told = asyncio.ensure_future(told_to_end.wait())
    await asyncio.wait({server, told}, return_when=asyncio.FIRST_COMPLETED)
    if server.done():
        server.result()


def _end_with_parent(parent_pid: int) -> None:
    while os.getppid() == parent_pid:
        time.sleep(PARENT_POLL_SECONDS)
    os.kill(os.getpid(), signal.SIGTERM)


def _kill_workers() -> None:
    from ministack.core import lambda_runtime

    # Without its locks: a thread that will never run again may hold them.
    for workers in list(lambda_runtime._workers.values()):
        for worker in list(workers):
            if process := worker._proc:
                process.kill()
                process.wait()


if __name__ == "__main__":
    main()
