"""Each AWS call of each handler fails in each way it can: the client's reply, and the recovery."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from contract.actions import ACTIONS
from live_sessions.wire.messages import PASSCODE
from tests.handlers.conftest import ENVIRONMENT
from tests.handlers.faults.line import INNER_DETAIL, Call
from tests.handlers.faults.scenarios import ENTRIES, SCENARIOS
from tests.handlers.properties.interleaving import Fate, Operation, Turn
from tests.handlers.properties.invariants import Invariants, listeners_of
from tests.handlers.properties.moment import Moment
from tests.handlers.properties.records import Record
from tests.handlers.properties.rest import come_to_rest
from tests.handlers.properties.world import AUDIO_QUEUES, RATE_LIMITS, READS, World

TABLE = Path(__file__).with_name("calls.txt")
UNAVAILABLE = frozenset({"SERVICE_UNAVAILABLE", "STATUS_TIMEOUT"})
CODES = {
    Fate.THROTTLED: UNAVAILABLE,
    Fate.BROKEN: UNAVAILABLE,
    Fate.FAILED_BEFORE: UNAVAILABLE,
    Fate.FAILED_AFTER: UNAVAILABLE,
    # Where no client makes a second attempt.
    Fate.ANSWER_LOST: frozenset({"STATUS_TIMEOUT"}),
    Fate.DENIED: frozenset({"INTERNAL_ERROR"}),
    Fate.GONE: frozenset({"CONNECTION_NOT_FOUND"}),
}
DONE_BEFORE = {"leaveSession": "CONNECTION_NOT_FOUND", "endSession": "CONNECTION_NOT_FOUND"}
"""The reply to a repeated message whose first attempt was carried out."""


def test_every_action_has_a_scenario() -> None:
    words = {
        word for scenarios in SCENARIOS.values() for name in scenarios for word in name.split()
    }
    without = {"heartbeat", "refreshConnection", "sendAudio"}
    assert ACTIONS.keys() - without <= words
    assert {"heartbeat", "refresh", "audio_ingest"} <= SCENARIOS.keys()


class Scene:
    """A scenario that is set up once; each run begins with that state."""

    def __init__(self, world: World, function: str, scenario: str) -> None:
        world.reset()
        self.world, self.laws = world, Invariants(world)
        self.laws.faults = True
        world.observe, world.ended = self.laws.at_every_moment, self.laws.at_every_end
        self._start = SCENARIOS[function][scenario](world)
        self._moment = Moment(world, self.laws)

    def begin(self) -> Operation:
        """The scenario's operation, before its first call."""
        self._moment.return_to()
        return self._start()


@dataclass(frozen=True)
class Clean:
    """A run in which nothing fails; `frame` is the client's answer, if there is a client."""

    calls: list[Call]
    frame: dict[str, Any] | None
    sessions: int


def clean_run(scene: Scene) -> Clean:
    world, operation = scene.world, scene.begin()
    calls: list[Call] = []
    while operation.call is not None:
        calls.append(operation.call)
        world.step(operation)
    assert operation.failure is None
    is_message = operation.context["record"].kind == "message"
    frame = _frame(operation) if is_message else None
    return Clean(calls, frame, len(world.tables.rows["sessions"]))


def fates_of(call: Call) -> list[Fate]:
    """How a call can fail; test_interleavings.py also kills the function."""
    fates = [Fate.THROTTLED, Fate.DENIED, Fate.FAILED_BEFORE]
    if call.operation not in READS:
        fates += [Fate.FAILED_AFTER, Fate.ANSWER_LOST]
    if call.conditional:
        fates.append(Fate.CONDITION_FAILED)
    if call.service == "execute-api":
        fates += [Fate.BROKEN, Fate.GONE]
    return fates


def test_calls_txt_lists_every_call(world: World) -> None:
    lines: list[str] = []
    for function, scenario in ENTRIES:
        calls = clean_run(Scene(world, function, scenario)).calls
        lines.append(f"{function}: {scenario}")
        lines += [f"  {number} {call}" for number, call in enumerate(calls, 1)]
    recorded = "\n".join(lines) + "\n"
    if os.environ.get("WRITE_CALLS"):
        TABLE.write_text(recorded)
    assert recorded == TABLE.read_text(), (
        "if the change is intended, write the file again with WRITE_CALLS=1"
    )


