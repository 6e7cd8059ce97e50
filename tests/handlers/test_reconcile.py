"""What reconcile corrects, and what it leaves alone."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from live_sessions.aws.runtime import Clock
from live_sessions.listeners.membership import Membership
from live_sessions.listeners.reconcile_turns import ReconcileHandler
from live_sessions.sessions.connections import Connection, ConnectionTable
from live_sessions.sessions.rows import SessionTable
from tests.handlers.conftest import OpenSockets, Stage
from tests.handlers.intercepted_clients import THROTTLED, Call, after, fail_with, intercepted


def reconcile(stage: Stage, *, remaining_ms: int = 180_000) -> None:
    """The rule fires, and the shards that the stage uses have their turns."""
    handler = stage.build("reconcile")
    assert isinstance(handler, ReconcileHandler)
    stage.entries["reconcile"] = dataclasses.replace(
        handler, shards_swept=int(stage.environment["STATUS_SHARDS"])
    )
    stage.reconcile(remaining_ms=remaining_ms)


def settle(stage: Stage, session_id: str, **values: object) -> None:
    """Age the session's last join or leave past the time that reconcile waits for."""
    long_ago = stage.clock.now_ms() - 31_000
    stage.change("sessions", {"sessionId": session_id}, membershipChangedAt=long_ago, **values)


@dataclasses.dataclass
class Leave:
    """A leave in its two steps: the row is deleted, then the place released."""

    stage: Stage
    session_id: str
    connection_id: str
    row: Connection | None = None

    def delete_row(self) -> None:
        removal = self._membership().connections.remove(
            self.connection_id, session_id=self.session_id
        )
        self.row = removal.row
        assert self.row is not None

    def release_place(self) -> None:
        assert self.row is not None
        self._membership().release(self.row)

    def _membership(self) -> Membership:
        clients, clock = self.stage.clients, self.stage.clock
        return Membership(
            SessionTable.of(clients, "sessions", clock),
            ConnectionTable.of(clients, "connections", clock),
            clock,
        )


def live_session(stage: Stage, *languages: str) -> str:
    session_id = stage.create_session(stage.connect_speaker())
    for language in languages:
        stage.join(session_id, language)
    return session_id


def test_counts_that_are_wrong_after_a_crash_are_corrected(stage: Stage) -> None:
    session_id = live_session(stage, "es", "fr")
    settle(stage, session_id, listenerCount=9, listenersByLanguage={"es": 8, "it": 1})
    reconcile(stage)
    row = stage.session(session_id)
    assert (row["listenerCount"], row["listenersByLanguage"]) == (2, {"es": 1, "fr": 1})


def test_counts_that_are_right_are_not_written(stage: Stage) -> None:
    session_id = live_session(stage, "es")
    settle(stage, session_id, listenersByLanguage={"es": 1, "fr": 0})
    before = stage.session(session_id)
    reconcile(stage)
    assert stage.session(session_id) == before


def test_counts_that_changed_just_now_are_left_alone(stage: Stage) -> None:
    session_id = live_session(stage, "es")
    stage.change("sessions", {"sessionId": session_id}, listenerCount=7)
    reconcile(stage)
    assert stage.session(session_id)["listenerCount"] == 7


def test_a_count_is_not_corrected_if_a_listener_joined_after_it_was_read(stage: Stage) -> None:
    clients = intercepted(stage)
    session_id = live_session(stage, "es")
    settle(stage, session_id, listenerCount=0)
    join_first = after(lambda: stage.join(session_id, "fr"))
    with clients.intercept("update_item", join_first, TableName="sessions", times=1) as calls:
        reconcile(stage)
    assert len(calls) == 1
    assert stage.session(session_id)["listenerCount"] == 0 + 1


def test_a_count_that_is_too_low_is_corrected_at_once(
    stage: Stage,
) -> None:
    session_id = live_session(stage, "es", "fr")
    settle(stage, session_id, listenerCount=1, listenersByLanguage={"es": 1})
    reconcile(stage)
    row = stage.session(session_id)
    assert (row["listenerCount"], row["listenersByLanguage"]) == (2, {"es": 1, "fr": 1})


