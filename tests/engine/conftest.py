"""Tests on Pulumi's engine and the AWS provider; CONTRIBUTING.md says what they need."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from local.emulator.process import Emulator
from tests.engine.stack import EngineStack
from tests.engine.tools import missing_tool
from tests.patience import OUT_OF_REACH_SECONDS

StartStack = Callable[..., EngineStack]
FOLDER = Path(__file__).parent
TIMEOUT_SECONDS = 1800


@pytest.fixture(scope="session", autouse=True)
def tools() -> None:
    if reason := missing_tool():
        pytest.skip(reason)


@pytest.fixture(scope="module")
def emulator(tools: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """An account that only the tests of one module use."""
    folder = tmp_path_factory.mktemp("emulator")
    with Emulator(folder, start_timeout_seconds=OUT_OF_REACH_SECONDS) as started:
        yield started


@pytest.fixture(scope="module")
def start_stack(emulator: Emulator) -> Iterator[StartStack]:
    """`start_stack(name=…, config=…, program=…)`: an `EngineStack` on the module's emulator."""
    with ExitStack() as stacks:
        yield lambda **options: stacks.enter_context(EngineStack(emulator, **options))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The engine's operations take minutes, longer than the tests' usual time limit."""
    for item in items:
        if item.path.is_relative_to(FOLDER):
            item.add_marker(pytest.mark.timeout(TIMEOUT_SECONDS))
