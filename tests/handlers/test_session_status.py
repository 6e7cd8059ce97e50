"""The status on request, the periodic ticks, and how many reads they make."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from live_sessions.aws.clients import FAIL_FAST_TIMEOUT_SECONDS
from live_sessions.aws.runtime import Clock
from live_sessions.sessions.rows import shard_of
from tests.handlers.conftest import ENVIRONMENT, LambdaContext, OpenSockets, Stage
from tests.handlers.intercepted_clients import TIMED_OUT, Call, fail_with, intercepted

LIMIT_SECONDS = int(ENVIRONMENT["STATUS_QUERY_TIMEOUT_MS"]) / 1000
NOW_MS = 1_800_000_000_000
SESSIONS = 100


@pytest.fixture(autouse=True)
def standing_clock(stage: Stage) -> None:
    """On no machine a requested status becomes old, or a tick stale."""
    stage.clock = Clock(now_ms=lambda: NOW_MS, sleep=lambda seconds: None)
    stage.connected_at = NOW_MS


def tick(stage: Stage, *, age_seconds: float = 0, offset_seconds: int = 0) -> dict[str, Any]:
    now = datetime.fromtimestamp(stage.clock.now_ms() / 1000, UTC)
    scheduled_at = now - timedelta(seconds=age_seconds + offset_seconds)
    return {
        "tick": {
            "scheduledAt": scheduled_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "offsetSeconds": offset_seconds,
        }
    }


def deliver(stage: Stage, message: dict[str, Any]) -> None:
    """As the rule invokes the function."""
    stage.entries["session_status"](message, LambdaContext())


def deliver_record(stage: Stage, message: dict[str, Any]) -> None:
    """As a queue's event source mapping invokes it."""
    deliver(stage, {"Records": [{"body": json.dumps(message)}]})


def run_tick(stage: Stage) -> None:
    deliver(stage, tick(stage))
    for message in stage.queued("status-shards"):
        deliver_record(stage, message)


@contextmanager
def reads(stage: Stage) -> Iterator[Counter[str]]:
    """Count DynamoDB calls by operation, and the items they returned, over all clients."""
    counted: Counter[str] = Counter()

    def count(parsed: dict[str, Any], model: Any, **_: Any) -> None:
        counted[model.name] += 1
        counted["items"] += len(parsed.get("Items", [])) + ("Item" in parsed)

    clients = {
        stage.clients.dynamodb(),
        stage.clients.fail_fast_dynamodb(LIMIT_SECONDS),
        stage.clients.fail_fast_dynamodb(FAIL_FAST_TIMEOUT_SECONDS),
    }
    for client in clients:
        client.meta.events.register("after-call.dynamodb", count)
    yield counted
    for client in clients:
        client.meta.events.unregister("after-call.dynamodb", count)


# ---- getSessionStatus


def test_the_status_has_count_languages_duration_and_state(stage: Stage) -> None:
    speaker = stage.connect_speaker()
    session_id = stage.create_session(speaker)
    for language in ("es", "fr", "es"):
        leaver = stage.join(session_id, language)
    stage.send(leaver, "leaveSession")
    stage.change("sessions", {"sessionId": session_id}, createdAt=NOW_MS - 90_500)
    frame = stage.send(speaker, "getSessionStatus", requestId="s")
    assert frame.pop("timestamp") > 0
    assert frame.pop("broadcastState")["isActive"] is True
    assert frame.pop("sessionDuration") == 90
    assert frame == {
        "type": "sessionStatus",
        "requestId": "s",
        "sessionId": session_id,
        "listenerCount": 2,
        "languageDistribution": {"es": 1, "fr": 1},
        "updateReason": "requested",
    }


def test_languages_without_listeners_are_left_out(stage: Stage) -> None:
    speaker = stage.connect_speaker()
    listener = stage.join(stage.create_session(speaker), "de")
    stage.send(listener, "leaveSession")
    assert stage.send(speaker, "getSessionStatus")["languageDistribution"] == {}


