from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from local.emulator.process import Emulator
from tests.local.emulator.sockets import Route, SocketApi, deploy_socket_api


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with Emulator(tmp_path_factory.mktemp("emulator")) as started:
        yield started


@pytest.fixture(scope="session")
def api(emulator: Emulator, tmp_path_factory: pytest.TempPathFactory) -> SocketApi:
    """Without an authorizer; its `$default` answers."""
    return deploy_socket_api(
        emulator,
        tmp_path_factory.mktemp("api") / "notes",
        {
            "$connect": Route(answers=False),
            "$disconnect": Route(answers=False),
            "$default": Route(),
            "named": Route(),
            "silent": Route(answers=False),
            "hasty": Route(timeout_milliseconds=500),
        },
    )


@pytest.fixture(scope="session")
def authorized_api(emulator: Emulator, tmp_path_factory: pytest.TempPathFactory) -> SocketApi:
    return deploy_socket_api(
        emulator,
        tmp_path_factory.mktemp("authorized-api") / "notes",
        {"$disconnect": Route(answers=False), "$default": Route()},
        authorized=True,
    )


@pytest.fixture
def deploy(emulator: Emulator, tmp_path: Path) -> Callable[..., SocketApi]:
    """`deploy_socket_api` for one test, with routes and options to give."""
    return partial(deploy_socket_api, emulator, tmp_path / "notes")
