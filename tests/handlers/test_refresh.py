"""refreshConnection: a new socket replaces the old one, whose close then ends nothing."""

from __future__ import annotations

from typing import Any

import pytest

from tests.handlers.conftest import OpenSockets, Stage
from tests.handlers.intercepted_clients import Call, after, intercepted


def refresh_listener(
    stage: Stage, session_id: str, old: str, language: str = "es"
) -> tuple[str, dict[str, Any]]:
    new = stage.connect_listener()
    frame = stage.send(
        new,
        "refreshConnection",
        sessionId=session_id,
        connectionId=old,
        targetLanguage=language,
        requestId="r",
    )
    return new, frame


def refresh_member(
    stage: Stage, session_id: str, listener: str, language: str, old: str = "itself"
) -> dict[str, Any]:
    """A refresh by a socket that is a member already, of itself or of another connection."""
    return stage.send(
        listener,
        "refreshConnection",
        sessionId=session_id,
        connectionId=listener if old == "itself" else old,
        targetLanguage=language,
    )


def refresh_speaker(
    stage: Stage, session_id: str, user_id: str = "user-1"
) -> tuple[str, dict[str, Any]]:
    new = stage.connect_speaker(user_id)
    return new, stage.send(new, "refreshConnection", sessionId=session_id, requestId="r")


def counts(stage: Stage, session_id: str) -> tuple[int, dict[str, int]]:
    row = stage.session(session_id)
    return row["listenerCount"], row["listenersByLanguage"]


# ---- listeners


def test_a_listeners_new_socket_replaces_the_old_one(stage: Stage, sockets: OpenSockets) -> None:
    speaker = stage.connect_speaker()
    session_id = stage.create_session(speaker)
    old = stage.join(session_id, "es")
    before = stage.session(session_id)
    new, frame = refresh_listener(stage, session_id, old)
    assert frame == {
        "type": "connectionRefreshComplete",
        "timestamp": frame["timestamp"],
        "requestId": "r",
        "sessionId": session_id,
        "connectionId": new,
        "broadcastState": before["broadcastState"],
    }
    assert counts(stage, session_id) == (1, {"es": 1}), "no count changes"
    assert stage.connection(old) == {}
    assert stage.connection(new)["targetLanguage"] == "es"
    stage.disconnect(old)
    assert counts(stage, session_id) == (1, {"es": 1})
    stage.send(speaker, "pauseBroadcast")
    stage.run_fan_outs()
    assert len(sockets.frames_of(new, "broadcastPaused")) == 1
    assert sockets.frames_of(old, "broadcastPaused") == []


def test_a_listeners_refresh_that_is_sent_again_is_answered_again(stage: Stage) -> None:
    session_id = stage.create_session(stage.connect_speaker())
    new, first = refresh_listener(stage, session_id, old := stage.join(session_id, "es"))
    again = stage.send(
        new, "refreshConnection", sessionId=session_id, connectionId=old, targetLanguage="es"
    )
    assert again["type"] == first["type"]
    assert stage.session(session_id)["listenerCount"] == 1


def test_reconcile_does_not_count_during_a_refresh(stage: Stage) -> None:
    """Both rows, or neither, may be in the index for a moment."""
    session_id = stage.create_session(stage.connect_speaker())
    old = stage.join(session_id, "es")
    long_ago = stage.session(session_id)["membershipChangedAt"] - 60_000
    stage.change("sessions", {"sessionId": session_id}, membershipChangedAt=long_ago)
    row = stage.connection(old)
    refresh_listener(stage, session_id, old)
    stage.replace("connections", row)
    stage.reconcile()
    assert counts(stage, session_id) == (1, {"es": 1})


def test_a_listener_may_refresh_into_another_language(stage: Stage) -> None:
    session_id = stage.create_session(stage.connect_speaker())
    old = stage.join(session_id, "es")
    new, frame = refresh_listener(stage, session_id, old, "fr")
    assert frame["type"] == "connectionRefreshComplete"
    row = stage.session(session_id)
    assert (row["listenerCount"], row["listenersByLanguage"]["fr"]) == (1, 1)
    assert row["listenersByLanguage"]["es"] == 0
    assert stage.connection(new)["targetLanguage"] == "fr"


