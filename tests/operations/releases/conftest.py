from collections.abc import Iterator

import pytest
from moto import mock_aws


@pytest.fixture(autouse=True)
def emulated_account() -> Iterator[None]:
    with mock_aws():
        yield
