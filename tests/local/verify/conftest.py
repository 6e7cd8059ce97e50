"""One cloud with a status interval of 12 s, and one context, for all tests of `make verify`."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from local.cloud import LocalCloud
from operations.verify.context import Context
from operations.verify.declared import Declared, declared_by
from operations.verify.deployment import Deployment, local_deployment
from operations.verify.options import Options
from operations.verify.verification import prepared
from program.stack_config import LOCAL_STACK


def silent(_: str) -> None:
    """Discard the progress."""


@pytest.fixture(scope="session")
def verified_cloud(started_clouds: Callable[[dict[str, Any]], LocalCloud]) -> LocalCloud:
    return started_clouds({"statusIntervalSeconds": 12, "webPages": True})


@pytest.fixture(scope="session")
def deployment(verified_cloud: LocalCloud) -> Deployment:
    cloud = verified_cloud
    return local_deployment(LOCAL_STACK, cloud.account, cloud.outputs, cloud.config(), cloud.folder)


@pytest.fixture(scope="session")
def declared(deployment: Deployment) -> Declared:
    return declared_by(deployment.stack, deployment.config, deployment.identity)


@pytest.fixture(scope="session")
def context(deployment: Deployment, declared: Declared) -> Iterator[Context]:
    with prepared(deployment, declared, Options(), silent) as context:
        yield context
