"""Heartbeats."""

from tests.handlers.conftest import Stage


def test_a_heartbeat_is_acknowledged_for_either_role_in_a_session_or_not(stage: Stage) -> None:
    speaker, listener = stage.connect_speaker(), stage.connect_listener()
    for connection in (speaker, listener):
        frame = stage.send(connection, "heartbeat", requestId="h")
        assert (frame["type"], frame["requestId"]) == ("heartbeatAck", "h")
    member = stage.join(stage.create_session(speaker))
    assert stage.send(member, "heartbeat")["type"] == "heartbeatAck"


def test_a_listener_whose_row_is_gone_learns_it_from_its_heartbeat(stage: Stage) -> None:
    speaker = stage.connect_speaker()
    listener = stage.join(stage.create_session(speaker))
    stage.send(speaker, "endSession")
    stage.run_fan_outs()
    assert stage.send(listener, "heartbeat")["code"] == "CONNECTION_NOT_FOUND"


def test_a_row_past_its_ttl_counts_as_gone_though_it_was_not_deleted_yet(stage: Stage) -> None:
    listener = stage.connect_listener()
    stage.change("connections", {"connectionId": listener}, ttl=1)
    assert stage.send(listener, "heartbeat")["code"] == "CONNECTION_NOT_FOUND"


def test_a_heartbeat_writes_nothing(stage: Stage) -> None:
    listener = stage.connect_listener()
    before = stage.connection(listener)
    stage.send(listener, "heartbeat")
    assert stage.connection(listener) == before
