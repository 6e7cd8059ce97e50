"""The fan-out: a session's end, and a frame to every listener."""

from __future__ import annotations

import dataclasses
import json
import threading
from typing import Any
from urllib.parse import quote

import pytest

from live_sessions.aws.http import AwsHttp, NoAnswer, Response
from live_sessions.aws.runtime import Clock
from live_sessions.listeners.end_notices import GIVEN_UP_AFTER_SECONDS
from live_sessions.listeners.fan_out import TIME_RESERVE_SECONDS, FanOutHandler
from live_sessions.sessions.connections import NOTICE_CLAIM_SECONDS
from tests.handlers.conftest import LambdaContext, OpenSockets, Stage, StageClients
from tests.handlers.intercepted_clients import (
    THROTTLED,
    Call,
    fail_with,
    intercepted,
    lose_response,
)
from tests.patience import PATIENCE_SECONDS

FRAME = {"type": "broadcastPaused", "timestamp": 1}


def ended_session(stage: Stage, listeners: int = 3) -> tuple[str, list[str]]:
    speaker = stage.connect_speaker()
    session_id = stage.create_session(speaker)
    members = [stage.join(session_id) for _ in range(listeners)]
    stage.send(speaker, "endSession")
    return session_id, members


def test_gone_and_failing_listeners_are_counted_and_do_not_affect_the_others(
    stage: Stage, sockets: OpenSockets, capsys: pytest.CaptureFixture[str]
) -> None:
    _, (gone, failing, well) = ended_session(stage)
    sockets.open.discard(gone)
    sockets.failing.add(failing)
    capsys.readouterr()
    stage.run_fan_outs()
    assert len(sockets.frames_of(well, "sessionEnded")) == 1
    assert [stage.connection(each) == {} for each in (gone, failing, well)] == [True, False, True]
    printed = capsys.readouterr().out.replace(" ", "")
    assert '"ConnectionsGone":[1.0]' in printed
    assert '"PostsFailed":[1.0]' in printed
    assert '"FramesDelivered":[1.0]' in printed
    assert '"ListenersLeftToNextPass":[1.0]' in printed


def later(stage: Stage, seconds: int) -> None:
    """Move the functions' clock by so much from the present."""
    now_ms = stage.clock.now_ms() + seconds * 1000
    stage.clock = Clock(now_ms=lambda: now_ms, sleep=lambda seconds: None)
    stage.entries.clear()


def test_a_listener_whose_post_failed_gets_the_frame_once_posts_succeed(
    stage: Stage, sockets: OpenSockets
) -> None:
    session_id, (failing,) = ended_session(stage, listeners=1)
    sockets.failing.add(failing)
    task = dict(stage.fan_outs[0])
    stage.run_fan_outs()
    assert stage.connection(failing)["sessionId"] == session_id
    sockets.failing.clear()
    later(stage, NOTICE_CLAIM_SECONDS)
    run(stage, task)
    assert len(sockets.frames_of(failing, "sessionEnded")) == 1
    assert stage.connection(failing) == {}


def test_a_listener_to_whom_every_post_fails_is_given_up_after_the_idle_limit(
    stage: Stage, sockets: OpenSockets
) -> None:
    _, (failing,) = ended_session(stage, listeners=1)
    sockets.failing.add(failing)
    task = dict(stage.fan_outs[0])
    later(stage, GIVEN_UP_AFTER_SECONDS - 10)
    run(stage, task)
    assert stage.connection(failing) != {}
    later(stage, NOTICE_CLAIM_SECONDS)
    run(stage, task)
    assert stage.connection(failing) == {}
    assert sockets.frames_of(failing, "sessionEnded") == []


def test_a_notice_that_another_pass_has_just_claimed_is_not_sent_until_the_claim_runs_out(
    stage: Stage, sockets: OpenSockets
) -> None:
    _, (member,) = ended_session(stage, listeners=1)
    task = dict(stage.fan_outs[0])
    now_ms = stage.clock.now_ms()
    stage.change("connections", {"connectionId": member}, endNoticeAt=now_ms)
    later(stage, NOTICE_CLAIM_SECONDS - 10)
    run(stage, task)
    assert sockets.frames_of(member, "sessionEnded") == []
    later(stage, 11)
    run(stage, task)
    assert len(sockets.frames_of(member, "sessionEnded")) == 1
    assert stage.connection(member) == {}