def test_only_the_speaker_of_a_live_session_may_query_the_status(stage: Stage) -> None:
    speaker = stage.connect_speaker()
    assert stage.send(speaker, "getSessionStatus")["code"] == "CONNECTION_NOT_FOUND"
    session_id = stage.create_session(speaker)
    listener = stage.join(session_id)
    assert stage.send(listener, "getSessionStatus")["code"] == "UNAUTHORIZED_ACTION"
    stage.change("sessions", {"sessionId": session_id}, expiresAt=1)
    assert stage.send(speaker, "getSessionStatus")["code"] == "SESSION_ENDED"
    stage.dynamodb.delete_item(TableName="sessions", Key={"sessionId": {"S": session_id}})
    assert stage.send(speaker, "getSessionStatus")["code"] == "SESSION_NOT_FOUND"


def test_a_query_that_times_out_is_answered_status_timeout(stage: Stage) -> None:
    clients = intercepted(stage)
    speaker = stage.connect_speaker()
    session_id = stage.create_session(speaker)
    with clients.intercept("get_item", fail_with(TIMED_OUT), TableName="sessions"):
        frame = stage.send(speaker, "getSessionStatus", requestId="s")
    assert (frame["code"], frame["requestId"]) == ("STATUS_TIMEOUT", "s")
    assert "statusRequestedAt" not in stage.session(session_id)


@pytest.mark.parametrize(("late_seconds", "answer"), [(0, "sessionStatus"), (0.001, "error")])
def test_a_status_that_was_read_after_the_limit_is_a_status_timeout_too(
    stage: Stage, late_seconds: float, answer: str
) -> None:
    looks = itertools.cycle([10.0, 10.0 + LIMIT_SECONDS + late_seconds])
    stage.clock = Clock(now_ms=lambda: NOW_MS, monotonic=lambda: next(looks))
    speaker = stage.connect_speaker()
    stage.create_session(speaker)
    frame = stage.send(speaker, "getSessionStatus")
    assert frame["type"] == answer
    assert frame.get("code") == (None if answer == "sessionStatus" else "STATUS_TIMEOUT")


def test_the_query_waits_no_longer_than_the_limit_and_is_made_once(stage: Stage) -> None:
    clients = intercepted(stage)
    speaker = stage.connect_speaker()
    stage.create_session(speaker)
    with clients.intercept("get_item", Call.carry_out_as_is) as calls:
        stage.send(speaker, "getSessionStatus")
    assert len(calls) == 2
    for call in calls:
        config = call.client.meta.config
        assert (config.read_timeout, config.connect_timeout) == (LIMIT_SECONDS, LIMIT_SECONDS)
        assert config.retries["total_max_attempts"] == 1


def test_a_status_is_sent_although_its_time_cannot_be_recorded(stage: Stage) -> None:
    clients = intercepted(stage)
    speaker = stage.connect_speaker()
    stage.create_session(speaker)
    with clients.intercept("update_item", fail_with(TIMED_OUT), TableName="sessions") as calls:
        assert stage.send(speaker, "getSessionStatus")["type"] == "sessionStatus"
    assert len(calls) == 1


@pytest.mark.parametrize("listeners", [0, 500])
def test_a_status_request_reads_two_items_however_many_listeners_there_are(
    stage: Stage, listeners: int
) -> None:
    speaker = stage.connect_speaker()
    session_id = stage.create_session(speaker)
    fill_with_listeners(stage, [session_id], listeners)
    with reads(stage) as counted:
        frame = stage.send(speaker, "getSessionStatus")
    assert frame["listenerCount"] == listeners
    timer_and_rate_limit = 2
    assert counted == {"GetItem": 2, "items": 2, "UpdateItem": timer_and_rate_limit}


