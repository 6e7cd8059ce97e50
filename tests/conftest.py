"""What concerns the run as a whole: how often Python looks for reference cycles, and Ctrl-C.

By default Python looks for cycles after each 700 new objects, through the hundred thousands that
the imported packages hold: a third of the processor time of a run of the Pulumi program.

A shell starts a background job (`make test &`) with SIGINT ignored, and a process inherits that;
the tests send SIGINT to processes that they start.
"""

import gc
import signal

OBJECTS_BETWEEN_COLLECTIONS = 50_000


def pytest_configure() -> None:
    gc.set_threshold(OBJECTS_BETWEEN_COLLECTIONS)
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_finish() -> None:
    """What is imported by now stays: no collection looks through it again."""
    gc.collect()
    gc.freeze()
