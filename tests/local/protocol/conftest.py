"""The protocol as a stranger's client meets it: real sockets, IAM enforced."""

import pytest

from client.people import Participants
from local.cloud import LocalCloud
from tests.local.conftest import CloudWith
from tests.local.protocol.seen import Seen


@pytest.fixture(scope="session")
def seen() -> Seen:
    """Every frame that a client of this package received."""
    return Seen()


@pytest.fixture
def cloud(cloud: LocalCloud, seen: Seen) -> LocalCloud:
    return observed(cloud, seen)


@pytest.fixture
def cloud_with(cloud_with: CloudWith, seen: Seen) -> CloudWith:
    return lambda **config: observed(cloud_with(**config), seen)


def observed(cloud: LocalCloud, seen: Seen) -> LocalCloud:
    cloud.participants = Participants(cloud.outputs, on_frame=seen.note)
    return cloud
