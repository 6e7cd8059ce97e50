"""Sockets that sent heartbeats and then nothing are removed by reconcile; others are left alone."""

from __future__ import annotations

from typing import Any

import pytest

from live_sessions.aws.runtime import Clock
from tests.handlers.conftest import OpenSockets, Stage
from tests.handlers.intercepted_clients import THROTTLED, Call, fail_with, intercepted
from tests.handlers.test_reconcile import reconcile

MINUTE_MS = 60_000
START_MS = 1_800_000_000_000
"""The beginning of a minute."""


@pytest.fixture
def time_ms(stage: Stage) -> list[int]:
    """The present, which the test moves."""
    now_ms = [START_MS]
    stage.connected_at = START_MS
    stage.clock = Clock(now_ms=lambda: now_ms[0], sleep=lambda seconds: None)
    return now_ms


def session_of(stage: Stage, *languages: str) -> tuple[str, str, list[str]]:
    """A speaker, their session, and its listeners."""
    speaker = stage.connect_speaker()
    session_id = stage.create_session(speaker)
    return speaker, session_id, [stage.join(session_id, language) for language in languages]


def pass_minutes(time_ms: list[int], minutes: float) -> None:
    time_ms[0] += round(minutes * MINUTE_MS)


def beat(stage: Stage, *connection_ids: str) -> None:
    for connection_id in connection_ids:
        assert stage.send(connection_id, "heartbeat")["type"] == "heartbeatAck"


def counts(stage: Stage, session_id: str) -> tuple[int, dict[str, int]]:
    row = stage.session(session_id)
    present = {code: count for code, count in row["listenersByLanguage"].items() if count}
    return row["listenerCount"], present


def test_a_listener_that_sent_heartbeats_and_then_nothing_for_three_minutes_is_removed(
    stage: Stage, sockets: OpenSockets, time_ms: list[int]
) -> None:
    speaker, session_id, (dead, alive) = session_of(stage, "es", "fr")
    version = stage.session(session_id)["membershipVersion"]
    beat(stage, speaker, dead, alive)
    for _ in range(3):
        pass_minutes(time_ms, 1)
        beat(stage, speaker, alive)
    sockets.posts.clear()
    reconcile(stage)
    assert stage.connection(dead) == {}
    assert dead not in sockets.open, "its socket is closed"
    assert {speaker, alive} <= sockets.open
    assert counts(stage, session_id) == (1, {"fr": 1})
    assert stage.session(session_id)["membershipVersion"] == version + 1
    (pushed,) = sockets.frames_of(speaker, "sessionStatus")
    assert (pushed["listenerCount"], pushed["updateReason"]) == (1, "listenerCountChange")


def test_a_silence_of_less_than_three_minutes_removes_nobody(
    stage: Stage, sockets: OpenSockets, time_ms: list[int]
) -> None:
    speaker, session_id, (listener,) = session_of(stage, "es")
    beat(stage, speaker, listener)
    pass_minutes(time_ms, 2.99)
    beat(stage, speaker)
    reconcile(stage)
    assert counts(stage, session_id) == (1, {"es": 1})
    assert listener in sockets.open


def test_clients_that_never_sent_a_heartbeat_stay_while_api_gateway_has_their_sockets(
    stage: Stage, sockets: OpenSockets, time_ms: list[int]
) -> None:
    speaker, session_id, (listener,) = session_of(stage, "es")
    pass_minutes(time_ms, 90)
    before = stage.connection(listener)
    reconcile(stage)
    assert counts(stage, session_id) == (1, {"es": 1})
    assert stage.connection(listener) == before
    assert {speaker, listener} <= sockets.open


def test_a_socket_without_heartbeats_that_api_gateway_closed_is_removed(
    stage: Stage, sockets: OpenSockets, time_ms: list[int]
) -> None:
    _, session_id, (gone, here) = session_of(stage, "es", "es")
    sockets.open.discard(gone)
    pass_minutes(time_ms, 9)
    reconcile(stage)
    assert counts(stage, session_id) == (2, {"es": 2}), "API Gateway closes none before"
    pass_minutes(time_ms, 1)
    reconcile(stage)
    assert counts(stage, session_id) == (1, {"es": 1})
    assert stage.connection(gone) == {}
    assert here in sockets.open


