"""A fixture for tests on a cloud: a conftest.py that imports it has it for all its tests."""

from collections.abc import Iterator

import pytest

from client import account, sign_in, sockets
from local.emulator import process as emulator_process
from local.speech import apertium, decoders
from local.speech import process as speech_process
from tests.patience import OUT_OF_REACH_SECONDS, PATIENCE_SECONDS

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
            assert wait.__defaults__ in ((sockets.REPLY_TIMEOUT_SECONDS,), (PATIENCE_SECONDS,))
            changed.setattr(wait, "__defaults__", (PATIENCE_SECONDS,))
        yield
