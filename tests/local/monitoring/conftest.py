from collections.abc import Iterator

import pytest

from local.cloud import LocalCloud
from tests.local.monitoring.watching import Watching, watching


@pytest.fixture
def watched(shared_cloud: LocalCloud) -> Iterator[Watching]:
    """The committed stack; every alarm was evaluated where nothing happens."""
    with watching(shared_cloud) as watched:
        yield watched
