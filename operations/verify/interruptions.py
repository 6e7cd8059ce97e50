"""Signals such as Ctrl-C: they end the run, but do not interrupt its clean-up."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def ending_on_signals() -> Iterator[None]:
    """The first signal raises KeyboardInterrupt; further ones are ignored."""

    def end(_number: int, _frame: FrameType | None) -> None:
        for each in SIGNALS:
            signal.signal(each, signal.SIG_IGN)
        raise KeyboardInterrupt

    with _handled_by(end):
        yield


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Ignore the signals inside the context; no effect outside the main thread."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    with _handled_by(signal.SIG_IGN):
        yield


@contextmanager
def _handled_by(handler: object) -> Iterator[None]:
    before = {each: signal.getsignal(each) for each in SIGNALS}
    for each in SIGNALS:
        signal.signal(each, handler)  # pyright: ignore[reportArgumentType]
    try:
        yield
    finally:
        for each, old in before.items():
            signal.signal(each, old)
