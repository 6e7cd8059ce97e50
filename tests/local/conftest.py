from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from local.cloud import LocalCloud
from local.speech.recognisers import Recognition
from tests.patience import OUT_OF_REACH_SECONDS
from tests.patient_clouds import no_limit_is_met_by_a_busy_machine

__all__ = ["no_limit_is_met_by_a_busy_machine"]

CloudWith = Callable[..., LocalCloud]
# One more cloud, for all tests that need a full session or a short grace period.
SMALL: dict[str, Any] = {"maxListenersPerSession": 50, "speakerGraceSeconds": 3}


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
