"""What reconcile heals, and what it must not touch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from live_sessions import sessions
from live_sessions.tables import listener_counts
from tests.handlers.conftest import LambdaContext, OpenSockets, Stage


def settle(stage: Stage, session_id: str, **values: object) -> None:
    """Age the session's last join or leave past the time that reconcile waits for."""
    long_ago = sessions.now_ms() - 31_000
    stage.change("sessions", {"sessionId": session_id}, membershipChangedAt=long_ago, **values)


def live_session(stage: Stage, *languages: str) -> str:
    session_id = stage.create_session(stage.connect_speaker())
    for language in languages:
        stage.join(session_id, language)
    return session_id


def test_counts_that_drifted_through_a_crash_return_to_the_truth(stage: Stage) -> None:
    session_id = live_session(stage, "es", "fr")
    settle(stage, session_id, listenerCount=9, listenersByLanguage={"es": 8, "it": 1})
    stage.reconcile()
    row = stage.session(session_id)
    assert (row["listenerCount"], row["listenersByLanguage"]) == (2, {"es": 1, "fr": 1})


def test_counts_that_are_right_are_not_written(stage: Stage) -> None:
    session_id = live_session(stage, "es")
    settle(stage, session_id, listenersByLanguage={"es": 1, "fr": 0})
    before = stage.session(session_id)
    stage.reconcile()
    assert stage.session(session_id) == before


def test_counts_that_moved_just_now_are_left_alone(stage: Stage) -> None:
    session_id = live_session(stage, "es")
    stage.change("sessions", {"sessionId": session_id}, listenerCount=7)
    stage.reconcile()
    assert stage.session(session_id)["listenerCount"] == 7


