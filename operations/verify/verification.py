"""One run: prepares the clients, runs the checks, and cleans up however the run ends."""

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager

from botocore.exceptions import BotoCoreError, ClientError

from operations.releases.chosen import Chosen, chosen_release
from operations.releases.stack import ReleasedStack, ReleaseError
from operations.verify.checks import CHECKS
from operations.verify.context import Check, Context
from operations.verify.declared import Declared, declared_by
from operations.verify.deployment import Deployment, code_of
from operations.verify.interruptions import uninterrupted
from operations.verify.options import Options
from operations.verify.run_clients import SOCKET_ERRORS, RunClients
from operations.verify.speaker import Say, speaker_tokens
from operations.verify.verdicts import Row, Verdict, not_checked


def verify(deployment: Deployment, options: Options, say: Say) -> list[Row]:
    """Run the selected checks; raises CannotVerify."""
    say("running the program to find out what it declares")
    declared = declared_by(deployment.stack, deployment.config, deployment.identity)
    with prepared(deployment, declared, options, say) as context:
        return run_checks(context, options.checks)


@contextmanager
def prepared(
    deployment: Deployment, declared: Declared, options: Options, say: Say
) -> Iterator[Context]:
    """Yield the context; afterwards remove the run's sessions, sockets and user.

    Raises CannotVerify.
    """
    with ExitStack() as stack:
        run_clients = None
        if any(CHECKS[name].needs_speaker for name in options.checks):
            tokens = stack.enter_context(speaker_tokens(deployment, options, say))
            run_clients = RunClients(deployment.outputs, tokens)
            stack.callback(_close, run_clients, say)
        chosen = _chosen(deployment, say) if "functions" in options.checks else None
        yield Context(
            deployment=deployment,
            declared=declared,
            run_clients=run_clients,
            say=say,
            intervals=options.intervals,
            with_captions=options.captions or "captions" in options.only,
            expired_token=options.expired_token,
            foreign_token=options.foreign_token,
            chosen_versions=chosen.versions if chosen else {},
            chosen_release=str(chosen.record) if chosen else "",
        )


def _chosen(deployment: Deployment, say: Say) -> Chosen | None:
    """The release of a rollback; None if there was none, or if that cannot be read."""
    try:
        return chosen_release(ReleasedStack(deployment.stack, deployment.client))
    except (ClientError, BotoCoreError, ReleaseError) as error:
        say(f"whether the stack is rolled back is unknown: {error}")
        return None


def run_checks(context: Context, names: Sequence[str]) -> list[Row]:
    """Run the checks; background ones run in parallel. Rows are in the order of the names."""
    background = {name: _started(context, name) for name in names if CHECKS[name].in_background}
    rows: dict[str, list[Row]] = {}
    for name in names:
        if name not in background:
            context.say(f"{name} …")
            rows[name] = rows_of(context, name, CHECKS[name].check)
    rows |= {name: future.result() for name, future in background.items()}
    return [row for name in names for row in rows[name]]


def _started(context: Context, name: str) -> Future[list[Row]]:
    future: Future[list[Row]] = Future()

    def run() -> None:
        try:
            future.set_result(rows_of(context, name, CHECKS[name].check))
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=run, name=name, daemon=True).start()
    return future


def rows_of(context: Context, name: str, check: Check) -> list[Row]:
    """The rows of one check, including those before an error of AWS or of a socket."""
    verdicts: list[Verdict] = []
    try:
        verdicts.extend(check(context))
    except ClientError as error:
        code, operation = code_of(error), error.operation_name
        way_out = f"allow {operation} to the caller, or try again"
        verdicts.append(not_checked(name, f"{operation} failed with {code}", way_out))
    except (BotoCoreError, *SOCKET_ERRORS) as error:
        verdicts.append(not_checked(name, f"{type(error).__name__}: {error}", "try again"))
    except Exception as error:
        # The results of the other checks must not be lost.
        seen = f"the check itself failed: {type(error).__name__}: {error}"
        verdicts.append(not_checked(name, seen, "report this with the output of `make verify`"))
    return [Row(name, verdict) for verdict in verdicts]


def _close(run_clients: RunClients, say: Say) -> None:
    with uninterrupted():
        run_clients.close(say)
