"""Tests on Pulumi's engine and the AWS provider; CONTRIBUTING.md says what they need."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from local.emulator.process import Emulator
from local.services import Services
from local.speech.recognisers import Recognition
from tests.engine.stack import EngineStack
from tests.engine.tools import missing_tool
from tests.patience import OUT_OF_REACH_SECONDS
from tests.patient_clouds import no_limit_is_met_by_a_busy_machine

__all__ = ["no_limit_is_met_by_a_busy_machine"]

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
    with Emulator(tmp_path_factory.mktemp("emulator")) as started:
        yield started


@pytest.fixture(scope="module")
def services(tools: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """An account in which functions have no time limit, with the stand-ins that sessions need.

    A module whose stack carries sessions overrides `emulator` with `services.emulator`.
    """
    with Services(
        tmp_path_factory.mktemp("services"),
        recognition=Recognition.NUMBERS,
        least_time_limit_seconds=OUT_OF_REACH_SECONDS,
    ) as started:
        started.speech.wait_until_ready()
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
