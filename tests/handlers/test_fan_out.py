"""The fan-out of sessionEnded."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.handlers.conftest import LambdaContext, OpenSockets, Stage


def ended_session(stage: Stage, listeners: int = 3) -> tuple[str, list[str]]:
    speaker = stage.connect_speaker()
    session_id = stage.create_session(speaker)
    members = [stage.join(session_id) for _ in range(listeners)]
    stage.send(speaker, "endSession")
    return session_id, members


def test_gone_and_failing_listeners_are_counted_and_cost_no_other_its_frame(
    stage: Stage, sockets: OpenSockets, capsys: pytest.CaptureFixture[str]
) -> None:
    _, (gone, failing, well) = ended_session(stage)
    sockets.open.discard(gone)
    sockets.failing.add(failing)
    capsys.readouterr()
    stage.run_fan_outs()
    assert len(sockets.frames_of(well, "sessionEnded")) == 1
    assert [stage.connection(each) for each in (gone, failing, well)] == [{}, {}, {}]
    printed = capsys.readouterr().out.replace(" ", "")
    assert '"ConnectionsGone":[1.0]' in printed
    assert '"PostsFailed":[1.0]' in printed
    assert '"FramesDelivered":[1.0]' in printed


def test_a_task_delivered_twice_tells_nobody_twice(stage: Stage, sockets: OpenSockets) -> None:
    _, members = ended_session(stage)
    stage.fan_outs.append(stage.fan_outs[0])
    stage.run_fan_outs()
    assert [len(sockets.frames_of(each, "sessionEnded")) for each in members] == [1, 1, 1]


def test_a_listener_that_is_in_another_session_by_now_is_left_alone(
    stage: Stage, sockets: OpenSockets
) -> None:
    _, (mover, *_) = ended_session(stage)
    other = stage.create_session(stage.connect_speaker("user-2"))
    stage.change("connections", {"connectionId": mover}, sessionId=other)
    task = stage.fan_outs.pop()
    task["sessionEnded"]["connectionIds"] = [mover]
    stage.entries["fan_out"].handler(task, LambdaContext())
    assert sockets.frames_of(mover, "sessionEnded") == []
    assert stage.connection(mover)["sessionId"] == other


def test_several_pages_are_handed_out_one_invocation_each_and_no_deeper(
    stage: Stage, sockets: OpenSockets, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stage.entries["fan_out"], "PAGE_SIZE", 1)
    _, members = ended_session(stage)
    assert stage.run_fan_outs() == 1 + 3
    assert [len(sockets.frames_of(each, "sessionEnded")) for each in members] == [1, 1, 1]


def test_an_invocation_out_of_time_leaves_the_rows_to_the_next_pass(
    stage: Stage, sockets: OpenSockets
) -> None:
    session_id, members = ended_session(stage)
    stage.entries["fan_out"].handler(stage.fan_outs.pop(), LambdaContext(remaining_ms=0))
    assert sockets.posts == []
    assert stage.connection(members[0])["sessionId"] == session_id
    stage.run_checks()
    stage.run_fan_outs()
    assert [len(sockets.frames_of(each, "sessionEnded")) for each in members] == [1, 1, 1]


def test_a_row_that_cannot_be_deleted_is_told_by_the_next_pass(
    stage: Stage, sockets: OpenSockets, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, (member,) = ended_session(stage, listeners=1)
    table = type(stage.entries["fan_out"].CONNECTIONS)

    def fail(self: Any, *_: Any, **__: Any) -> None:
        raise ClientError({"Error": {"Code": "ThrottlingException"}}, "DeleteItem")

    with monkeypatch.context() as outage:
        outage.setattr(table, "remove", fail)
        stage.run_fan_outs()
    assert sockets.posts == []
    stage.run_checks()
    stage.run_fan_outs()
    assert len(sockets.frames_of(member, "sessionEnded")) == 1


def test_a_session_is_closed_only_when_it_has_settled_and_nobody_is_left(stage: Stage) -> None:
    session_id, _ = ended_session(stage)
    task = dict(stage.fan_outs[0])
    stage.run_fan_outs()
    stage.entries["fan_out"].handler(task, LambdaContext())
    assert "activeShard" in stage.session(session_id)
    stage.change("sessions", {"sessionId": session_id}, endedAt=stage.connected_at - 61_000)
    stage.entries["fan_out"].handler(task, LambdaContext())
    assert "activeShard" not in stage.session(session_id)
