from collections.abc import Callable, Iterator
from typing import Any

import pytest

from client import account, sign_in, sockets
from local.cloud import LocalCloud
from local.emulator import process as emulator_process
from local.speech import apertium, decoders
from local.speech import process as speech_process
from local.speech.recognisers import Recognition
from tests.patience import OUT_OF_REACH_SECONDS, PATIENCE_SECONDS

CloudWith = Callable[..., LocalCloud]
LIMITS = (
    (account, "CALL_TIMEOUT_SECONDS"),
    (apertium, "TIMEOUT_SECONDS"),
    (decoders, "ANSWER_TIMEOUT_SECONDS"),
    (emulator_process, "STOP_SECONDS"),
    (sign_in, "ANSWER_TIMEOUT_SECONDS"),
    (sockets, "CLOSE_TIMEOUT_SECONDS"),
    (sockets, "OPEN_TIMEOUT_SECONDS"),
    (speech_process, "ORDER_TIMEOUT_SECONDS"),
    (speech_process, "START_TIMEOUT_SECONDS"),
    (speech_process, "STOP_SECONDS"),
)
WAITING = (
    sockets.Client.answer_to,
    sockets.Client.ask,
    sockets.Client.expect,
    sockets.Client.expect_close,
)


@pytest.fixture(scope="session", autouse=True)
def no_limit_is_met_by_a_busy_machine() -> Iterator[None]:
    start = emulator_process.Emulator.__init__
    patient_start = {**start.__kwdefaults__, "start_timeout_seconds": OUT_OF_REACH_SECONDS}
    with pytest.MonkeyPatch.context() as changed:
        for module, name in LIMITS:
            changed.setattr(module, name, OUT_OF_REACH_SECONDS)
        changed.setattr(start, "__kwdefaults__", patient_start)
        for wait in WAITING:
            assert wait.__defaults__ == (sockets.REPLY_TIMEOUT_SECONDS,)
            changed.setattr(wait, "__defaults__", (PATIENCE_SECONDS,))
        yield


@pytest.fixture(scope="session")
def shared_cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    """The local stack as it is committed, one for all tests; use `cloud` unless IAM is to deny."""
    with LocalCloud(tmp_path_factory.mktemp("cloud")) as cloud:
        yield cloud


@pytest.fixture
def cloud(shared_cloud: LocalCloud) -> Iterator[LocalCloud]:
    """The shared cloud; after the test its sockets are closed and IAM has denied nothing."""
    yield from _guarded(shared_cloud)


@pytest.fixture(scope="session")
def shared_numbers_cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    folder = tmp_path_factory.mktemp("cloud")
    with LocalCloud(folder, recognition=Recognition.NUMBERS) as cloud:
        yield cloud


@pytest.fixture
def numbers_cloud(shared_numbers_cloud: LocalCloud) -> Iterator[LocalCloud]:
    """As `cloud`, but it understands numbers (local/speech/spoken_numbers.py).

    Orders for faults end with the test.
    """
    yield from _guarded(shared_numbers_cloud)
    shared_numbers_cloud.speech.cancel_faults()


@pytest.fixture(scope="session")
def started_clouds(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Callable[[dict[str, Any]], LocalCloud]]:
    started: dict[str, LocalCloud] = {}

    def start(config: dict[str, Any]) -> LocalCloud:
        key = repr(sorted(config.items()))
        if key not in started:
            cloud = LocalCloud(tmp_path_factory.mktemp("cloud"), config=config)
            cloud.start()
            started[key] = cloud
        return started[key]

    yield start
    for cloud in started.values():
        cloud.stop()


@pytest.fixture
def cloud_with(
    started_clouds: Callable[[dict[str, Any]], LocalCloud],
) -> Iterator[CloudWith]:
    """`cloud_with(maxListenersPerSession=50)`: a cloud with that config, one for all who ask."""
    guards: list[Iterator[LocalCloud]] = []

    def start(**config: Any) -> LocalCloud:
        guard = _guarded(started_clouds(config))
        guards.append(guard)
        return next(guard)

    yield start
    for guard in guards:
        next(guard, None)


def _guarded(cloud: LocalCloud) -> Iterator[LocalCloud]:
    denied_before = len(cloud.denials())
    yield cloud
    cloud.participants.close()
    denied = cloud.denials()[denied_before:]
    assert not denied, f"IAM denied what the functions need: {denied}"