def test_a_join_between_the_reading_and_the_writing_wins(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    session_id = live_session(stage, "es")
    settle(stage, session_id, listenerCount=0)
    correct = listener_counts.correct

    def join_first(*arguments: Any) -> bool:
        stage.join(session_id, "fr")
        return correct(*arguments)

    monkeypatch.setattr(listener_counts, "correct", join_first)
    stage.reconcile()
    assert stage.session(session_id)["listenerCount"] == 0 + 1


def test_a_count_that_is_too_low_is_corrected_at_once_since_capacity_hangs_on_it(
    stage: Stage,
) -> None:
    session_id = live_session(stage, "es", "fr")
    settle(stage, session_id, listenerCount=1, listenersByLanguage={"es": 1})
    stage.reconcile()
    row = stage.session(session_id)
    assert (row["listenerCount"], row["listenersByLanguage"]) == (2, {"es": 1, "fr": 1})


def test_a_leave_whose_row_is_deleted_but_not_yet_uncounted_is_not_undone(
    stage: Stage,
) -> None:
    session_id = live_session(stage, "es")
    leaving = stage.join(session_id, "es")
    settle(stage, session_id)
    entry = stage.entries["connection"]
    removed = entry.CONNECTIONS.remove(leaving, session_id=session_id).row
    stage.reconcile()
    entry.LISTENERS.membership.release(removed)
    settle(stage, session_id)
    stage.reconcile()
    assert stage.session(session_id)["listenerCount"] == 1


def during_the_pause(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, happens: Callable[[], object]
) -> list[float]:
    """What happens before the second sight; the pauses made are in the list."""
    pauses: list[float] = []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        happens()

    monkeypatch.setattr(stage.entries["reconcile"], "sleep", pause)
    return pauses


def test_a_count_that_is_too_high_is_corrected_once_no_leave_can_be_under_way(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    session_id = live_session(stage, "es")
    settle(stage, session_id, listenerCount=2, listenersByLanguage={"es": 2})
    pauses = during_the_pause(stage, monkeypatch, lambda: None)
    stage.reconcile()
    assert pauses == [90]
    row = stage.session(session_id)
    assert (row["listenerCount"], row["listenersByLanguage"]) == (1, {"es": 1})


def test_a_leave_that_is_counted_before_the_second_sight_is_not_counted_again(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    session_id = live_session(stage, "es")
    leaving = stage.join(session_id, "es")
    settle(stage, session_id)
    entry = stage.entries["connection"]
    removed = entry.CONNECTIONS.remove(leaving, session_id=session_id).row
    during_the_pause(stage, monkeypatch, lambda: entry.LISTENERS.membership.release(removed))
    stage.reconcile()
    assert stage.session(session_id)["listenerCount"] == 1


def test_a_leave_under_way_at_the_second_sight_is_counted_on_top_of_the_drift(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    session_id = live_session(stage, "es")
    leaving = stage.join(session_id, "es")
    settle(stage, session_id, listenerCount=3, listenersByLanguage={"es": 3})
    entry = stage.entries["connection"]
    removed: list[Any] = []
    during_the_pause(
        stage,
        monkeypatch,
        lambda: removed.append(entry.CONNECTIONS.remove(leaving, session_id=session_id).row),
    )
    stage.reconcile()
    entry.LISTENERS.membership.release(removed[0])
    assert stage.session(session_id)["listenerCount"] == 1


def test_two_runs_at_once_do_not_take_each_other_for_the_second_sight(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    session_id = live_session(stage, "es")
    leaving = stage.join(session_id, "es")
    settle(stage, session_id)
    entry = stage.entries["connection"]
    removed = entry.CONNECTIONS.remove(leaving, session_id=session_id).row
    hurried = LambdaContext(remaining_ms=99_000)
    for _ in range(2):
        stage.entries["reconcile"].handler({}, hurried)
    entry.LISTENERS.membership.release(removed)
    assert stage.session(session_id)["listenerCount"] == 1


def test_a_run_that_finds_every_count_right_does_not_pause(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    settle(stage, live_session(stage, "es"))
    pauses = during_the_pause(stage, monkeypatch, lambda: None)
    stage.reconcile()
    assert pauses == []


def test_one_shard_that_cannot_be_read_costs_no_other_anything(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    unread, well = live_session(stage, "es"), live_session(stage, "es", "fr")
    for session_id in (unread, well):
        settle(stage, session_id, listenerCount=0, listenersByLanguage={})
    shard = stage.session(unread)["activeShard"]
    stage.change("sessions", {"sessionId": well}, activeShard=shard + 1)
    table = type(stage.entries["reconcile"].SESSIONS)
    read = table.active_in_shard

    def fail(self: object, number: int) -> object:
        if number == shard:
            raise ClientError({"Error": {"Code": "ThrottlingException"}}, "Query")
        return read(self, number)

    monkeypatch.setattr(table, "active_in_shard", fail)
    stage.reconcile()
    assert stage.session(well)["listenerCount"] == 2
    assert stage.session(unread)["listenerCount"] == 0


def test_a_language_counted_below_zero_is_corrected(stage: Stage) -> None:
    session_id = live_session(stage, "es")
    settle(stage, session_id, listenersByLanguage={"es": 1, "fr": -1})
    stage.reconcile()
    settle(stage, session_id)
    stage.reconcile()
    assert stage.session(session_id)["listenersByLanguage"] == {"es": 1}


def test_one_row_that_cannot_be_read_costs_no_other_session_anything(stage: Stage) -> None:
    broken, well = live_session(stage), live_session(stage, "es", "fr")
    row = stage.session(broken)
    del row["broadcastState"]
    stage.replace("sessions", row)
    settle(stage, well, listenerCount=0, listenersByLanguage={})
    stage.reconcile()
    assert stage.session(well)["listenerCount"] == 2


def test_one_session_whose_call_fails_costs_no_other_anything(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing, well = live_session(stage), live_session(stage, "es", "fr")
    settle(stage, well, listenerCount=0, listenersByLanguage={})
    table = type(stage.entries["reconcile"].SESSIONS)
    get = table.get

    def fail(self: object, session_id: str) -> object:
        if session_id == failing:
            raise ClientError({"Error": {"Code": "ThrottlingException"}}, "GetItem")
        return get(self, session_id)

    monkeypatch.setattr(table, "get", fail)
    stage.reconcile()
    monkeypatch.undo()
    assert stage.session(well)["listenerCount"] == 2


def test_a_run_without_time_left_changes_nothing(stage: Stage) -> None:
    session_id = live_session(stage, "es")
    settle(stage, session_id, listenerCount=0, listenersByLanguage={})
    stage.entries["reconcile"].handler({}, LambdaContext(remaining_ms=0))
    assert stage.session(session_id)["listenerCount"] == 0


def test_a_speaker_seen_again_is_not_lost_at_the_next_look(stage: Stage) -> None:
    session_id = live_session(stage)
    settle(stage, session_id, speakerLostAt=1)
    stage.reconcile()
    assert "speakerLostAt" not in stage.session(session_id)


def test_a_row_that_outlived_its_socket_is_removed_and_not_counted(stage: Stage) -> None:
    session_id = live_session(stage, "es")
    dead = stage.join(session_id, "fr")
    stage.change("connections", {"connectionId": dead}, ttl=1)
    settle(stage, session_id)
    stage.reconcile()
    assert stage.connection(dead) == {}
    row = stage.session(session_id)
    assert (row["listenerCount"], row["listenersByLanguage"]) == (1, {"es": 1, "fr": 0})


def test_an_ended_session_whose_fan_out_was_lost_is_finished(
    stage: Stage, sockets: OpenSockets
) -> None:
    speaker = stage.connect_speaker()
    session_id = stage.create_session(speaker)
    listener = stage.join(session_id)
    stage.send(speaker, "endSession")
    stage.fan_outs.clear()
    stage.queued("session-checks")
    stage.reconcile()
    stage.run_fan_outs()
    (told,) = sockets.frames_of(listener, "sessionEnded")
    assert told["reason"] == "speakerEnded"
    stage.change("sessions", {"sessionId": session_id}, endedAt=sessions.now_ms() - 61_000)
    stage.reconcile()
    stage.run_fan_outs()
    assert "activeShard" not in stage.session(session_id)
    stage.reconcile()
    assert stage.fan_outs == []


def test_an_expired_session_is_ended_and_both_sides_are_told_once(
    stage: Stage, sockets: OpenSockets
) -> None:
    speaker = stage.connect_speaker()
    session_id = stage.create_session(speaker)
    listener = stage.join(session_id)
    stage.change("sessions", {"sessionId": session_id}, expiresAt=1)
    stage.reconcile()
    stage.reconcile()
    stage.run_fan_outs()
    for connection in (speaker, listener):
        (told,) = sockets.frames_of(connection, "sessionEnded")
        assert told["reason"] == "expired"


def test_a_speaker_whose_disconnect_never_came_to_its_end_is_lost_on_the_second_look(
    stage: Stage,
) -> None:
    speaker = stage.connect_speaker()
    session_id = stage.create_session(speaker)
    stage.dynamodb.delete_item(TableName="connections", Key={"connectionId": {"S": speaker}})
    stage.reconcile()
    row = stage.session(session_id)
    assert "endedAt" not in row
    assert row["speakerLostAt"] > 0
    stage.reconcile()
    assert "endedAt" not in stage.session(session_id)
    settle(stage, session_id, speakerLostAt=sessions.now_ms() - 61_000)
    stage.reconcile()
    assert stage.session(session_id)["endReason"] == "speakerLost"


def test_a_session_whose_speaker_is_there_lives_on(stage: Stage) -> None:
    session_id = live_session(stage, "es")
    settle(stage, session_id)
    before = stage.session(session_id)
    stage.reconcile()
    assert stage.session(session_id) == before
    assert stage.fan_outs == []


def test_sessions_follow_a_changed_number_of_shards(stage: Stage) -> None:
    session_id = live_session(stage)
    shard = stage.session(session_id)["activeShard"]
    stage.change("sessions", {"sessionId": session_id}, activeShard=63)
    stage.reconcile()
    assert stage.session(session_id)["activeShard"] == shard