@pytest.mark.parametrize("kind", ["speaker", "other session", "unknown", "left", "itself"])
def test_a_listener_replaces_only_a_listener_of_the_same_session(stage: Stage, kind: str) -> None:
    speaker = stage.connect_speaker()
    session_id = stage.create_session(speaker)
    other_session = stage.create_session(stage.connect_speaker("user-2"))
    stage.join(session_id)
    old = {
        "speaker": speaker,
        "other session": stage.join(other_session),
        "unknown": "unknown=",
        "left": stage.join(session_id),
        "itself": stage.connect_listener(),
    }[kind]
    if kind == "left":
        stage.send(old, "leaveSession")
    before = stage.session(session_id), stage.session(other_session), stage.connection(old)
    new, frame = refresh_listener(stage, session_id, old)
    assert frame["code"] == "CONNECTION_NOT_FOUND"
    assert (stage.session(session_id), stage.session(other_session), stage.connection(old)) == (
        before
    )
    assert "sessionId" not in stage.connection(new)


def test_a_listener_of_an_ended_session_cannot_refresh(stage: Stage, sockets: OpenSockets) -> None:
    speaker = stage.connect_speaker()
    session_id = stage.create_session(speaker)
    old = stage.join(session_id)
    stage.send(speaker, "endSession")
    new, frame = refresh_listener(stage, session_id, old)
    assert frame["code"] == "SESSION_ENDED"
    assert "sessionId" not in stage.connection(new)
    stage.run_fan_outs()
    assert len(sockets.frames_of(old, "sessionEnded")) == 1


def test_a_member_of_another_session_cannot_refresh_into_this_one(stage: Stage) -> None:
    session_id = stage.create_session(stage.connect_speaker())
    old = stage.join(session_id)
    elsewhere = stage.join(stage.create_session(stage.connect_speaker("user-2")))
    frame = stage.send(
        elsewhere, "refreshConnection", sessionId=session_id, connectionId=old, targetLanguage="es"
    )
    assert frame["code"] == "ALREADY_IN_SESSION"
    assert stage.connection(old)["sessionId"] == session_id


@pytest.mark.parametrize("named", ["itself", "unknown="])
def test_a_member_that_refreshes_in_its_language_changes_nothing_and_causes_no_post(
    stage: Stage, sockets: OpenSockets, named: str
) -> None:
    session_id = stage.create_session(stage.connect_speaker())
    listener = stage.join(session_id, "es")
    sockets.posts.clear()
    before = stage.session(session_id), stage.connection(listener)
    frame = refresh_member(stage, session_id, listener, "es", named)
    assert frame["type"] == "connectionRefreshComplete"
    assert (stage.session(session_id), stage.connection(listener)) == before
    assert sockets.posts == []


def test_a_member_that_refreshes_into_another_language_changes_it(
    stage: Stage, sockets: OpenSockets
) -> None:
    speaker = stage.connect_speaker()
    session_id = stage.create_session(speaker)
    listener, _ = stage.join(session_id, "es"), stage.join(session_id, "es")
    before = stage.connection(listener)
    sockets.posts.clear()
    frame = refresh_member(stage, session_id, listener, "FR-fr")
    assert (frame["type"], frame["connectionId"]) == ("connectionRefreshComplete", listener)
    assert counts(stage, session_id) == (2, {"es": 1, "fr": 1})
    after_it = stage.connection(listener)
    assert after_it["targetLanguage"] == "fr"
    for unchanged in ("connectedAt", "membershipId", "sessionId", "ttl"):
        assert after_it[unchanged] == before[unchanged]
    [status] = sockets.frames_of(speaker, "sessionStatus")
    assert (status["updateReason"], status["languageDistribution"]) == (
        "newLanguage",
        {"es": 1, "fr": 1},
    )
    assert len(sockets.posts) == 1
    refresh_member(stage, session_id, listener, "fr")
    assert counts(stage, session_id) == (2, {"es": 1, "fr": 1})
    assert len(sockets.posts) == 1


