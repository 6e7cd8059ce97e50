import pytest

from program.engine import Engine
from tests.contracts.program_runs import STACKS, ProgramRun, run_named


@pytest.fixture(scope="session")
def engine() -> Engine:
    """The staging stack with everything in it, also what is off by default."""
    return run_named("everything").engine


@pytest.fixture(params=STACKS)
def stack(request: pytest.FixtureRequest) -> ProgramRun:
    """Each committed stack in turn, and the one with everything in it."""
    return run_named(request.param)