def test_a_listener_that_joins_another_session_between_its_notice_and_the_removal_stays_in_that(
    stage: Stage, sockets: OpenSockets
) -> None:
    clients = intercepted(stage)
    _, (member,) = ended_session(stage, listeners=1)
    other = stage.create_session(stage.connect_speaker("user-2"))

    def join_first(call: Call) -> Any:
        frame = stage.send(member, "joinSession", sessionId=other, targetLanguage="fr")
        assert frame["type"] == "sessionJoined"
        return call.carry_out()

    with clients.intercept("delete_item", join_first, TableName="connections", times=1):
        stage.run_fan_outs()
    assert len(sockets.frames_of(member, "sessionEnded")) == 1
    assert stage.connection(member)["sessionId"] == other
    assert stage.session(other)["listenerCount"] == 1


def test_a_task_of_the_release_before_is_carried_out(stage: Stage, sockets: OpenSockets) -> None:
    _, (member,) = ended_session(stage, listeners=1)
    task = stage.fan_outs.pop()
    del task["endedAt"]
    run(stage, task)
    assert len(sockets.frames_of(member, "sessionEnded")) == 1


def test_a_task_delivered_twice_sends_each_frame_once(stage: Stage, sockets: OpenSockets) -> None:
    _, members = ended_session(stage)
    stage.fan_outs.append(stage.fan_outs[0])
    stage.run_fan_outs()
    assert [len(sockets.frames_of(each, "sessionEnded")) for each in members] == [1, 1, 1]


def test_a_listener_that_is_in_another_session_meanwhile_is_left_alone(
    stage: Stage, sockets: OpenSockets
) -> None:
    _, (mover, *_) = ended_session(stage)
    other = stage.create_session(stage.connect_speaker("user-2"))
    stage.change("connections", {"connectionId": mover}, sessionId=other)
    task = stage.fan_outs.pop()
    task["connectionIds"] = [mover]
    stage.entries["fan_out"](task, LambdaContext())
    assert sockets.frames_of(mover, "sessionEnded") == []
    assert stage.connection(mover)["sessionId"] == other


def use_pages_of_one(stage: Stage) -> None:
    handler = stage.entries["fan_out"]
    assert isinstance(handler, FanOutHandler)
    stage.entries["fan_out"] = dataclasses.replace(handler, page_size=1)


def test_each_of_several_pages_has_an_invocation_that_starts_no_further_one(
    stage: Stage, sockets: OpenSockets
) -> None:
    use_pages_of_one(stage)
    _, members = ended_session(stage)
    assert stage.run_fan_outs() == 1 + 3
    assert [len(sockets.frames_of(each, "sessionEnded")) for each in members] == [1, 1, 1]


def test_an_invocation_without_time_leaves_the_rows_to_the_next_pass(
    stage: Stage, sockets: OpenSockets
) -> None:
    session_id, members = ended_session(stage)
    stage.entries["fan_out"](stage.fan_outs.pop(), LambdaContext(remaining_ms=0))
    assert sockets.frames_of(members[0], "sessionEnded") == []
    assert stage.connection(members[0])["sessionId"] == session_id
    stage.run_checks()
    stage.run_fan_outs()
    assert [len(sockets.frames_of(each, "sessionEnded")) for each in members] == [1, 1, 1]


def test_a_listener_whose_notice_cannot_be_claimed_is_notified_by_the_next_pass(
    stage: Stage, sockets: OpenSockets
) -> None:
    clients = intercepted(stage)
    _, (member,) = ended_session(stage, listeners=1)
    key = {"connectionId": {"S": member}}
    with clients.intercept("update_item", fail_with(THROTTLED), Key=key):
        stage.run_fan_outs()
    assert sockets.frames_of(member, "sessionEnded") == []
    stage.run_checks()
    stage.run_fan_outs()
    assert len(sockets.frames_of(member, "sessionEnded")) == 1


def test_a_listener_whose_row_cannot_be_deleted_is_notified_and_removed_by_a_later_pass(
    stage: Stage, sockets: OpenSockets
) -> None:
    clients = intercepted(stage)
    session_id, (member,) = ended_session(stage, listeners=1)
    task = dict(stage.fan_outs[0])
    with clients.intercept("delete_item", fail_with(THROTTLED)):
        stage.run_fan_outs()
    assert len(sockets.frames_of(member, "sessionEnded")) == 1
    stage.run_checks()
    stage.run_fan_outs()
    assert len(sockets.frames_of(member, "sessionEnded")) == 1, "the second pass comes at once"
    assert "activeShard" in stage.session(session_id)
    later(stage, NOTICE_CLAIM_SECONDS)
    run(stage, task)
    assert stage.connection(member) == {}
    assert len(sockets.frames_of(member, "sessionEnded")) == 2, "it looks the same as a crash"