def test_a_member_of_an_ended_session_does_not_change_its_language_by_a_refresh(
    stage: Stage,
) -> None:
    speaker = stage.connect_speaker()
    session_id = stage.create_session(speaker)
    listener = stage.join(session_id, "es")
    stage.send(speaker, "endSession")
    for language in ("es", "fr"):
        assert refresh_member(stage, session_id, listener, language)["code"] == "SESSION_ENDED"
    assert stage.connection(listener)["targetLanguage"] == "es"
    assert counts(stage, session_id) == (0, {})


@pytest.mark.parametrize("language", ["es", "fr"])
def test_a_refresh_that_meets_a_change_of_language_is_tried_again(
    stage: Stage, language: str
) -> None:
    clients = intercepted(stage)
    session_id = stage.create_session(stage.connect_speaker())
    old = stage.join(session_id, "es")
    change_first = after(lambda: stage.send(old, "changeLanguage", targetLanguage="it"))
    with clients.intercept("transact_write_items", change_first, times=1) as calls:
        new, frame = refresh_listener(stage, session_id, old, language)
    assert len(calls) == 1
    assert frame["type"] == "connectionRefreshComplete"
    listeners, by_language = counts(stage, session_id)
    assert listeners == 1
    assert {code: count for code, count in by_language.items() if count} == {language: 1}
    assert stage.connection(new)["targetLanguage"] == language


def in_conflict(call: Call) -> Any:
    response = {
        "Error": {"Code": "TransactionCanceledException", "Message": ""},
        "CancellationReasons": [{"Code": "TransactionConflict"}, {"Code": "None"}],
    }
    raise call.client.exceptions.TransactionCanceledException(response, "TransactWriteItems")


def test_a_conflict_of_two_transactions_is_tried_again_and_at_last_an_outage(
    stage: Stage,
) -> None:
    clients = intercepted(stage)
    session_id = stage.create_session(stage.connect_speaker())
    old = stage.join(session_id, "es")
    with clients.intercept("transact_write_items", in_conflict, times=1) as calls:
        newer, frame = refresh_listener(stage, session_id, old)
    assert (len(calls), frame["type"]) == (1, "connectionRefreshComplete")
    with clients.intercept("transact_write_items", in_conflict) as calls:
        _, refused = refresh_listener(stage, session_id, newer, "fr")
    assert (len(calls), refused["code"]) == (3, "SERVICE_UNAVAILABLE")
    assert stage.connection(newer)["sessionId"] == session_id
    listeners, by_language = counts(stage, session_id)
    assert (listeners, by_language["es"], by_language["fr"]) == (1, 1, 0)


@pytest.mark.parametrize("missing", ["connectionId", "targetLanguage", "sessionId"])
def test_a_listeners_refresh_needs_each_of_its_fields(stage: Stage, missing: str) -> None:
    fields = {"sessionId": "a", "connectionId": "b", "targetLanguage": "es"}
    del fields[missing]
    frame = stage.send(stage.connect_listener(), "refreshConnection", **fields)
    assert (frame["code"], frame["details"]["parameter"]) == ("INVALID_PARAMETER", missing)


# ---- speakers


def test_a_speakers_new_socket_takes_over_and_is_sent_the_state(
    stage: Stage, sockets: OpenSockets
) -> None:
    old = stage.connect_speaker()
    session_id = stage.create_session(old)
    listener = stage.join(session_id)
    stage.send(old, "pauseBroadcast")
    stage.fan_outs.clear()
    new, frame = refresh_speaker(stage, session_id)
    (complete,) = sockets.frames_of(new, "connectionRefreshComplete")
    assert complete.items() >= {"requestId": "r", "connectionId": new}.items()
    assert frame["type"] == "stateRestored"
    assert "requestId" not in frame
    assert frame["broadcastState"]["isPaused"] is True
    assert stage.session(session_id)["speakerConnectionId"] == new
    assert "sessionId" not in stage.connection(old)
    assert stage.send(old, "resumeBroadcast")["code"] == "CONNECTION_NOT_FOUND"
    assert stage.send(old, "getSessionStatus")["code"] == "CONNECTION_NOT_FOUND"
    stage.disconnect(old)
    stage.run_checks()
    assert "endedAt" not in stage.session(session_id)
    assert stage.send(new, "resumeBroadcast")["type"] == "broadcastResumed"
    assert stage.send(new, "getSessionStatus")["listenerCount"] == 1
    assert stage.connection(listener)["sessionId"] == session_id


