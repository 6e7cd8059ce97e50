from collections.abc import Iterator

import pytest

from local.cloud import LocalCloud
from tests.local.monitoring.watching import Watching, watching


@pytest.fixture(scope="session")
def shared_cloud(shared_speech_cloud: LocalCloud) -> LocalCloud:
    """Not the one on which other tests make functions fail: the alarms would see that."""
    return shared_speech_cloud


@pytest.fixture
def watched(shared_cloud: LocalCloud) -> Iterator[Watching]:
    """The committed stack; every alarm was evaluated where nothing happens."""
    with watching(shared_cloud) as watched:
        yield watched