def test_api_gateway_is_asked_about_a_few_sockets_at_a_time_and_in_turn_about_all(
    stage: Stage, sockets: OpenSockets, time_ms: list[int]
) -> None:
    _, session_id, _ = session_of(stage)
    members = [f"listener-{number}" for number in range(30)]
    fill(stage, session_id, members)
    sockets.open.difference_update(members)
    pass_minutes(time_ms, 10)
    left = 30
    for _ in range(3):
        sockets.requests.clear()
        reconcile(stage)
        assert sum(sockets.requests[each] for each in members) == 10
        left -= 10
        assert counts(stage, session_id)[0] == left


def fill(stage: Stage, session_id: str, members: list[str], **attributes: Any) -> None:
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
                **attributes,
            }
            for member in members
        ),
    )
    stage.change(
        "sessions",
        {"sessionId": session_id},
        listenerCount=len(members),
        listenersByLanguage={"es": len(members)},
        statusBaseline=len(members),
    )
    stage.sockets.open.update(members)


def test_of_500_listeners_all_those_that_are_cut_off_are_removed_with_one_push(
    stage: Stage, sockets: OpenSockets, time_ms: list[int]
) -> None:
    speaker, session_id, _ = session_of(stage)
    members = [f"listener-{number}" for number in range(500)]
    fill(stage, session_id, members, lastHeardAt=START_MS)
    dead, alive = members[:120], members[120:]
    pass_minutes(time_ms, 3)
    beat_all = {"lastHeardAt": time_ms[0]}
    for each in alive:
        stage.change("connections", {"connectionId": each}, **beat_all)
    stage.change("sessions", {"sessionId": session_id}, membershipChangedAt=time_ms[0])
    reconcile(stage)
    assert counts(stage, session_id) == (380, {"es": 380}), "although one joined just now"
    assert sockets.open.isdisjoint(dead)
    assert sockets.open.issuperset(alive)
    assert len(sockets.frames_of(speaker, "sessionStatus")) == 1


def test_a_listener_that_the_index_shows_twice_is_looked_at_once(
    stage: Stage, time_ms: list[int]
) -> None:
    """In the old language and in the new one, just after changeLanguage."""
    clients = intercepted(stage)
    speaker, session_id, (dead,) = session_of(stage, "es")
    beat(stage, speaker, dead)
    pass_minutes(time_ms, 3)
    beat(stage, speaker)

    def show_twice(call: Call) -> Any:
        return [{**page, "Items": [*page["Items"], *page["Items"]]} for page in call.carry_out()]

    with clients.intercept("query", show_twice, TableName="connections"):
        reconcile(stage)
    assert counts(stage, session_id) == (0, {})


def test_a_listener_that_is_heard_from_at_the_last_moment_stays(
    stage: Stage, sockets: OpenSockets, time_ms: list[int]
) -> None:
    clients = intercepted(stage)
    speaker, session_id, (listener,) = session_of(stage, "es")
    beat(stage, speaker, listener)
    pass_minutes(time_ms, 3)
    beat(stage, speaker)

    def beat_first(call: Call) -> Any:
        beat(stage, listener)
        return call.carry_out()

    with clients.intercept("delete_item", beat_first, TableName="connections") as calls:
        reconcile(stage)
    assert len(calls) == 1
    assert counts(stage, session_id) == (1, {"es": 1})
    assert listener in sockets.open


def test_a_dead_socket_whose_disconnect_comes_as_well_is_counted_once(
    stage: Stage, time_ms: list[int]
) -> None:
    speaker, session_id, (dead, _) = session_of(stage, "es", "es")
    beat(stage, speaker, dead)
    pass_minutes(time_ms, 3)
    beat(stage, speaker)
    reconcile(stage)
    stage.disconnect_event(dead)
    reconcile(stage)
    assert counts(stage, session_id) == (1, {"es": 1})


def test_a_client_whose_network_comes_back_too_late_learns_that_it_has_to_join(
    stage: Stage, time_ms: list[int]
) -> None:
    speaker, session_id, (dead,) = session_of(stage, "es")
    beat(stage, speaker, dead)
    pass_minutes(time_ms, 3)
    beat(stage, speaker)
    reconcile(stage)
    assert stage.send(dead, "heartbeat")["code"] == "CONNECTION_NOT_FOUND"
    assert stage.connection(dead) == {}
    assert counts(stage, session_id) == (0, {})