def fill_with_listeners(stage: Stage, session_ids: list[str], listeners_each: int) -> None:
    stage.fill(
        "connections",
        (
            {
                "connectionId": f"{session_id}-{number}",
                "sessionId": session_id,
                "targetLanguage": "es",
                "role": "listener",
            }
            for session_id in session_ids
            for number in range(listeners_each)
        ),
    )
    assert len(stage.tables.items["connections"]) >= len(session_ids) * listeners_each
    for session_id in session_ids:
        stage.change(
            "sessions",
            {"sessionId": session_id},
            listenerCount=listeners_each,
            listenersByLanguage={"es": listeners_each},
        )


# ---- ticks


def test_a_shard_that_the_queue_refused_is_sent_once_more(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    clients = intercepted(stage)

    def refuse_the_first(call: Call) -> dict[str, Any]:
        return {"Failed": [{"Id": call.request["Entries"][0]["Id"], "Code": "InternalError"}]}

    with clients.intercept("send_message_batch", refuse_the_first) as calls:
        deliver(stage, tick(stage))
    sent = [[entry["Id"] for entry in call.request["Entries"]] for call in calls]
    assert sent == [["0", "1", "2", "3"], ["0"]]
    assert '"ShardsRefused":[1.0]' in capsys.readouterr().out.replace(" ", "")


@pytest.mark.parametrize("send", [deliver, deliver_record])
def test_a_tick_is_queued_once_for_each_shard(stage: Stage, send: Any) -> None:
    message = tick(stage, offset_seconds=30)
    send(stage, message)
    handed_out = stage.queued("status-shards")
    assert sorted(each["shard"] for each in handed_out) == [0, 1, 2, 3]
    assert {json.dumps(each["tick"]) for each in handed_out} == {json.dumps(message["tick"])}


def test_each_live_session_is_sent_one_periodic_status_a_tick(
    stage: Stage, sockets: OpenSockets
) -> None:
    speakers = [stage.connect_speaker(f"user-{number}") for number in range(6)]
    ids = {speaker: stage.create_session(speaker) for speaker in speakers}
    stage.join(ids[speakers[0]], "fr")
    sockets.posts.clear()
    run_tick(stage)
    for speaker in speakers:
        (frame,) = sockets.frames_of(speaker, "sessionStatus")
        assert frame["updateReason"] == "periodic"
        assert frame["sessionId"] == ids[speaker]
        assert "requestId" not in frame
    (first,) = sockets.frames_of(speakers[0], "sessionStatus")
    assert (first["listenerCount"], first["languageDistribution"]) == (1, {"fr": 1})


@pytest.mark.parametrize("part", [{}, {"shard": 0}])
def test_a_tick_older_than_one_interval_is_dropped(
    stage: Stage, sockets: OpenSockets, part: dict[str, int]
) -> None:
    speaker = stage.connect_speaker()
    stage.create_session(speaker)
    deliver_record(stage, tick(stage, age_seconds=31) | part)
    assert stage.queued("status-shards") == []
    assert sockets.posts == []


def test_a_delayed_tick_is_as_old_as_the_time_since_it_was_due(stage: Stage) -> None:
    deliver_record(stage, tick(stage, age_seconds=30, offset_seconds=30))
    assert len(stage.queued("status-shards")) == 4


@pytest.mark.parametrize(
    ("offset_seconds", "arrives_after_seconds", "shards"),
    [
        pytest.param(30, 30, 4, id="was in its queue"),
        pytest.param(30, 12, 4, id="its queue's delay changed before its target"),
        pytest.param(12, 30, 0, id="its target changed before its queue's delay"),
    ],
)
def test_a_tick_from_before_the_interval_changed_is_handled_once_or_dropped_as_stale(
    stage: Stage, offset_seconds: int, arrives_after_seconds: int, shards: int
) -> None:
    stage.environment["PERIODIC_UPDATE_INTERVAL_SECONDS"] = "12"
    age_seconds = arrives_after_seconds - offset_seconds
    deliver_record(stage, tick(stage, age_seconds=age_seconds, offset_seconds=offset_seconds))
    assert len(stage.queued("status-shards")) == shards


def test_a_session_that_ended_or_expired_is_sent_no_status(
    stage: Stage, sockets: OpenSockets
) -> None:
    ended, expired = stage.connect_speaker("a"), stage.connect_speaker("b")
    stage.create_session(ended)
    expired_id = stage.create_session(expired)
    stage.send(ended, "endSession")
    stage.change("sessions", {"sessionId": expired_id}, expiresAt=1)
    stage.queued("session-checks")
    run_tick(stage)
    assert sockets.posts == []
    assert stage.queued("session-checks") == [{"check": "expiry", "sessionId": expired_id}]


def test_a_requested_status_delays_the_periodic_one(stage: Stage, sockets: OpenSockets) -> None:
    speaker = stage.connect_speaker()
    session_id = stage.create_session(speaker)
    stage.send(speaker, "getSessionStatus")
    run_tick(stage)
    assert sockets.posts == []
    just_less_than_half_ago = NOW_MS - 14_999
    stage.change("sessions", {"sessionId": session_id}, statusRequestedAt=just_less_than_half_ago)
    run_tick(stage)
    assert sockets.posts == []
    half_an_interval_ago = NOW_MS - 15_000
    stage.change("sessions", {"sessionId": session_id}, statusRequestedAt=half_an_interval_ago)
    run_tick(stage)
    assert len(sockets.frames_of(speaker, "sessionStatus")) == 1


def test_a_speaker_that_is_gone_or_failing_does_not_affect_the_others(
    stage: Stage, sockets: OpenSockets
) -> None:
    speakers = [stage.connect_speaker(f"user-{number}") for number in range(4)]
    ids = [stage.create_session(speaker) for speaker in speakers]
    sockets.open.discard(speakers[0])
    sockets.failing.add(speakers[1])
    run_tick(stage)
    assert [len(sockets.frames_of(each, "sessionStatus")) for each in speakers] == [0, 0, 1, 1]
    ((body, delay_seconds),) = stage.queued_with_delay("session-checks")
    assert json.loads(body) == {
        "check": "speakerLost",
        "sessionId": ids[0],
        "connectionId": speakers[0],
    }
    assert delay_seconds == 10


def test_a_tick_that_runs_out_of_time_posts_nothing_and_counts_it(
    stage: Stage, sockets: OpenSockets, capsys: pytest.CaptureFixture[str]
) -> None:
    speaker = stage.connect_speaker()
    shard = shard_of(stage.create_session(speaker), 4)
    event = {"Records": [{"body": json.dumps(tick(stage) | {"shard": shard})}]}
    stage.entries["session_status"](event, LambdaContext(remaining_ms=0))
    assert sockets.posts == []
    assert '"StatusPushesOutOfTime":[1.0]' in capsys.readouterr().out.replace(" ", "")


def test_a_tick_reads_only_the_active_index_and_no_listener(
    stage: Stage, sockets: OpenSockets
) -> None:
    """The same calls and items without listeners and with a hundred in each session."""
    copies = [f"calm-river-{number:04d}" for number in range(SESSIONS)]
    template = stage.session(stage.create_session(stage.connect_speaker()))
    stage.dynamodb.delete_item(
        TableName="sessions", Key={"sessionId": {"S": template["sessionId"]}}
    )
    stage.fill(
        "sessions",
        (
            template
            | {
                "broadcastState": template["broadcastState"] | {"volume": 1},
                "sessionId": session_id,
                "speakerConnectionId": f"speaker-of-{session_id}",
                "activeShard": shard_of(session_id, 4),
            }
            for session_id in copies
        ),
    )
    sockets.open.update(f"speaker-of-{session_id}" for session_id in copies)
    with reads(stage) as without_listeners:
        run_tick(stage)
    fill_with_listeners(stage, copies, 100)
    sockets.posts.clear()
    with reads(stage) as with_listeners:
        run_tick(stage)
    assert with_listeners == without_listeners
    assert set(with_listeners) == {"Query", "items"}
    assert with_listeners["items"] == SESSIONS
    assert with_listeners["Query"] == 4
    assert len(sockets.posts) == SESSIONS
    assert {frame["listenerCount"] for _, frame in sockets.posts} == {100}
