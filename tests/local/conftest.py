from collections.abc import Callable, Iterator
from pathlib import Path
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
# One more cloud, for all tests that need a full session or a short grace period.
SMALL: dict[str, Any] = {"maxListenersPerSession": 50, "speakerGraceSeconds": 3}
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
    patient_start = {**(start.__kwdefaults__ or {}), "start_timeout_seconds": OUT_OF_REACH_SECONDS}
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
    """The local stack as it is committed, one for all tests; use `cloud` unless IAM is to deny.

    Its recogniser understands numbers (local/speech/spoken_numbers.py).
    """
    folder = tmp_path_factory.mktemp("cloud")
    with wide_cloud(folder, recognition=Recognition.NUMBERS) as cloud:
        yield cloud


@pytest.fixture
def cloud(shared_cloud: LocalCloud) -> Iterator[LocalCloud]:
    """The shared cloud; after the test its sockets are closed, IAM has denied nothing, and faults
    that were ordered are cancelled.
    """
    yield from _guarded(shared_cloud)
    shared_cloud.speech.cancel_faults()


@pytest.fixture(scope="session")
def shared_speech_cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    """As `shared_cloud`, but it recognises speech and translates, as far as this machine can."""
    with wide_cloud(tmp_path_factory.mktemp("cloud")) as cloud:
        yield cloud


@pytest.fixture
def speech_cloud(shared_speech_cloud: LocalCloud) -> Iterator[LocalCloud]:
    """As `cloud`, on the cloud that recognises speech."""
    yield from _guarded(shared_speech_cloud)


@pytest.fixture(scope="session")
def started_clouds(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Callable[[dict[str, Any]], LocalCloud]]:
    started: dict[str, LocalCloud] = {}

    def start(config: dict[str, Any]) -> LocalCloud:
        key = repr(sorted(config.items()))
        if key not in started:
            cloud = wide_cloud(tmp_path_factory.mktemp("cloud"), config=config)
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


def wide_cloud(folder: Path, **options: Any) -> LocalCloud:
    """A cloud in which no time limit cuts a function short: a busy machine would meet it."""
    config = {"statusQueryTimeoutMilliseconds": 4_000, **options.pop("config", {})}
    return LocalCloud(
        folder, config=config, least_time_limit_seconds=OUT_OF_REACH_SECONDS, **options
    )


def _guarded(cloud: LocalCloud) -> Iterator[LocalCloud]:
    denied_before = len(cloud.denials())
    yield cloud
    cloud.participants.close()
    denied = cloud.denials()[denied_before:]
    assert not denied, f"IAM denied what the functions need: {denied}"
