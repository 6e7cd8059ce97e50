"""The fan-outs: a session's end, and a frame to every listener."""

from __future__ import annotations

import dataclasses
import json
import threading
from collections import Counter
from typing import Any
from urllib.parse import unquote

import pytest
from botocore.exceptions import ClientError

from live_sessions.aws.http import AwsHttp
from live_sessions.environment import AwsEnvironment
from live_sessions.posts.sockets import FAN_OUT_TIMEOUT_SECONDS, Sockets
from live_sessions.tables.connection_table import Removal
from tests.handlers.conftest import LambdaContext, OpenSockets, Stage
from tests.handlers.loopback import Received, serving, status
from tests.patience import OUT_OF_REACH_SECONDS, PATIENCE_SECONDS

FRAME = {"type": "broadcastPaused", "timestamp": 1}
THROTTLED = ClientError({"Error": {"Code": "ThrottlingException"}}, "DeleteItem")


class LoopbackHttp(AwsHttp):
    """The real thing, which the stage replaces in AwsHttp."""

    request = AwsHttp.request


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
    task["connectionIds"] = [mover]
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
    assert sockets.frames_of(members[0], "sessionEnded") == []
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
        raise THROTTLED

    with monkeypatch.context() as outage:
        outage.setattr(table, "remove", fail)
        stage.run_fan_outs()
    assert sockets.frames_of(member, "sessionEnded") == []
    stage.run_checks()
    stage.run_fan_outs()
    assert len(sockets.frames_of(member, "sessionEnded")) == 1


