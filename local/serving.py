"""What `make run` and `make cloud` have in common: their end, their reports, their alarms."""

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from client.running_cloud import PROJECT_ROOT
from local.alarms import Change, State

# CloudWatch evaluates alarms each minute. The first evaluation waits until each period that the
# alarms on status ticks evaluate can contain one.
ALARM_SECONDS = 60.0
FIRST_ALARM_SECONDS = 300.0
ENDING_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

Evaluate = Callable[[float], list[Change]]
"""Evaluates a cloud's alarms on the metrics before a time (epoch seconds)."""


class Ended(BaseException):
    """A signal has asked the run to end; not an Exception, so that no error handler catches it."""


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


class AlarmReports:
    """Reports the alarms of a cloud every minute."""

    def __init__(self, evaluate: Evaluate) -> None:
        self._evaluate = evaluate
        self._next = time.monotonic() + FIRST_ALARM_SECONDS

    def print_if_due(self) -> None:
        """Report them if it is time."""
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + ALARM_SECONDS
            report_alarms(self._evaluate)


def report_alarms(evaluate: Evaluate) -> None:
    """Evaluate the alarms and print those that enter or leave ALARM."""
    try:
        changes = evaluate(time.time())
    except (BotoCoreError, ClientError):  # no answer: `ending` of the services reports why
        return
    for change in changes:
        if State.ALARM in (change.before, change.after):
            say(str(change))


def say(text: str) -> None:
    """Print a line at once, also into a pipe."""
    print(text, flush=True)


def shown(path: Path) -> str:
    """Return the path as people write it, from the project on."""
    return str(path.relative_to(PROJECT_ROOT)) if path.is_relative_to(PROJECT_ROOT) else str(path)
