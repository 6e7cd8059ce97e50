"""What reconcile heals, and what it must not touch."""

from __future__ import annotations

import pytest

from live_sessions import sessions
from tests.handlers.conftest import OpenSockets, Stage


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
    settle(stage, session_id, listenerCount=5)
    table = type(stage.entries["reconcile"].SESSIONS)
    correct = table.correct_counts

    def join_first(self: object, *arguments: object, **options: object) -> bool:
        stage.change("sessions", {"sessionId": session_id}, membershipVersion=99)
        return correct(self, *arguments, **options)

    monkeypatch.setattr(table, "correct_counts", join_first)
    stage.reconcile()
    assert stage.session(session_id)["listenerCount"] == 5


def test_a_row_that_outlived_its_socket_is_removed_and_not_counted(stage: Stage) -> None:
    session_id = live_session(stage, "es")
    dead = stage.join(session_id, "fr")
    stage.change("connections", {"connectionId": dead}, ttl=1)
    settle(stage, session_id)
    stage.reconcile()
    assert stage.connection(dead) == {}
    assert stage.session(session_id)["listenersByLanguage"] == {"es": 1}


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