def test_a_listener_is_notified_if_the_first_response_of_its_claim_was_lost(
    stage: Stage, sockets: OpenSockets
) -> None:
    clients = intercepted(stage)
    _, members = ended_session(stage)
    key = {"connectionId": {"S": members[1]}}
    with clients.intercept("update_item", lose_response(), Key=key) as calls:
        stage.run_fan_outs()
    assert len(calls) == 1
    assert [len(sockets.frames_of(each, "sessionEnded")) for each in members] == [1, 1, 1]


def test_a_throttled_post_is_retried_and_the_row_is_deleted_once(
    stage: Stage, sockets: OpenSockets, capsys: pytest.CaptureFixture[str]
) -> None:
    _, (full, well) = ended_session(stage, listeners=2)
    sockets.throttled[full] = 2
    capsys.readouterr()
    stage.run_fan_outs()
    assert [len(sockets.frames_of(each, "sessionEnded")) for each in (full, well)] == [1, 1]
    assert '"PostsRetried":[2.0]' in capsys.readouterr().out.replace(" ", "")


def test_a_session_is_closed_a_minute_after_its_end_once_it_has_no_listener(stage: Stage) -> None:
    session_id, _ = ended_session(stage)
    task = dict(stage.fan_outs[0])
    stage.run_fan_outs()
    stage.entries["fan_out"](task, LambdaContext())
    assert "activeShard" in stage.session(session_id)
    stage.change("sessions", {"sessionId": session_id}, endedAt=stage.connected_at - 61_000)
    stage.entries["fan_out"](task, LambdaContext())
    assert "activeShard" not in stage.session(session_id)


def test_a_session_whose_speaker_cannot_be_notified_is_not_closed(
    stage: Stage, sockets: OpenSockets
) -> None:
    speaker = stage.connect_speaker()
    session_id = stage.create_session(speaker)
    stage.deliver_check({"check": "operatorEnd", "sessionId": session_id})
    task = stage.fan_outs.pop()
    later(stage, 61)
    sockets.failing.add(speaker)
    run(stage, task)
    assert "activeShard" in stage.session(session_id)
    sockets.failing.clear()
    later(stage, NOTICE_CLAIM_SECONDS)
    run(stage, task)
    assert len(sockets.frames_of(speaker, "sessionEnded")) == 1
    assert "activeShard" not in stage.session(session_id)
    assert {"sessionId", "membershipId", "endNoticeAt"}.isdisjoint(stage.connection(speaker))


# ---- A control's frame


def control_version(stage: Stage, session_id: str) -> tuple[int, int | None]:
    """The version of the state, and the one whose fan-out has not begun."""
    row = stage.session(session_id)
    return row["broadcastState"]["version"], row.get("unannouncedVersion")


def test_a_control_is_unannounced_until_its_fan_out_has_begun(stage: Stage) -> None:
    speaker = stage.connect_speaker()
    session_id = stage.create_session(speaker)
    stage.join(session_id)
    assert control_version(stage, session_id) == (1, None)
    stage.send(speaker, "muteBroadcast")
    assert control_version(stage, session_id) == (2, 2)
    stage.run_fan_outs()
    assert control_version(stage, session_id) == (2, None)


def test_the_fan_out_of_an_earlier_control_does_not_announce_a_later_one(stage: Stage) -> None:
    speaker = stage.connect_speaker()
    session_id = stage.create_session(speaker)
    stage.join(session_id)
    stage.send(speaker, "muteBroadcast")
    stage.send(speaker, "pauseBroadcast")
    stage.entries["fan_out"](stage.fan_outs.pop(0), LambdaContext())
    assert control_version(stage, session_id) == (3, 3)
    stage.run_fan_outs()
    assert control_version(stage, session_id) == (3, None)


