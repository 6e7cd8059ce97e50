from collections.abc import Callable, Iterator

import pytest

from local.emulator.process import Emulator
from local.speech.process import SpeechServices
from local.speech.recognisers import Recognition
from tests.local.speech.callers import Caller, caller

SpeechOn = Callable[[Recognition], SpeechServices]


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with Emulator(tmp_path_factory.mktemp("emulator")) as started:
        yield started


@pytest.fixture(scope="session")
def shared_speech(
    emulator: Emulator, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SpeechServices]:
    with SpeechServices(tmp_path_factory.mktemp("speech"), Recognition.NUMBERS) as services:
        services.start(emulator.url)
        services.wait_until_ready()
        yield services


@pytest.fixture
def speech(shared_speech: SpeechServices) -> Iterator[SpeechServices]:
    """Stand-ins that understand numbers; orders for faults end with the test."""
    yield shared_speech
    shared_speech.cancel_faults()


@pytest.fixture(scope="session")
def ada(emulator: Emulator, shared_speech: SpeechServices) -> Caller:
    """Someone who may both transcribe and translate."""
    return caller(emulator, shared_speech)