def test_a_speakers_new_socket_may_name_another_sample_rate(stage: Stage) -> None:
    session_id = stage.create_session(stage.connect_speaker())
    new, _ = refresh_speaker(stage, session_id)
    before = stage.session(session_id)
    assert before["sampleRateHertz"] == 16_000
    changed = stage.send(new, "refreshConnection", sessionId=session_id, sampleRateHertz=48_000)
    assert changed["type"] == "stateRestored"
    row = stage.session(session_id)
    assert row["sampleRateHertz"] == 48_000
    assert row["streamEpoch"] == before["streamEpoch"] + 1
    assert stage.connection(new)["sessionId"] == session_id
    third, _ = refresh_speaker(stage, session_id)
    assert stage.session(session_id)["sampleRateHertz"] == 48_000
    assert "sessionId" not in stage.connection(new)
    assert stage.connection(third)["sessionId"] == session_id


def test_a_lost_speaker_may_return_within_the_grace_period(stage: Stage) -> None:
    old = stage.connect_speaker()
    session_id = stage.create_session(old)
    stage.disconnect(old)
    assert "speakerLostAt" in stage.session(session_id)
    new, frame = refresh_speaker(stage, session_id)
    assert frame["type"] == "stateRestored"
    assert "speakerLostAt" not in stage.session(session_id)
    stage.run_checks()
    assert "endedAt" not in stage.session(session_id)
    stage.disconnect(new)
    stage.run_checks()
    assert stage.session(session_id)["endReason"] == "speakerLost"


def test_another_user_cannot_replace_the_speaker(stage: Stage) -> None:
    old = stage.connect_speaker()
    session_id = stage.create_session(old)
    before = stage.session(session_id)
    new, frame = refresh_speaker(stage, session_id, "user-2")
    assert frame["code"] == "UNAUTHORIZED_ACTION"
    assert stage.session(session_id) == before
    assert "sessionId" not in stage.connection(new)


def test_a_speaker_cannot_refresh_into_an_ended_or_unknown_session(stage: Stage) -> None:
    old = stage.connect_speaker()
    session_id = stage.create_session(old)
    stage.send(old, "endSession")
    assert refresh_speaker(stage, session_id)[1]["code"] == "SESSION_ENDED"
    assert refresh_speaker(stage, "no-such-100")[1]["code"] == "SESSION_NOT_FOUND"


def test_a_speaker_with_a_live_session_cannot_refresh_into_another(stage: Stage) -> None:
    session_id = stage.create_session(stage.connect_speaker())
    busy = stage.connect_speaker()
    own = stage.create_session(busy)
    frame = stage.send(busy, "refreshConnection", sessionId=session_id)
    assert (frame["code"], frame["details"]) == ("ALREADY_IN_SESSION", {"sessionId": own})


def test_a_speakers_refresh_that_is_sent_again_is_answered_again(stage: Stage) -> None:
    session_id = stage.create_session(stage.connect_speaker())
    new, _ = refresh_speaker(stage, session_id)
    before = stage.session(session_id)
    again = stage.send(new, "refreshConnection", sessionId=session_id)
    assert again["type"] == "stateRestored"
    assert stage.session(session_id) == before


def test_a_speaker_whose_socket_cannot_be_posted_to_receives_the_reply_alone(
    stage: Stage, sockets: OpenSockets
) -> None:
    session_id = stage.create_session(stage.connect_speaker())
    new = stage.connect_speaker()
    sockets.failing.add(new)
    frame = stage.send(new, "refreshConnection", sessionId=session_id)
    assert frame["type"] == "connectionRefreshComplete"


def test_the_replaced_socket_may_create_another_session(stage: Stage) -> None:
    old = stage.connect_speaker()
    session_id = stage.create_session(old)
    new, _ = refresh_speaker(stage, session_id)
    second = stage.create_session(old)
    assert stage.session(second)["speakerConnectionId"] == old
    assert stage.session(session_id)["speakerConnectionId"] == new