@pytest.mark.parametrize(("function", "scenario"), ENTRIES)
def test_the_client_gets_a_reply_and_everything_recovers_whichever_call_fails(
    world: World, function: str, scenario: str
) -> None:
    scene = Scene(world, function, scenario)
    clean = clean_run(scene)
    assert clean.calls
    for number, call in enumerate(clean.calls, 1):
        for fate in fates_of(call):
            try:
                fail(scene, function, number, fate, clean)
            except AssertionError as problem:
                pytest.fail(f"{scenario}: call {number}, {call}: {fate.value}: {problem}")


def fail(scene: Scene, function: str, number: int, fate: Fate, clean: Clean) -> None:
    world, laws, operation = scene.world, scene.laws, scene.begin()
    for _ in range(number - 1):
        world.step(operation)
    call = operation.call
    assert call is not None
    assert call == clean.calls[number - 1]
    operation.context["faulty"] = True
    operation.context["said gone"] = fate is Fate.GONE
    world.step(operation, Turn(fate))
    world.finish(operation)
    if function != "reconcile":
        _require_counts(world, laws, exact=fate is Fate.ANSWER_LOST and not _deletes(call))
    if fate is Fate.ANSWER_LOST:
        assert len(world.tables.rows["sessions"]) == clean.sessions
    if clean.frame is not None:
        frame = _frame(operation)
        if PASSCODE in operation.context["record"].fields and call.subject == RATE_LIMITS:
            _require_no_guess(frame, fate)
        else:
            _require_fitting_answer(frame, clean.frame, call, fate)
        if frame.get("code") in UNAVAILABLE | CODES[Fate.DENIED]:
            _require_success_at_the_second_try(world, operation, clean.frame)
    come_to_rest(world, laws)


def _require_counts(world: World, laws: Invariants, *, exact: bool) -> None:
    """Never too low, or too many could join; exact where botocore's retry succeeds."""
    if exact:
        laws.counts_equal_rows()
    for session_id, session in world.tables.rows["sessions"].items():
        if "endedAt" not in session:
            members = len(listeners_of(world, session_id))
            assert members <= session["listenerCount"], "the count is too low"


def _require_success_at_the_second_try(
    world: World, operation: Operation, expected: dict[str, Any]
) -> None:
    record: Record = operation.context["record"]
    socket = next(each for each in world.connections if each.connection_id == record.connection_id)
    again = world.send(socket, str(record.action), **record.fields)
    world.finish(again)
    frame = _frame(again)
    done_before = DONE_BEFORE.get(str(record.action))
    assert frame["type"] == expected["type"] or frame.get("code") == done_before, frame


def _deletes(call: Call) -> bool:
    return call.operation == "DeleteItem"


def _require_fitting_answer(
    frame: dict[str, Any], expected: dict[str, Any], call: Call, fate: Fate
) -> None:
    assert INNER_DETAIL not in json.dumps(frame)
    if call.subject == RATE_LIMITS and fate is Fate.CONDITION_FAILED:
        assert frame.get("code") == "RATE_LIMITED", frame
        return
    if "code" in expected and frame.get("code") == expected["code"]:
        return
    if frame["type"] != "error":
        assert frame["type"] in (expected["type"], "connectionRefreshComplete"), frame
        return
    assert not _is_dispensable(call), f"{call} failed the client's message: {frame}"
    if fate is Fate.CONDITION_FAILED:
        assert frame["code"] != "INTERNAL_ERROR", frame
    elif _deletes(call) and fate is Fate.ANSWER_LOST:
        assert frame["code"] == "CONNECTION_NOT_FOUND", frame
    else:
        assert frame["code"] in CODES[fate], frame


def _require_no_guess(frame: dict[str, Any], fate: Fate) -> None:
    """A passcode is judged only where misses can be counted; joins in general need no count."""
    codes = {"RATE_LIMITED"} if fate is Fate.CONDITION_FAILED else {"SERVICE_UNAVAILABLE"}
    assert frame["type"] == "sessionJoined" or frame["code"] in codes, frame


def _is_dispensable(call: Call) -> bool:
    """Whether the client gets its reply without this call."""
    asked_first = call.service == "dynamodb" or call.operation == "GET"
    is_for_audio = call.subject in (*AUDIO_QUEUES, ENVIRONMENT["AUDIO_PROCESSOR_FUNCTION"])
    return call.subject == RATE_LIMITS or not (asked_first or is_for_audio)


def _frame(operation: Operation) -> dict[str, Any]:
    return operation.context["record"].answer(operation.result)
