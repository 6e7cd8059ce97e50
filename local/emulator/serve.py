"""The server process of the local cloud: MiniStack with this folder's replacements.

It runs in the emulator's own virtual environment, which contains MiniStack and boto3 alone.
`process.py` passes a listening socket; without one it binds BIND_HOST:GATEWAY_PORT itself. It ends
on SIGTERM, on SIGINT and when its parent has ended, and leaves no worker process and no temporary
file. With PERSIST_STATE=1 it saves its state first, and the next server with the same STATE_DIR
continues with it; an exit status other than 0 means that the state was not saved.
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
CONNECTION_SECONDS = 24 * 3600


def main() -> None:
    os.environ.setdefault("BIND_HOST", "127.0.0.1")
    os.environ.setdefault("GATEWAY_PORT", "4566")
    most_files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    with contextlib.suppress(ValueError, OSError):  # macOS reports more than it allows
        resource.setrlimit(resource.RLIMIT_NOFILE, (most_files, most_files))
    parent_pid = int(os.environ.pop("EMULATOR_PARENT_PID", os.getppid()))
    threading.Thread(target=_end_with_parent, args=(parent_pid,), daemon=True).start()
    scratch = tempfile.mkdtemp(prefix="emulator-")
    tempfile.tempdir = os.environ["TMPDIR"] = scratch
    status = 0
    try:
        asyncio.new_event_loop().run_until_complete(_serve_until_signalled())
    except BaseException:
        traceback.print_exc()
        status = 1
    # Invocations under way end with their workers.
    _kill_workers()
    if status == 0:
        status = _save()
    shutil.rmtree(scratch, ignore_errors=True)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


async def _serve_until_signalled() -> None:
    signalled = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, signalled.set)

    import alarm_actions
    import alarm_descriptions
    import environments
    import iam
    import kept_logs
    import metrics
    import saved_state
    import sign_in_times
    import versions
    import websocket_gateway
    from hypercorn.asyncio import serve
    from hypercorn.config import Config
    from ministack.app import app

    for module in (
        websocket_gateway,
        environments,
        versions,
        iam,
        metrics,
        kept_logs,
        alarm_actions,
        alarm_descriptions,
        sign_in_times,
    ):
        module.install()
    _end_connections_that_clients_have_closed()
    saved_state.restore()
    config = Config()
    listener = os.environ.pop("EMULATOR_LISTENER_FD", "")
    address = f"{os.environ['BIND_HOST']}:{os.environ['GATEWAY_PORT']}"
    config.bind = [f"fd://{listener}" if listener else address]
    config.backlog = 1024
    # A client whose connection is closed just as it sends a request repeats what was carried out.
    config.keep_alive_timeout = CONNECTION_SECONDS
    config.keep_alive_max_requests = sys.maxsize
    until_killed = asyncio.Event()
    serving = serve(iam.with_authorise_endpoint(app), config, shutdown_trigger=until_killed.wait)
    server = asyncio.ensure_future(serving)
    ending = asyncio.ensure_future(signalled.wait())
    await asyncio.wait({server, ending}, return_when=asyncio.FIRST_COMPLETED)
    if server.done():
        server.result()


def _end_connections_that_clients_have_closed() -> None:
    """Without waiting for the keep-alive timeout first, as Hypercorn does: that is a day here."""
    from hypercorn.asyncio.tcp_server import TCPServer

    read_data = TCPServer._read_data

    async def read_data_and_end(server: TCPServer) -> None:
        await read_data(server)
        await server.idle_task.stop()

    TCPServer._read_data = read_data_and_end


def _end_with_parent(parent_pid: int) -> None:
    while os.getppid() == parent_pid:
        time.sleep(PARENT_POLL_SECONDS)
    os.kill(os.getpid(), signal.SIGTERM)


def _save() -> int:
    """Return the exit status."""
    import saved_state

    try:
        saved_state.save()
    except Exception:
        traceback.print_exc()
        return 1
    return 0


def _kill_workers() -> None:
    from ministack.core import lambda_runtime

    # Without MiniStack's locks: a thread that will never run again may own them.
    for workers in list(lambda_runtime._workers.values()):
        for worker in list(workers):
            if process := worker._proc:
                process.kill()
                process.wait()


if __name__ == "__main__":
    main()
