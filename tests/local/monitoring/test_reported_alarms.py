"""What `make run` prints about alarms."""

from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from local.alarms import Change, State
from local.serving import report_alarms


class Cloud:
    def __init__(self, *changes: Change, error: Exception | None = None) -> None:
        self._changes = list(changes)
        self._error = error

    def evaluate_alarms(self, now: float) -> list[Change]:
        if self._error:
            raise self._error
        return self._changes


def printed(capsys: pytest.CaptureFixture[str], *changes: Change, **options: Any) -> list[str]:
    report_alarms(Cloud(*changes, **options).evaluate_alarms)
    return capsys.readouterr().out.splitlines()


def test_an_alarm_that_fires_and_one_that_ends_are_reported_with_the_reason(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert printed(
        capsys,
        Change("a-errors", State.OK, State.ALARM, (None, 0.0, 2.5)),
        Change("b-late", State.ALARM, State.OK, (None, None, None)),
    ) == [
        "alarm a-errors: OK → ALARM (in the last 3 periods: none, 0, 2.5)",
        "alarm b-late: ALARM → OK (in the last 3 periods: none, none, none)",
    ]


def test_an_alarm_that_goes_from_no_data_to_ok_is_not_reported(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert printed(capsys, Change("a", State.INSUFFICIENT_DATA, State.OK, (0.0,))) == []


def test_an_emulator_that_does_not_answer_is_left_to_the_look_at_the_cloud(
    capsys: pytest.CaptureFixture[str],
) -> None:
    gone = EndpointConnectionError(endpoint_url="http://127.0.0.1:1")
    assert printed(capsys, error=gone) == []
