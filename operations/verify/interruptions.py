"""Ctrl-C and its kin: they end the run by way of its cleaning up, which they do not cut short."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def ending_on_signals() -> Iterator[None]:
    """The first of the signals raises KeyboardInterrupt, further ones nothing."""

    def end(_number: int, _frame: FrameType | None) -> None:
        for each in SIGNALS:
            signal.signal(each, signal.SIG_IGN)
        raise KeyboardInterrupt

    with _handled_by(end):
        yield


@contextmanager
def uninterrupted() -> Iterator[None]:
    """The signals are ignored; on other threads than the main one nothing changes."""
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
