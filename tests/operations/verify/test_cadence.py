"""How arrivals of the periodic status are judged."""

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

IDENTITY = Identity("998877665544", "eu-central-1", "aws", "zyxwv98765")
NOTHING = Declared(())


class ToldAt:
    """A speaker who gets his statuses at these seconds, and then none."""

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
    def __init__(self, speaker: ToldAt) -> None:
        self._speaker = speaker
        self.noted: list[str] = []

    def speaker(self, name: str) -> ToldAt:
        return self._speaker

    def track(self, session_id: str, speaker: ToldAt) -> None:
        self.noted.append(session_id)


def judged(
    *seconds: float,
    interval: int = 30,
    intervals: int = 2,
    declared: Declared = NOTHING,
    rule: str = "status",
) -> Verdict:
    run_clients = RunClients(ToldAt(seconds))
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
    verdict = judged(100.0, 130.4, 155.9)
    assert verdict.result is Result.RIGHT
    assert verdict.seen == "30.4 s, 25.5 s from one to the next; 30 s is set"


@pytest.mark.parametrize("arrivals", [(0, 60, 90), (0, 30, 65.1), (0, 24.9, 55)])
def test_one_gap_that_is_out_of_tolerance_is_found(arrivals: tuple[float, ...]) -> None:
    verdict = judged(*arrivals)
    assert verdict.result is Result.WRONG
    assert "30 s is set, give or take 5 s" in verdict.seen
    assert "/aws/lambda/x" in verdict.way_out


def test_a_status_that_stays_away_is_found() -> None:
    assert judged().seen == "none came within 95 s"
    assert judged(0, 30).seen == "2 came, the next one not within 65 s"


def test_only_so_many_intervals_are_measured_as_was_asked_for() -> None:
    assert judged(0, 30, intervals=1).result is Result.RIGHT


def test_where_the_stack_declares_no_ticks_none_is_waited_for() -> None:
    off = declared_by("staging", stack_config("staging", {"periodicStatus": False}), IDENTITY)
    verdict = judged(declared=off, rule="live-sessions-staging-status")
    assert verdict.result is Result.NOT_TRIED
    assert "periodicStatus" in verdict.way_out


def test_what_outlasts_a_socket_is_not_tried() -> None:
    verdict = judged(interval=3_600)
    assert verdict.result is Result.NOT_TRIED
    assert "--intervals" in verdict.way_out
