"""What concerns the run as a whole: how often Python looks for reference cycles.

By default it did so after each 700 new objects, through the hundred thousands that the imported
packages hold: a third of the processor time of a run of the Pulumi program.
"""

import gc

OBJECTS_BETWEEN_COLLECTIONS = 50_000


def pytest_configure() -> None:
    gc.set_threshold(OBJECTS_BETWEEN_COLLECTIONS)


def pytest_collection_finish() -> None:
    """What is imported by now stays: no collection looks through it again."""
    gc.collect()
    gc.freeze()