def test_a_control_whose_pages_are_handed_out_is_announced(stage: Stage) -> None:
    use_pages_of_one(stage)
    speaker = stage.connect_speaker()
    session_id = stage.create_session(speaker)
    members = [stage.join(session_id) for _ in range(2)]
    stage.send(speaker, "muteBroadcast")
    stage.entries["fan_out"](stage.fan_outs.pop(0), LambdaContext())
    assert control_version(stage, session_id) == (2, None)
    assert [task["connectionIds"] for task in stage.fan_outs] == [[each] for each in members]


def test_listeners_get_the_frame_although_it_cannot_be_recorded_as_announced(
    stage: Stage, sockets: OpenSockets
) -> None:
    clients = intercepted(stage)
    speaker = stage.connect_speaker()
    session_id = stage.create_session(speaker)
    member = stage.join(session_id)
    stage.send(speaker, "muteBroadcast")
    with clients.intercept("update_item", fail_with(THROTTLED), TableName="sessions"):
        stage.run_fan_outs()
    assert len(sockets.frames_of(member, "broadcastMuted")) == 1
    assert control_version(stage, session_id) == (2, 2)


# ---- A frame to every listener


def frame_task(session_id: str, connection_ids: list[str] | None = None) -> dict[str, Any]:
    task = {"task": "frame", "sessionId": session_id, "frame": json.dumps(FRAME)}
    return task if connection_ids is None else {**task, "connectionIds": connection_ids}