def test_a_leave_between_its_two_steps_is_not_counted_twice(stage: Stage) -> None:
    session_id = live_session(stage, "es")
    leave = Leave(stage, session_id, stage.join(session_id, "es"))
    settle(stage, session_id)
    leave.delete_row()
    reconcile(stage)
    leave.release_place()
    settle(stage, session_id)
    reconcile(stage)
    assert stage.session(session_id)["listenerCount"] == 1


def before_the_recheck(stage: Stage, happens: Callable[[], object]) -> list[float]:
    """Let something happen before the recheck; the pauses are in the list."""
    pauses: list[float] = []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        happens()

    stage.clock = Clock(sleep=pause)
    return pauses


def test_a_count_that_is_too_high_is_corrected_after_the_recheck_delay(stage: Stage) -> None:
    session_id = live_session(stage, "es")
    settle(stage, session_id, listenerCount=2, listenersByLanguage={"es": 2})
    pauses = before_the_recheck(stage, lambda: None)
    reconcile(stage)
    assert pauses == [90]
    row = stage.session(session_id)
    assert (row["listenerCount"], row["listenersByLanguage"]) == (1, {"es": 1})


def test_a_leave_that_is_counted_before_the_recheck_is_not_counted_again(stage: Stage) -> None:
    session_id = live_session(stage, "es")
    leave = Leave(stage, session_id, stage.join(session_id, "es"))
    settle(stage, session_id)
    leave.delete_row()
    before_the_recheck(stage, leave.release_place)
    reconcile(stage)
    assert stage.session(session_id)["listenerCount"] == 1


def test_a_leave_in_progress_at_the_recheck_is_counted_besides_the_correction(
    stage: Stage,
) -> None:
    session_id = live_session(stage, "es")
    leave = Leave(stage, session_id, stage.join(session_id, "es"))
    settle(stage, session_id, listenerCount=3, listenersByLanguage={"es": 3})
    before_the_recheck(stage, leave.delete_row)
    reconcile(stage)
    leave.release_place()
    assert stage.session(session_id)["listenerCount"] == 1


def test_the_second_of_two_runs_is_not_taken_for_the_firsts_recheck(stage: Stage) -> None:
    session_id = live_session(stage, "es")
    leave = Leave(stage, session_id, stage.join(session_id, "es"))
    settle(stage, session_id)
    leave.delete_row()
    for _ in range(2):
        reconcile(stage, remaining_ms=99_000)
    leave.release_place()
    assert stage.session(session_id)["listenerCount"] == 1


def test_a_run_that_finds_every_count_right_does_not_pause(stage: Stage) -> None:
    settle(stage, live_session(stage, "es"))
    pauses = before_the_recheck(stage, lambda: None)
    reconcile(stage)
    assert pauses == []


def test_a_shard_that_cannot_be_read_does_not_affect_the_others(stage: Stage) -> None:
    clients = intercepted(stage)
    unread, readable = live_session(stage, "es"), live_session(stage, "es", "fr")
    for session_id in (unread, readable):
        settle(stage, session_id, listenerCount=0, listenersByLanguage={})
    shard = stage.session(unread)["activeShard"]
    other_shard = (shard + 1) % int(stage.environment["STATUS_SHARDS"])
    stage.change("sessions", {"sessionId": readable}, activeShard=other_shard)

    def fail_one_shard(call: Call) -> Any:
        if call.request["ExpressionAttributeValues"] == {":shard": {"N": str(shard)}}:
            raise THROTTLED
        return call.carry_out()

    with clients.intercept("query", fail_one_shard, TableName="sessions"):
        reconcile(stage)
    assert stage.session(readable)["listenerCount"] == 2
    assert stage.session(unread)["listenerCount"] == 0


def test_a_language_counted_below_zero_is_corrected(stage: Stage) -> None:
    session_id = live_session(stage, "es")
    settle(stage, session_id, listenersByLanguage={"es": 1, "fr": -1})
    reconcile(stage)
    settle(stage, session_id)
    reconcile(stage)
    assert stage.session(session_id)["listenersByLanguage"] == {"es": 1}


def test_a_row_that_cannot_be_read_does_not_affect_other_sessions(stage: Stage) -> None:
    broken, well = live_session(stage), live_session(stage, "es", "fr")
    row = stage.session(broken)
    del row["broadcastState"]
    stage.replace("sessions", row)
    settle(stage, well, listenerCount=0, listenersByLanguage={})
    reconcile(stage)
    assert stage.session(well)["listenerCount"] == 2