def test_a_listener_whose_deletion_got_no_answer_at_first_is_told(
    stage: Stage, sockets: OpenSockets, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, members = ended_session(stage)
    table = type(stage.entries["fan_out"].CONNECTIONS)
    remove = table.remove

    def lose_the_answer(self: Any, connection_id: str, **options: Any) -> Removal:
        assert remove(self, connection_id, **options).row is not None
        return Removal(None, is_doubtful=True)

    monkeypatch.setattr(table, "remove", lose_the_answer)
    stage.run_fan_outs()
    assert [len(sockets.frames_of(each, "sessionEnded")) for each in members] == [1, 1, 1]


def test_a_throttled_post_is_repeated_and_the_row_is_deleted_once(
    stage: Stage, sockets: OpenSockets, capsys: pytest.CaptureFixture[str]
) -> None:
    _, (full, well) = ended_session(stage, listeners=2)
    sockets.throttled[full] = 2
    capsys.readouterr()
    stage.run_fan_outs()
    assert [len(sockets.frames_of(each, "sessionEnded")) for each in (full, well)] == [1, 1]
    assert '"PostsRetried":[2.0]' in capsys.readouterr().out.replace(" ", "")


def test_a_session_is_closed_only_when_it_has_settled_and_nobody_is_left(stage: Stage) -> None:
    session_id, _ = ended_session(stage)
    task = dict(stage.fan_outs[0])
    stage.run_fan_outs()
    stage.entries["fan_out"].handler(task, LambdaContext())
    assert "activeShard" in stage.session(session_id)
    stage.change("sessions", {"sessionId": session_id}, endedAt=stage.connected_at - 61_000)
    stage.entries["fan_out"].handler(task, LambdaContext())
    assert "activeShard" not in stage.session(session_id)


# ---- A frame to every listener


def frame_task(session_id: str, connection_ids: list[str] | None = None) -> dict[str, Any]:
    task = {"task": "frame", "sessionId": session_id, "frame": json.dumps(FRAME)}
    return task if connection_ids is None else {**task, "connectionIds": connection_ids}


def filled_session(stage: Stage, listeners: int) -> tuple[str, list[str]]:
    """A session with so many listeners, written as many joins would have left it."""
    session_id = stage.create_session(stage.connect_speaker())
    members = [f"listener/{number}+=" for number in range(listeners)]
    for first in range(0, listeners, 25):
        stage.dynamodb.batch_write_item(
            RequestItems={
                "connections": [
                    {
                        "PutRequest": {
                            "Item": {
                                "connectionId": {"S": member},
                                "role": {"S": "listener"},
                                "sessionId": {"S": session_id},
                                "targetLanguage": {"S": "es"},
                                "membershipId": {"S": f"membership of {member}"},
                                "connectedAt": {"N": str(stage.connected_at)},
                                "ttl": {"N": str(stage.connected_at // 1000 + 7200)},
                            }
                        }
                    }
                    for member in members[first : first + 25]
                ]
            }
        )
    stage.change(
        "sessions",
        {"sessionId": session_id},
        listenerCount=listeners,
        listenersByLanguage={"es": listeners},
        statusBaseline=listeners,
    )
    stage.sockets.open.update(members)
    return session_id, members


def failures_told(caplog: pytest.LogCaptureFixture) -> dict[str, int]:
    (record,) = [record for record in caplog.records if record.message == "frame"]
    return vars(record)["failed"]


def run(stage: Stage, task: dict[str, Any], remaining_ms: int = LambdaContext.remaining_ms) -> None:
    stage.entries["fan_out"].handler(task, LambdaContext(remaining_ms))


@pytest.mark.parametrize("listeners", [0, 1, 3])
def test_a_frame_goes_to_every_listener_and_not_to_the_speaker(
    stage: Stage, sockets: OpenSockets, listeners: int
) -> None:
    session_id, members = filled_session(stage, listeners)
    run(stage, frame_task(session_id))
    assert sorted(receiver for receiver, _ in sockets.posts) == sorted(members)
    assert all(frame == FRAME for _, frame in sockets.posts)


def test_listeners_that_are_gone_lose_row_and_place_and_the_speaker_hears_it_once(
    stage: Stage, sockets: OpenSockets, capsys: pytest.CaptureFixture[str]
) -> None:
    session_id, members = filled_session(stage, 10)
    sockets.open.difference_update(members[:4])
    capsys.readouterr()
    run(stage, frame_task(session_id))
    session = stage.session(session_id)
    assert (session["listenerCount"], session["listenersByLanguage"]) == (6, {"es": 6})
    assert [bool(stage.connection(each)) for each in members] == [False] * 4 + [True] * 6
    (news,) = sockets.frames_of(session["speakerConnectionId"], "sessionStatus")
    assert (news["listenerCount"], news["updateReason"]) == (6, "listenerCountChange")
    printed = capsys.readouterr().out.replace(" ", "")
    assert '"ConnectionsGone":[4.0]' in printed
    assert '"FramesDelivered":[6.0]' in printed


def test_a_removal_that_fails_costs_nobody_anything_and_the_next_frame_makes_up_for_it(
    stage: Stage,
    sockets: OpenSockets,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    session_id, members = filled_session(stage, 10)
    sockets.open.difference_update(members[:4])
    table = type(stage.entries["fan_out"].CONNECTIONS)
    remove = table.remove

    def fail_for_one(self: Any, connection_id: str, **options: Any) -> Any:
        if connection_id == members[0]:
            raise THROTTLED
        return remove(self, connection_id, **options)

    capsys.readouterr()
    with monkeypatch.context() as outage:
        outage.setattr(table, "remove", fail_for_one)
        run(stage, frame_task(session_id))
    assert len(sockets.frames_of(members[9], "broadcastPaused")) == 1
    assert stage.session(session_id)["listenerCount"] == 7
    assert '"RemovalsFailed":[1.0]' in capsys.readouterr().out.replace(" ", "")
    run(stage, frame_task(session_id))
    assert stage.session(session_id)["listenerCount"] == 6
    assert stage.connection(members[0]) == {}


def test_a_gone_listener_that_is_in_another_session_by_now_keeps_its_place_there(
    stage: Stage,
) -> None:
    session_id, (mover,) = filled_session(stage, 1)
    stage.change("connections", {"connectionId": mover}, sessionId="other-session-001")
    stage.sockets.open.discard(mover)
    run(stage, frame_task(session_id, [mover]))
    assert stage.connection(mover)["sessionId"] == "other-session-001"


def test_a_frame_out_of_time_is_counted_as_untried(
    stage: Stage, sockets: OpenSockets, capsys: pytest.CaptureFixture[str]
) -> None:
    session_id, _ = filled_session(stage, 3)
    capsys.readouterr()
    run(stage, frame_task(session_id), remaining_ms=0)
    assert sockets.posts == []
    assert '"ListenersUntried":[3.0]' in capsys.readouterr().out.replace(" ", "")


def test_failures_are_counted_and_told_by_reason(
    stage: Stage,
    sockets: OpenSockets,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    session_id, (failing, full, _) = filled_session(stage, 3)
    sockets.failing.add(failing)
    sockets.throttled[full] = 1000
    capsys.readouterr()
    run(stage, frame_task(session_id))
    printed = capsys.readouterr().out.replace(" ", "")
    assert '"PostsFailed":[2.0]' in printed
    assert '"PostsRetried":[6.0]' in printed
    assert failures_told(caplog) == {"status 500": 1, "status 429": 1}


def test_a_page_that_cannot_be_handed_out_is_served_at_once(
    stage: Stage, sockets: OpenSockets, monkeypatch: pytest.MonkeyPatch
) -> None:
    session_id, members = filled_session(stage, 3)
    fan_out = stage.entries["fan_out"]
    monkeypatch.setattr(fan_out, "PAGE_SIZE", 1)
    start = type(fan_out.ITSELF).start

    def refuse_one(self: Any, task: Any) -> None:
        if task.connection_ids == [members[1]]:
            raise THROTTLED
        start(self, task)

    monkeypatch.setattr(type(fan_out.ITSELF), "start", refuse_one)
    run(stage, frame_task(session_id))
    assert [receiver for receiver, _ in sockets.posts] == [members[1]]
    assert stage.run_fan_outs() == 2
    assert sorted(receiver for receiver, _ in sockets.posts) == sorted(members)


def test_five_thousand_listeners_are_served_by_ten_invocations_of_a_page_each(
    stage: Stage, sockets: OpenSockets
) -> None:
    session_id, members = filled_session(stage, 5_000)
    run(stage, frame_task(session_id))
    assert [len(task["connectionIds"]) for task in stage.fan_outs] == [500] * 10
    assert sockets.posts == []
    assert stage.run_fan_outs() == 10
    assert sorted(receiver for receiver, _ in sockets.posts) == sorted(members)


def test_of_500_listeners_20_gone_and_5_slow_ones_cost_no_other_its_frame(
    stage: Stage,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The slow ones answer when all others have been posted to."""
    session_id, members = filled_session(stage, 500)
    gone, slow = set(members[:20]), set(members[250:255])
    waiting = set(members) - slow
    others_are_told = threading.Event()

    def answer(request: Received) -> bytes:
        connection_id = unquote(request.path.removeprefix("/live/@connections/"))
        waiting.discard(connection_id)
        if not waiting:
            others_are_told.set()
        if connection_id in slow and not others_are_told.wait(PATIENCE_SECONDS):
            others_are_told.set()
            return status(404)
        return status(410 if connection_id in gone else 200)

    with serving(answer) as server:
        use_real_connections(stage, monkeypatch, server.url)
        capsys.readouterr()
        run(stage, frame_task(session_id))
    told = Counter(unquote(request.path.rpartition("/")[2]) for request in server.requests)
    assert told == dict.fromkeys(members, 1), "each is posted to once"
    session = stage.session(session_id)
    assert (session["listenerCount"], session["listenersByLanguage"]) == (480, {"es": 480})
    assert not any(stage.connection(each) for each in gone)
    printed = capsys.readouterr().out.replace(" ", "")
    assert '"ConnectionsGone":[20.0]' in printed
    assert '"FramesDelivered":[480.0]' in printed


def test_a_listener_that_does_not_answer_is_given_up_and_the_reason_told(
    stage: Stage,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    session_id, _ = filled_session(stage, 1)
    over = threading.Event()

    def answer(_: Received) -> bytes:
        over.wait(PATIENCE_SECONDS)
        return status(200)

    with serving(answer) as server:
        use_real_connections(stage, monkeypatch, server.url, timeout_seconds=0.2)
        capsys.readouterr()
        run(stage, frame_task(session_id))
        over.set()
    ((reason, failures),) = failures_told(caplog).items()
    assert (reason.endswith(": timed out"), failures) == (True, 1)
    assert '"PostsFailed":[1.0]' in capsys.readouterr().out.replace(" ", "")


def test_a_post_takes_no_longer_than_the_time_that_is_kept_for_the_last_ones(
    stage: Stage,
) -> None:
    fan_out = stage.entries["fan_out"]
    assert fan_out.POSTS.sockets._api._timeout_seconds == FAN_OUT_TIMEOUT_SECONDS
    assert FAN_OUT_TIMEOUT_SECONDS < fan_out.TIME_RESERVE_SECONDS


def use_real_connections(
    stage: Stage,
    monkeypatch: pytest.MonkeyPatch,
    url: str,
    *,
    timeout_seconds: float = OUT_OF_REACH_SECONDS,
) -> None:
    fan_out = stage.entries["fan_out"]
    aws = AwsEnvironment("eu-central-1", "key", "secret", "token")
    api = LoopbackHttp(f"{url}/live", "execute-api", aws, timeout_seconds=timeout_seconds)
    monkeypatch.setattr(fan_out, "POSTS", dataclasses.replace(fan_out.POSTS, sockets=Sockets(api)))