def filled_session(stage: Stage, listeners: int) -> tuple[str, list[str]]:
    """A session with so many listeners, in the state that their joins would have left."""
    session_id = stage.create_session(stage.connect_speaker())
    members = [f"listener/{number}+=" for number in range(listeners)]
    stage.fill(
        "connections",
        (
            {
                "connectionId": member,
                "role": "listener",
                "sessionId": session_id,
                "targetLanguage": "es",
                "membershipId": f"membership of {member}",
                "connectedAt": stage.connected_at,
                "ttl": stage.connected_at // 1000 + 7200,
            }
            for member in members
        ),
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


def logged_failures(caplog: pytest.LogCaptureFixture) -> dict[str, int]:
    (record,) = [record for record in caplog.records if record.message == "frame"]
    return vars(record)["failed"]


def run(stage: Stage, task: dict[str, Any], remaining_ms: int = LambdaContext.remaining_ms) -> None:
    stage.entries["fan_out"](task, LambdaContext(remaining_ms))


@pytest.mark.parametrize("listeners", [0, 1, 3])
def test_a_frame_goes_to_every_listener_and_not_to_the_speaker(
    stage: Stage, sockets: OpenSockets, listeners: int
) -> None:
    session_id, members = filled_session(stage, listeners)
    run(stage, frame_task(session_id))
    assert sorted(receiver for receiver, _ in sockets.posts) == sorted(members)
    assert all(frame == FRAME for _, frame in sockets.posts)


def test_gone_listeners_are_removed_and_the_new_count_is_pushed_once(
    stage: Stage, sockets: OpenSockets, capsys: pytest.CaptureFixture[str]
) -> None:
    session_id, members = filled_session(stage, 10)
    sockets.open.difference_update(members[:4])
    capsys.readouterr()
    run(stage, frame_task(session_id))
    session = stage.session(session_id)
    assert (session["listenerCount"], session["listenersByLanguage"]) == (6, {"es": 6})
    assert [bool(stage.connection(each)) for each in members] == [False] * 4 + [True] * 6
    (pushed,) = sockets.frames_of(session["speakerConnectionId"], "sessionStatus")
    assert (pushed["listenerCount"], pushed["updateReason"]) == (6, "listenerCountChange")
    printed = capsys.readouterr().out.replace(" ", "")
    assert '"ConnectionsGone":[4.0]' in printed
    assert '"FramesDelivered":[6.0]' in printed


def test_a_listener_whose_removal_fails_is_removed_after_the_next_frame(
    stage: Stage, sockets: OpenSockets, capsys: pytest.CaptureFixture[str]
) -> None:
    clients = intercepted(stage)
    session_id, members = filled_session(stage, 10)
    sockets.open.difference_update(members[:4])
    key = {"connectionId": {"S": members[0]}}
    capsys.readouterr()
    with clients.intercept("delete_item", fail_with(THROTTLED), Key=key):
        run(stage, frame_task(session_id))
    assert len(sockets.frames_of(members[9], "broadcastPaused")) == 1
    assert stage.session(session_id)["listenerCount"] == 7
    assert '"RemovalsFailed":[1.0]' in capsys.readouterr().out.replace(" ", "")
    run(stage, frame_task(session_id))
    assert stage.session(session_id)["listenerCount"] == 6
    assert stage.connection(members[0]) == {}


def test_a_gone_listener_that_is_in_another_session_meanwhile_keeps_its_row(
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


def test_failures_are_counted_and_logged_by_reason(
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
    assert logged_failures(caplog) == {"status 500": 1, "status 429": 1}


def test_a_page_whose_invocation_cannot_be_started_is_served_at_once(
    stage: Stage, sockets: OpenSockets
) -> None:
    clients = intercepted(stage)
    use_pages_of_one(stage)
    session_id, members = filled_session(stage, 3)

    def refuse_one(call: Call) -> Any:
        if json.loads(call.request["Payload"])["connectionIds"] == [members[1]]:
            raise THROTTLED
        return call.carry_out()

    with clients.intercept("invoke", refuse_one):
        run(stage, frame_task(session_id))
    assert [receiver for receiver, _ in sockets.posts] == [members[1]]
    assert stage.run_fan_outs() == 2
    assert sorted(receiver for receiver, _ in sockets.posts) == sorted(members)


def test_each_page_of_500_listeners_is_served_by_its_own_invocation(
    stage: Stage, sockets: OpenSockets
) -> None:
    session_id, members = filled_session(stage, 1_001)
    run(stage, frame_task(session_id))
    assert [len(task["connectionIds"]) for task in stage.fan_outs] == [500, 500, 1]
    assert sockets.posts == []
    assert stage.run_fan_outs() == 3
    assert sorted(receiver for receiver, _ in sockets.posts) == sorted(members)


def test_of_500_listeners_20_gone_and_5_slow_ones_do_not_affect_the_others(
    stage: Stage, sockets: OpenSockets, capsys: pytest.CaptureFixture[str]
) -> None:
    """The slow ones answer once all others have been posted to."""
    clients = intercepted(stage)
    session_id, members = filled_session(stage, 500)
    gone, slow = set(members[:20]), set(members[250:255])
    sockets.open.difference_update(gone)
    paths = {f"/@connections/{quote(each, safe='')}": each for each in members}
    waiting = set(members) - slow
    others_were_posted_to = threading.Event()

    def hang_if_slow(call: Call) -> Response:
        connection_id = paths.get(call.request["path"])
        if connection_id in slow:
            assert others_were_posted_to.wait(PATIENCE_SECONDS)
        response = call.carry_out()
        waiting.discard(connection_id)
        if not waiting:
            others_were_posted_to.set()
        return response

    capsys.readouterr()
    with clients.intercept("execute-api", hang_if_slow):
        run(stage, frame_task(session_id))
    assert {each: sockets.requests[each] for each in members} == dict.fromkeys(members, 1)
    session = stage.session(session_id)
    assert (session["listenerCount"], session["listenersByLanguage"]) == (480, {"es": 480})
    assert not any(stage.connection(each) for each in gone)
    printed = capsys.readouterr().out.replace(" ", "")
    assert '"ConnectionsGone":[20.0]' in printed
    assert '"FramesDelivered":[480.0]' in printed


def test_a_post_that_times_out_is_counted_and_its_reason_logged(
    stage: Stage, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    clients = intercepted(stage)
    session_id, _ = filled_session(stage, 1)
    timed_out = NoAnswer("no answer: timed out", may_have_arrived=True)
    capsys.readouterr()
    with clients.intercept("execute-api", fail_with(timed_out)) as calls:
        run(stage, frame_task(session_id))
    assert len(calls) == 1
    assert logged_failures(caplog) == {"no answer: timed out": 1}
    assert '"PostsFailed":[1.0]' in capsys.readouterr().out.replace(" ", "")


class TimedClients(StageClients):
    """Notes the time limit of each client without botocore."""

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage)
        self.timeouts_seconds: list[float] = []

    def http(self, endpoint: str, service: str, *, timeout_seconds: float) -> AwsHttp:
        self.timeouts_seconds.append(timeout_seconds)
        return super().http(endpoint, service, timeout_seconds=timeout_seconds)


def test_a_post_that_starts_last_ends_within_the_invocations_time(stage: Stage) -> None:
    stage.clients = clients = TimedClients(stage)
    stage.build("fan_out")
    assert clients.timeouts_seconds
    assert max(clients.timeouts_seconds) < TIME_RESERVE_SECONDS
