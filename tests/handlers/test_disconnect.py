"""Closed sockets, and the delayed checks that end sessions."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.handlers.conftest import OpenSockets, Stage
from tests.handlers.intercepted_clients import Call, intercepted


def test_a_listener_whose_socket_closed_is_no_longer_counted(stage: Stage) -> None:
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


def test_a_listener_that_leaves_and_closes_its_socket_is_subtracted_once(stage: Stage) -> None:
    session_id = stage.create_session(stage.connect_speaker())
    stage.join(session_id)
    listener = stage.join(session_id)
    stage.send(listener, "leaveSession")
    stage.disconnect(listener)
    assert stage.session(session_id)["listenerCount"] == 1


def test_a_closed_socket_that_never_joined_leaves_no_row(stage: Stage) -> None:
    listener = stage.connect_listener()
    stage.disconnect(listener)
    assert stage.connection(listener) == {}
    assert stage.dynamodb.scan(TableName="sessions")["Count"] == 0


def test_a_session_ends_a_grace_period_after_its_speakers_socket_closed(
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
    (ended,) = sockets.frames_of(listener, "sessionEnded")
    assert ended["reason"] == "speakerLost"


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


def test_listeners_are_notified_of_an_interrupted_end_when_its_check_is_delivered_again(
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


def test_a_speaker_who_returned_on_another_socket_keeps_the_session(stage: Stage) -> None:
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


def test_an_end_by_an_operator_is_sent_to_listeners_and_speaker(
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
        (ended,) = sockets.frames_of(connection_id, "sessionEnded")
        assert ended["reason"] == "operator"
    assert stage.create_session(speaker) != session_id


def test_a_listener_that_leaves_after_the_end_changes_no_count(stage: Stage) -> None:
    speaker = stage.connect_speaker()
    session_id = stage.create_session(speaker)
    listener = stage.join(session_id)
    stage.send(speaker, "endSession")
    after_the_end = stage.session(session_id)
    stage.disconnect(listener)
    assert stage.session(session_id) == after_the_end


def test_the_second_pass_follows_after_five_seconds(stage: Stage) -> None:
    speaker = stage.connect_speaker()
    stage.create_session(speaker)
    stage.send(speaker, "endSession")
    ((body, delay_seconds),) = stage.queued_with_delay("session-checks")
    assert json.loads(body)["check"] == "secondPass"
    assert delay_seconds == 5


def test_an_expiry_check_ends_a_session_only_if_it_has_expired(stage: Stage) -> None:
    session_id = stage.create_session(stage.connect_speaker())
    stage.deliver_check({"check": "expiry", "sessionId": session_id})
    assert "endedAt" not in stage.session(session_id)
    stage.change("sessions", {"sessionId": session_id}, expiresAt=1)
    stage.deliver_check({"check": "expiry", "sessionId": session_id})
    assert stage.session(session_id)["endReason"] == "expired"


@pytest.mark.parametrize("check", ["expiry", "operatorEnd", "secondPass"])
def test_a_check_on_a_deleted_session_creates_no_row(stage: Stage, check: str) -> None:
    stage.deliver_check({"check": check, "sessionId": "calm-river-417"})
    assert stage.dynamodb.scan(TableName="sessions")["Count"] == 0
    assert stage.fan_outs == []


def test_the_second_pass_notifies_a_listener_that_the_index_did_not_show_at_first(
    stage: Stage, sockets: OpenSockets
) -> None:
    clients = intercepted(stage)
    speaker = stage.connect_speaker()
    session_id = stage.create_session(speaker)
    shown, late = stage.join(session_id), stage.join(session_id)

    def without_the_late_one(call: Call) -> Any:
        for page in call.carry_out():
            items = [item for item in page["Items"] if item["connectionId"]["S"] != late]
            yield {**page, "Items": items}

    with clients.intercept("query", without_the_late_one, TableName="connections"):
        stage.send(speaker, "endSession")
        stage.run_fan_outs()
    assert sockets.frames_of(late, "sessionEnded") == []
    stage.run_checks()
    stage.run_fan_outs()
    assert len(sockets.frames_of(shown, "sessionEnded")) == 1
    assert len(sockets.frames_of(late, "sessionEnded")) == 1
