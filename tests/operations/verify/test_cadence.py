"""How the arrival times of the periodic status are checked."""

from collections.abc import Sequence
from typing import Any

import pytest

from client.sockets import Frame, FrameMissing
from operations.verify.checks import cadence
from operations.verify.context import Context
from operations.verify.declared import Declared, Identity, declared_by
from operations.verify.deployment import Deployment
from operations.verify.verdicts import Result, Verdict
from program.stack_config import stack_config
from tests.contracts.program_runs import LEAN

IDENTITY = Identity("998877665544", "eu-central-1", "aws", "zyxwv98765")
NOTHING = Declared(())


class StatusesAt:
    """A speaker who receives a status at each of these seconds, and then none."""

    is_open = True

    def __init__(self, seconds: Sequence[float]) -> None:
        self._frames = [Frame({"type": "sessionStatus"}, second) for second in seconds]
        self.asked: list[str] = []

    def create_session(self, language: str) -> str:
        return "calm-sea-1"

    def expect(self, frame_type: str, timeout_seconds: float, **fields: Any) -> Frame:
        assert (frame_type, fields) == ("sessionStatus", {"updateReason": "periodic"})
        if self._frames:
            return self._frames.pop(0)
        self.is_open = False
        raise FrameMissing("none came")

    def ask(self, action: str) -> None:
        self.asked.append(action)


class RunClients:
    def __init__(self, speaker: StatusesAt) -> None:
        self._speaker = speaker
        self.noted: list[str] = []

    def speaker(self, name: str) -> StatusesAt:
        return self._speaker

    def track(self, session_id: str, speaker: StatusesAt) -> None:
        self.noted.append(session_id)


def checked(
    *seconds: float,
    interval: int = 30,
    intervals: int = 2,
    declared: Declared = NOTHING,
    rule: str = "status",
) -> Verdict:
    run_clients = RunClients(StatusesAt(seconds))
    deployment = Deployment(
        stack="staging",
        outputs={"statusRule": rule, "logGroupNames": {"session_status": "/aws/lambda/x"}},
        config={"live-sessions:statusIntervalSeconds": str(interval)},
        identity=IDENTITY,
        client=lambda service: pytest.fail(f"asks {service}"),
    )
    context = Context(
        deployment=deployment,
        declared=declared,
        run_clients=run_clients,  # pyright: ignore[reportArgumentType]
        say=lambda text: None,
        intervals=intervals,
    )
    [verdict] = cadence(context)
    assert run_clients.noted == ([] if verdict.result is Result.NOT_TRIED else ["calm-sea-1"])
    return verdict


def test_arrivals_an_interval_apart_are_right_within_the_tolerance() -> None:
    verdict = checked(100.0, 130.4, 155.9)
    assert verdict.result is Result.RIGHT
    assert verdict.seen == "30.4 s, 25.5 s between statuses; 30 s is configured"


@pytest.mark.parametrize("arrivals", [(0, 60, 90), (0, 30, 65.1), (0, 24.9, 55)])
def test_one_interval_out_of_tolerance_is_reported(arrivals: tuple[float, ...]) -> None:
    verdict = checked(*arrivals)
    assert verdict.result is Result.WRONG
    assert "30 s is configured, with a tolerance of 5 s" in verdict.seen
    assert "/aws/lambda/x" in verdict.way_out


def test_a_missing_status_is_reported() -> None:
    assert checked().seen == "none received within 95 s"
    assert checked(0, 30).seen == "2 received, but not the next one within 65 s"


def test_only_the_requested_number_of_intervals_is_measured() -> None:
    assert checked(0, 30, intervals=1).result is Result.RIGHT


def test_a_stack_without_ticks_is_not_tried() -> None:
    off = declared_by(
        "staging", stack_config("staging", {**LEAN, "periodicStatus": False}), IDENTITY
    )
    verdict = checked(declared=off, rule="live-sessions-staging-status")
    assert verdict.result is Result.NOT_TRIED
    assert "periodicStatus" in verdict.way_out


def test_more_than_the_lifetime_of_a_socket_is_not_tried() -> None:
    verdict = checked(interval=3_600)
    assert verdict.result is Result.NOT_TRIED
    assert "--intervals" in verdict.way_out
