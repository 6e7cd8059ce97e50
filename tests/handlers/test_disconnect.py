"""Sockets that close, and the delayed checks on a session's end."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.handlers.conftest import OpenSockets, Stage


def test_a_listener_whose_socket_closed_is_counted_no_more(stage: Stage) -> None:
    session_id = stage.create_session(stage.connect_speaker())
    listener = stage.join(session_id, "fr")
    stage.disconnect(listener)
    assert stage.connection(listener) == {}
    row = stage.session(session_id)
    assert (row["listenerCount"], row["listenersByLanguage"]) == (0, {"fr": 0})


def test_a_disconnect_delivered_twice_changes_nothing_the_second_time(stage: Stage) -> None:
    session_id = stage.create_session(stage.connect_speaker())
    stage.join(session_id)
    listener = stage.join(session_id)
    stage.disconnect(listener)
    after_one = stage.session(session_id)
    stage.disconnect_event(listener)
    assert stage.session(session_id) == after_one
    assert after_one["listenerCount"] == 1


def test_leaving_and_then_closing_counts_once(stage: Stage) -> None:
    session_id = stage.create_session(stage.connect_speaker())
    stage.join(session_id)
    listener = stage.join(session_id)
    stage.send(listener, "leaveSession")
    stage.disconnect(listener)
    assert stage.session(session_id)["listenerCount"] == 1


def test_a_socket_that_never_joined_closes_without_a_trace(stage: Stage) -> None:
    listener = stage.connect_listener()
    stage.disconnect(listener)
    assert stage.connection(listener) == {}
    assert stage.dynamodb.scan(TableName="sessions")["Count"] == 0


def test_a_session_outlives_its_speakers_socket_until_the_grace_period_is_over(
    stage: Stage, sockets: OpenSockets
) -> None:
    speaker = stage.connect_speaker()
    session_id = stage.create_session(speaker)
    listener = stage.join(session_id)
    stage.disconnect(speaker)
    assert "endedAt" not in stage.session(session_id)
    assert stage.session(session_id)["speakerLostAt"] > 0
    ((body, delay_seconds),) = stage.queued_with_delay("session-checks")
    assert json.loads(body) == {
        "check": "speakerLost",
        "sessionId": session_id,
        "connectionId": speaker,
    }
    assert delay_seconds == 10
    stage.deliver_check(json.loads(body))
    stage.run_fan_outs()
    (told,) = sockets.frames_of(listener, "sessionEnded")
    assert told["reason"] == "speakerLost"


def test_a_check_delivered_twice_ends_the_session_once(stage: Stage, sockets: OpenSockets) -> None:
    speaker = stage.connect_speaker()
    session_id = stage.create_session(speaker)
    listener = stage.join(session_id)
    stage.disconnect(speaker)
    (check,) = stage.queued("session-checks")
    stage.deliver_check(check)
    stage.deliver_check(check)
    stage.run_fan_outs()
    assert len(sockets.frames_of(listener, "sessionEnded")) == 1
    assert stage.session(session_id)["broadcastState"]["version"] == 2


def test_an_end_that_was_cut_short_is_told_when_its_check_comes_again(
    stage: Stage, sockets: OpenSockets
) -> None:
    speaker = stage.connect_speaker()
    session_id = stage.create_session(speaker)
    listener = stage.join(session_id)
    stage.disconnect(speaker)
    (check,) = stage.queued("session-checks")
    stage.deliver_check(check)
    stage.fan_outs.clear()
    stage.queued("session-checks")
    stage.deliver_check(check)
    stage.run_fan_outs()
    assert len(sockets.frames_of(listener, "sessionEnded")) == 1


def test_a_speaker_who_came_back_on_another_socket_keeps_the_session(stage: Stage) -> None:
    speaker = stage.connect_speaker()
    session_id = stage.create_session(speaker)
    stage.disconnect(speaker)
    (check,) = stage.queued("session-checks")
    stage.change("sessions", {"sessionId": session_id}, speakerConnectionId="new-socket=")
    stage.deliver_check(check)
    assert "endedAt" not in stage.session(session_id)


def test_the_old_socket_of_a_speaker_who_moved_starts_no_grace_period(stage: Stage) -> None:
    speaker = stage.connect_speaker()
    session_id = stage.create_session(speaker)
    stage.change("sessions", {"sessionId": session_id}, speakerConnectionId="new-socket=")
    stage.disconnect(speaker)
    assert stage.queued("session-checks") == []
    assert "speakerLostAt" not in stage.session(session_id)


def test_an_operator_ends_a_session_and_its_speaker_is_told_too(
    stage: Stage, sockets: OpenSockets
) -> None:
    speaker = stage.connect_speaker()
    session_id = stage.create_session(speaker)
    listener = stage.join(session_id)
    stage.deliver_check({"check": "operatorEnd", "sessionId": session_id})
    stage.run_fan_outs()
    stage.run_checks()
    stage.run_fan_outs()
    for connection_id in (speaker, listener):
        (told,) = sockets.frames_of(connection_id, "sessionEnded")
        assert told["reason"] == "operator"
    assert stage.create_session(speaker) != session_id


def test_a_listener_that_leaves_after_the_end_moves_no_count(stage: Stage) -> None:
    speaker = stage.connect_speaker()
    session_id = stage.create_session(speaker)
    listener = stage.join(session_id)
    stage.send(speaker, "endSession")
    after_the_end = stage.session(session_id)
    stage.disconnect(listener)
    assert stage.session(session_id) == after_the_end


def test_the_second_pass_comes_after_the_index_has_had_time(stage: Stage) -> None:
    speaker = stage.connect_speaker()
    stage.create_session(speaker)
    stage.send(speaker, "endSession")
    ((body, delay_seconds),) = stage.queued_with_delay("session-checks")
    assert json.loads(body)["check"] == "secondPass"
    assert delay_seconds == 5


def test_an_expiry_check_ends_only_what_has_expired(stage: Stage) -> None:
    session_id = stage.create_session(stage.connect_speaker())
    stage.deliver_check({"check": "expiry", "sessionId": session_id})
    assert "endedAt" not in stage.session(session_id)
    stage.change("sessions", {"sessionId": session_id}, expiresAt=1)
    stage.deliver_check({"check": "expiry", "sessionId": session_id})
    assert stage.session(session_id)["endReason"] == "expired"


@pytest.mark.parametrize("check", ["expiry", "operatorEnd", "secondPass"])
def test_a_check_on_a_session_that_is_gone_makes_no_ghost_row(stage: Stage, check: str) -> None:
    stage.deliver_check({"check": check, "sessionId": "calm-river-417"})
    assert stage.dynamodb.scan(TableName="sessions")["Count"] == 0
    assert stage.fan_outs == []


def test_the_second_pass_tells_a_listener_whom_the_index_did_not_show_at_first(
    stage: Stage, sockets: OpenSockets, monkeypatch: pytest.MonkeyPatch
) -> None:
    speaker = stage.connect_speaker()
    session_id = stage.create_session(speaker)
    seen, unseen = stage.join(session_id), stage.join(session_id)
    table = type(stage.entries["fan_out"].CONNECTIONS)
    pages = table.listener_pages

    def lagging(self: Any, *arguments: Any, **options: Any) -> Any:
        for page in pages(self, *arguments, **options):
            yield [listener for listener in page if listener.connection_id != unseen]

    with monkeypatch.context() as lag:
        lag.setattr(table, "listener_pages", lagging)
        stage.send(speaker, "endSession")
        stage.run_fan_outs()
    assert sockets.frames_of(unseen, "sessionEnded") == []
    stage.run_checks()
    stage.run_fan_outs()
    assert len(sockets.frames_of(seen, "sessionEnded")) == 1
    assert len(sockets.frames_of(unseen, "sessionEnded")) == 1