def test_a_socket_that_cannot_be_closed_is_removed_all_the_same(
    stage: Stage, sockets: OpenSockets, time_ms: list[int]
) -> None:
    speaker, session_id, (dead,) = session_of(stage, "es")
    beat(stage, speaker, dead)
    pass_minutes(time_ms, 3)
    beat(stage, speaker)
    sockets.failing.add(dead)
    reconcile(stage)
    assert stage.connection(dead) == {}
    assert counts(stage, session_id) == (0, {})


def test_a_removal_that_fails_is_made_at_the_next_turn(stage: Stage, time_ms: list[int]) -> None:
    clients = intercepted(stage)
    speaker, session_id, (dead,) = session_of(stage, "es")
    beat(stage, speaker, dead)
    pass_minutes(time_ms, 3)
    beat(stage, speaker)
    with clients.intercept("delete_item", fail_with(THROTTLED), TableName="connections"):
        reconcile(stage)
    assert counts(stage, session_id) == (1, {"es": 1})
    reconcile(stage)
    assert counts(stage, session_id) == (0, {})


def test_rows_that_dynamodb_does_not_read_at_once_are_left_to_the_next_turn(
    stage: Stage, time_ms: list[int]
) -> None:
    clients = intercepted(stage)
    speaker, session_id, (dead,) = session_of(stage, "es")
    beat(stage, speaker, dead)
    pass_minutes(time_ms, 3)
    beat(stage, speaker)

    def read_none(call: Call) -> Any:
        return {"Responses": {}, "UnprocessedKeys": call.request["RequestItems"]}

    with clients.intercept("batch_get_item", read_none, times=1):
        reconcile(stage)
    assert counts(stage, session_id) == (1, {"es": 1})
    reconcile(stage)
    assert counts(stage, session_id) == (0, {})


# ---- Speakers


def test_a_session_whose_speaker_is_cut_off_ends_after_the_grace_period(
    stage: Stage, sockets: OpenSockets, time_ms: list[int]
) -> None:
    speaker, session_id, (listener,) = session_of(stage, "es")
    beat(stage, speaker, listener)
    pass_minutes(time_ms, 3)
    beat(stage, listener)
    reconcile(stage)
    assert speaker not in sockets.open
    assert "endedAt" not in stage.session(session_id), "the grace period has begun"
    ((_, delay_seconds),) = checks = stage.queued_with_delay("session-checks")
    assert delay_seconds == 10
    stage.deliver_check({"check": "speakerLost", "sessionId": session_id, "connectionId": speaker})
    assert len(checks) == 1
    stage.run_fan_outs()
    (ended,) = sockets.frames_of(listener, "sessionEnded")
    assert ended["reason"] == "speakerLost"


def test_a_speaker_who_was_cut_off_may_come_back_within_the_grace_period(
    stage: Stage, time_ms: list[int]
) -> None:
    speaker, session_id, _ = session_of(stage)
    beat(stage, speaker)
    pass_minutes(time_ms, 3)
    reconcile(stage)
    new = stage.connect_speaker()
    frame = stage.send(new, "refreshConnection", sessionId=session_id)
    assert frame["type"] == "stateRestored"
    stage.run_checks()
    assert "endedAt" not in stage.session(session_id)


@pytest.mark.parametrize("action", ["getSessionStatus", "muteBroadcast", "sendAudio"])
def test_a_speaker_who_sends_other_messages_than_heartbeats_is_alive(
    stage: Stage, sockets: OpenSockets, time_ms: list[int], action: str
) -> None:
    speaker, session_id, _ = session_of(stage)
    beat(stage, speaker)
    for sequence in range(4):
        pass_minutes(time_ms, 1)
        if action == "sendAudio":
            stage.send_audio(speaker, sequence, bytes(3200))
        else:
            stage.send(speaker, action)
        reconcile(stage)
    assert speaker in sockets.open
    assert "speakerLostAt" not in stage.session(session_id)
    pass_minutes(time_ms, 3)
    reconcile(stage)
    assert speaker not in sockets.open