def test_a_session_whose_call_fails_does_not_affect_the_others(stage: Stage) -> None:
    clients = intercepted(stage)
    failing, well = live_session(stage), live_session(stage, "es", "fr")
    settle(stage, well, listenerCount=0, listenersByLanguage={})
    key = {"sessionId": {"S": failing}}
    with clients.intercept("get_item", fail_with(THROTTLED), Key=key) as calls:
        reconcile(stage)
    assert len(calls) == 1
    assert stage.session(well)["listenerCount"] == 2


def test_a_run_without_time_left_changes_nothing(stage: Stage) -> None:
    session_id = live_session(stage, "es")
    settle(stage, session_id, listenerCount=0, listenersByLanguage={})
    reconcile(stage, remaining_ms=0)
    assert stage.session(session_id)["listenerCount"] == 0


def test_a_speaker_who_is_back_is_no_longer_recorded_as_lost(stage: Stage) -> None:
    session_id = live_session(stage)
    settle(stage, session_id, speakerLostAt=1)
    reconcile(stage)
    assert "speakerLostAt" not in stage.session(session_id)


def test_a_row_that_outlived_its_socket_is_removed_and_not_counted(stage: Stage) -> None:
    session_id = live_session(stage, "es")
    dead = stage.join(session_id, "fr")
    stage.change("connections", {"connectionId": dead}, ttl=1)
    settle(stage, session_id)
    reconcile(stage)
    assert stage.connection(dead) == {}
    row = stage.session(session_id)
    assert (row["listenerCount"], row["listenersByLanguage"]) == (1, {"es": 1, "fr": 0})


def test_the_fan_out_of_an_ended_session_is_started_again_until_it_is_closed(
    stage: Stage, sockets: OpenSockets
) -> None:
    speaker = stage.connect_speaker()
    session_id = stage.create_session(speaker)
    listener = stage.join(session_id)
    stage.send(speaker, "endSession")
    stage.fan_outs.clear()
    stage.queued("session-checks")
    reconcile(stage)
    stage.run_fan_outs()
    (ended,) = sockets.frames_of(listener, "sessionEnded")
    assert ended["reason"] == "speakerEnded"
    stage.change("sessions", {"sessionId": session_id}, endedAt=stage.clock.now_ms() - 61_000)
    reconcile(stage)
    stage.run_fan_outs()
    assert "activeShard" not in stage.session(session_id)
    reconcile(stage)
    assert stage.fan_outs == []


def test_an_expired_session_is_ended_and_both_sides_are_notified_once(
    stage: Stage, sockets: OpenSockets
) -> None:
    speaker = stage.connect_speaker()
    session_id = stage.create_session(speaker)
    listener = stage.join(session_id)
    stage.change("sessions", {"sessionId": session_id}, expiresAt=1)
    reconcile(stage)
    reconcile(stage)
    stage.run_fan_outs()
    for connection in (speaker, listener):
        (ended,) = sockets.frames_of(connection, "sessionEnded")
        assert ended["reason"] == "expired"


def test_a_speaker_without_a_row_is_lost_after_two_runs_a_minute_apart(
    stage: Stage,
) -> None:
    speaker = stage.connect_speaker()
    session_id = stage.create_session(speaker)
    stage.dynamodb.delete_item(TableName="connections", Key={"connectionId": {"S": speaker}})
    reconcile(stage)
    row = stage.session(session_id)
    assert "endedAt" not in row
    assert row["speakerLostAt"] > 0
    reconcile(stage)
    assert "endedAt" not in stage.session(session_id)
    settle(stage, session_id, speakerLostAt=stage.clock.now_ms() - 61_000)
    reconcile(stage)
    assert stage.session(session_id)["endReason"] == "speakerLost"


def test_a_session_whose_speaker_is_connected_is_not_changed(stage: Stage) -> None:
    session_id = live_session(stage, "es")
    settle(stage, session_id)
    before = stage.session(session_id)
    reconcile(stage)
    assert stage.session(session_id) == before
    assert stage.fan_outs == []


def test_a_session_is_moved_if_the_number_of_shards_has_changed(stage: Stage) -> None:
    session_id = live_session(stage)
    shard = stage.session(session_id)["activeShard"]
    stage.change("sessions", {"sessionId": session_id}, activeShard=63)
    stage.reconcile()
    assert stage.session(session_id)["activeShard"] == shard
